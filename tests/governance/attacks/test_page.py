"""MLflow's own web page, driven in a browser: it shows the gate's sentence where it is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_gate import LiveGate
from playwright.sync_api import Page, expect

from nbmlops.records import Submission

# The browser's fixture stands beside the journeys, which are no package.
sys.path.append(str(Path(__file__).parents[2] / "end_to_end"))

from artifacts import artifact
from browser import chromium, local_page

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def own_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server for this machine only, which asks for no password."""
    return start_gate()


@pytest.fixture
def page(own_gate: LiveGate, request: pytest.FixtureRequest) -> Iterator[Page]:
    """MLflow's list of models, its greeting put away."""
    with chromium() as browser, local_page(browser) as page:
        page.set_default_timeout(45_000)
        page.goto(f"{own_gate.address}/#/models")
        page.get_by_role("button", name="Try it now").click()
        yield page
        page.screenshot(path=artifact(f"{request.node.name}.png"))


@pytest.fixture
def registered(own_gate: LiveGate) -> Submission:
    submission = own_gate.approved()
    answer = own_gate.api(f"/reviews/{submission.id}/registration", {"alias": "candidate"})
    assert answer.status_code == 200, answer.text
    return submission


def test_the_page_shows_why_a_model_may_not_be_created(own_gate: LiveGate, page: Page) -> None:
    """In the dialog that asked; what is approved is created there."""
    page.get_by_test_id("create-model-button").click()
    dialog = page.get_by_role("dialog").filter(has_text="Create Model")
    dialog.get_by_role("textbox").fill("by_the_page")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_contain_text("'by_the_page' may not be registered: no approved review names")
    page.screenshot(path=artifact("mlflow-page-refuses.png"))
    approved = own_gate.approved().model_name
    dialog.get_by_role("textbox").fill(approved)
    dialog.get_by_role("button", name="Create").click()
    page.wait_for_url(f"**/models/{approved}")


def test_the_page_shows_why_an_alias_may_not_move(
    own_gate: LiveGate, page: Page, registered: Submission
) -> None:
    """In the dialog that asked; one that the sign-offs allow is set there."""
    page.goto(f"{own_gate.address}/#/models/{registered.model_name}/versions/1")
    for alias, allowed in (("production", False), ("champion", True)):
        page.get_by_title("Edit aliases").click()
        dialog = page.get_by_role("dialog").filter(has_text="alias")
        dialog.get_by_role("combobox").fill(alias)
        dialog.get_by_role("combobox").press("Enter")
        dialog.get_by_role("button", name="Save aliases").click()
        if allowed:
            expect(page.get_by_text("@ champion")).to_be_visible(timeout=45_000)
        else:
            expect(dialog).to_contain_text("The alias 'production' of")
            page.screenshot(path=artifact("mlflow-page-refuses-alias.png"))
            dialog.get_by_role("button", name="Cancel").click()
