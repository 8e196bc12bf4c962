"""When a clean run proves what was tracked, and when it does not."""

from __future__ import annotations

import pytest

from nbmlops.errors import CheckFailed
from nbmlops.promotion import check_clean_run, pick_clean_run
from nbmlops.records import Metric, digest_bytes
from nbmlops.testing import EPOCH, make_run


def metrics(**values: float | None) -> tuple[Metric, ...]:
    return tuple(Metric(name=n, value=v, at=EPOCH) for n, v in values.items())


TRACKED = make_run(metrics=metrics(auc=0.73, brier=0.2))


def test_the_same_metrics_on_the_same_data_agree() -> None:
    """The control, with a difference far below the tolerance."""
    clean = make_run(id="run-2", metrics=metrics(auc=0.73 + 1e-12, brier=0.2))
    proof = check_clean_run(TRACKED, clean, 1e-6)
    assert proof.agrees
    assert [m.name for m in proof.metrics] == ["auc", "brier"]


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": metrics(auc=0.7301, brier=0.2)},
        {"metrics": metrics(auc=0.73)},
        {"metrics": metrics(auc=0.73, brier=0.2, extra=1.0)},
        {"metrics": metrics(auc=None, brier=0.2)},
        {"data_digest": digest_bytes(b"other")},
        {"data_digest": ""},
    ],
    ids=["another value", "one missing", "one more", "not finite", "other data", "data unknown"],
)
def test_any_difference_is_no_proof(changes: dict[str, object]) -> None:
    """In a value, in which metrics there are, or in the data."""
    clean = make_run(id="run-2", **({"metrics": TRACKED.metrics} | changes))
    assert not check_clean_run(TRACKED, clean, 1e-6).agrees


def test_without_metrics_nothing_is_proved() -> None:
    """Two silent runs do not agree; they say nothing."""
    assert not check_clean_run(make_run(), make_run(id="run-2"), 1e-6).agrees


def test_the_same_cell_is_picked_among_several_models() -> None:
    """A metric cell may need a second model; the promoted one answers."""
    other = make_run(id="run-3", model_class="sklearn.svm.SVC", cell=make_run().cell)
    same = make_run(id="run-2")
    assert pick_clean_run(TRACKED, [other, same]) is same


@pytest.mark.parametrize(
    "candidates", [[], [make_run(model_class="x.Y")], [make_run(), make_run()]]
)
def test_no_model_or_two_is_an_error(candidates: list[object]) -> None:
    """The sentence says what was trained instead."""
    with pytest.raises(CheckFailed, match="should train one"):
        pick_clean_run(TRACKED, candidates)  # type: ignore[arg-type] # parametrized
