"""Jupyter Notebook 7, which shows one document a page: card, panel and review in it."""

from __future__ import annotations

import nbformat
import pytest
from artifacts import artifact
from lab import Hand, Lab
from playwright.sync_api import expect

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

CELLS = {
    "start": "%load_ext nbmlops\n%track\nimport nbmlops",
    "fit": "from sklearn.linear_model import Ridge\nX, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]\n"
    "model = Ridge(alpha=0.5).fit(X, y)\nmodel.score(X, y)",
}


def test_card_panel_and_review_work_in_jupyter_notebook(lab: Lab, hand: Hand) -> None:
    """A training's card leads to its run in the panel, and a review is shown in a cell."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[nbformat.v4.new_code_cell(code, id=name) for name, code in CELLS.items()],
    )
    nbformat.write(notebook, lab.project / "seven.ipynb")
    page = hand.page
    hand.open(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    for cell in CELLS:
        hand.run_cell(cell)
    (run,) = [r for r in lab.nbmlops("runs") if r["notebook"] == "seven.ipynb"]

    page.get_by_role("button", name=run["id"]).click()
    expect(hand.runs).to_have_count(1)
    expect(hand.panel.locator(f"[data-run-id={run['id']}]")).to_be_focused()
    page.screenshot(path=artifact("notebook-7.png"))
    page.get_by_role("menuitem", name="View", exact=True).click()
    expect(page.get_by_role("menuitem", name="Show Tracked Runs")).to_be_visible()
    page.keyboard.press("Escape")

    promotion = lab.nbmlops("promote", run["id"], "--name", "seventh")
    review = lab.nbmlops("submit", promotion["id"])["submission"]["id"]
    expect(hand.reviews.filter(has_text="seventh")).to_have_count(1)
    hand.run_code(f"nbmlops.review({review!r}, by='grace')")
    expect(page.get_by_title("Approve", exact=True)).to_be_visible()
    page.screenshot(path=artifact("notebook-7-review.png"))
