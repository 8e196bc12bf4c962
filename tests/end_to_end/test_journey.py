"""From a training cell to a second person's approval, in a browser, from the installed wheel."""

from __future__ import annotations

import re

import pytest
from artifacts import artifact
from lab import Hand, Lab
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

NOTEBOOK = "01_track.ipynb"


def test_a_trained_cell_is_approved_by_a_second_person(lab: Lab, hand: Hand) -> None:
    """Train, see the run appear; promote and submit, see the review appear; ada is refused."""
    page = hand.page
    hand.open(lab.address(NOTEBOOK, "journey"))
    hand.show_panel()
    expect(hand.panel).to_contain_text("This notebook has no tracked run yet.")
    expect(hand.panel).to_contain_text("No review waits.")

    asked = api_requests(page)
    for cell in ("start", "parameters", "load", "split"):
        hand.run_cell(cell)
    expect(hand.runs).to_have_count(0)
    hand.run_cell("baseline")
    expect(hand.runs).to_have_count(1)
    hand.run_cell("boosting")
    expect(hand.runs).to_have_count(2)
    hand.run_cell("metrics")
    newest = hand.runs.first
    expect(newest).to_contain_text("roc_auc_score")
    expect(newest).to_contain_text("brier_score_loss")
    expect(newest).to_contain_text("learning_rate")
    expect(newest.locator(".nbmlops-Delta[data-verdict]").first).to_be_visible()
    expect(newest).to_contain_text("delivered")
    (run, _) = lab.nbmlops("runs")
    assert newest.get_by_title(re.compile(run["data_digest"])).count() >= 1

    # The browser asks when it is told to, never by the clock: with nothing to tell, it is silent.
    hand.wait_for_idle()
    expect(hand.runs.last).to_contain_text("delivered")
    page.evaluate("new Promise(done => requestIdleCallback(done))")
    asked.clear()
    page.evaluate("new Promise(done => setTimeout(done, 3500))")
    assert asked == []

    newest.get_by_role("button", name=run["name"]).click()
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'boosting'"
    )
    page.screenshot(path=artifact("panel-light.png"))
    hand.use_theme("JupyterLab Dark")
    page.screenshot(path=artifact("panel-dark.png"))
    hand.use_theme("JupyterLab Light")

    hand.panel.get_by_role("checkbox").nth(0).check()
    hand.panel.get_by_role("checkbox").nth(1).check()
    comparison = hand.panel.get_by_role("region", name="Comparison of two runs")
    expect(comparison).to_contain_text("roc_auc_score")
    page.screenshot(path=artifact("comparison.png"))
    comparison.get_by_role("button", name="Close").click()

    promotion = lab.nbmlops("promote", run["id"], "--name", "late_arrival")
    review = lab.nbmlops("submit", promotion["id"])["submission"]["id"]
    expect(hand.reviews).to_have_count(1)
    expect(hand.reviews).to_contain_text("1 sign-off is missing")

    newest.get_by_role("button", name=run["name"]).click()
    hand.toggle_files()
    page.screenshot(path=artifact("panel.png"))
    hand.toggle_files()

    hand.reviews.get_by_role("button", name="Open review").click()
    approve = page.get_by_role("button", name=re.compile(r"Approve$"))
    expect(approve).to_be_visible()
    approve.click()
    expect(page.get_by_role("alert")).to_contain_text("ada is the author of late_arrival")
    page.screenshot(path=artifact("review-refused.png"))
    assert lab.nbmlops("review", review)["sign_offs"] == []

    hand.run_code(f"nbmlops.review({review!r}, by='grace')")
    expect(approve).to_have_count(2)
    page.get_by_label("Comment").last.fill("The split by month is right, and the clean run agrees.")
    approve.last.click()
    expect(page.get_by_text("You approved this as grace.")).to_be_visible()
    expect(hand.reviews).to_contain_text("It can be registered.")
    page.screenshot(path=artifact("review-light.png"))
    hand.use_theme("JupyterLab Dark")
    page.screenshot(path=artifact("review-dark.png"))

    stands = lab.nbmlops("review", review)
    assert stands["status"] == "approved"
    (sign_off,) = stands["sign_offs"]
    assert sign_off["by"] == {"name": "grace", "asserted_by": "self", "roles": []}
    assert sign_off["comment"].startswith("The split by month")


def test_a_notebook_without_runs_is_started_from_the_panel(lab: Lab, hand: Hand) -> None:
    """A notebook that has no runs says what to do; its button starts tracking."""
    hand.open(lab.address("02_review.ipynb", "second"))
    hand.show_panel()
    hand.panel.get_by_role("button", name="Turn tracking on").click()
    hand.page.wait_for_function(
        """() => {
            const cell = window.jupyterapp.shell.currentWidget.content.widgets[0].model;
            return cell.sharedModel.getSource().includes('%track') && cell.executionCount === 1;
        }"""
    )
    expect(hand.panel).to_contain_text("This notebook has no tracked run yet.")


def api_requests(page: Page) -> list[str]:
    """The requests to our routes, as the page makes them."""
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/nbmlops/api/" in r.url else None)
    return asked
