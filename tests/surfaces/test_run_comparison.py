"""Two runs beside each other: the record, its text, its HTML and its figure."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pandas as pd
import pytest
from click.testing import CliRunner

import nbmlops
from nbmlops.records import (
    CellRecord,
    Change,
    DataInput,
    Environment,
    Metric,
    Parameter,
    RunDiff,
    TrackedRun,
    decode,
    now,
)
from nbmlops.surfaces.cli import main
from nbmlops.surfaces.run_comparison import RunComparison
from nbmlops.surfaces.wording import told_first
from nbmlops.tracking import Journal, compare_runs

EVIL = "<img src=x onerror=alert(1)>"


def run(number: int, table: pd.DataFrame, source: str, **metrics: float | None) -> TrackedRun:
    cell = CellRecord(
        cell_id="a", source=source, source_digest=str(number), execution_count=number,
        order=number, started=now(), duration=1.0, outcome="ok",
    )  # fmt: skip
    return TrackedRun(
        id=f"run-{number:012d}", name="Ridge", author="ada", notebook=None, started=now(),
        duration=1.0, model_class="sklearn.linear_model.Ridge", cell=cell, cells=(cell,),
        environment=Environment(python="3.11", platform="x", packages={"numpy": f"2.{number}"}),
        parameters=(
            Parameter(name="alpha", value=float(number), is_default=False),
            Parameter(name="fit_intercept", value=True, is_default=True),
        ),
        inputs=(DataInput(role="X", name="X", fingerprint=nbmlops.fingerprint(table, "X")),),
        metrics=tuple(Metric(name=name, value=value, at=now()) for name, value in metrics.items()),
    )  # fmt: skip


@pytest.fixture
def pair() -> tuple[TrackedRun, TrackedRun]:
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    other = table.assign(c=table["a"]).drop(columns="b")
    old = run(1, table, "Ridge(1)\nkeep", rmse=0.5, rows=250_000.0, gone=1.0)
    new = run(2, other, f"Ridge(2)  # {EVIL}\nkeep", rmse=0.25, rows=250_000.0, fresh=None)
    return old, new


def test_every_kind_of_difference_is_told(pair: tuple[TrackedRun, TrackedRun]) -> None:
    """Columns by name, parameters, packages, metrics and the lines of code."""
    diff = compare_runs(*pair)
    assert {(c.name, c.before, c.after) for c in diff.parameters} == {("alpha", 1.0, 2.0)}
    assert diff.data["X"].removed == ("b",)
    assert diff.data["X"].added == ("c",)
    assert [(c.name, c.before, c.after) for c in diff.environment] == [
        ("package numpy", "2.1", "2.2")
    ]
    assert {m.name: (m.before, m.after) for m in diff.metrics} == {
        "rmse": (0.5, 0.25), "rows": (250_000.0, 250_000.0), "gone": (1.0, None),
        "fresh": (None, None),
    }  # fmt: skip
    assert "-Ridge(1)" in diff.code
    text = str(diff)
    assert "parameter alpha: 1.0 → 2.0" in text
    assert "metric rmse: 0.5 → 0.25 (-0.25)" in text
    assert "Added: c." in text
    assert "keep" in text


def test_a_run_does_not_differ_from_itself(pair: tuple[TrackedRun, TrackedRun]) -> None:
    """The control."""
    diff = compare_runs(pair[0], pair[0])
    assert diff.identical
    assert str(diff) == "The runs do not differ."
    assert "do not differ" in RunComparison(diff)._repr_html_()


def test_a_default_that_only_one_side_has_is_no_difference(
    pair: tuple[TrackedRun, TrackedRun],
) -> None:
    """As the parts of two pipelines do; one that a library has changed is one."""
    parts = (Parameter(name="svc__C", value=1.0, is_default=True),)
    before, after = (
        msgspec.structs.replace(
            pair[0],
            parameters=(Parameter(name="gamma", value=value, is_default=True), *more),
        )
        for value, more in (("auto", ()), ("scale", parts))
    )
    for diff in (compare_runs(before, after), compare_runs(after, before)):
        assert [change.name for change in diff.parameters] == ["gamma"]


def test_what_says_most_stands_first_and_the_rest_is_folded() -> None:
    """Two pipelines differ in dozens of parts' defaults; a person looks for what was set in both."""
    parts = tuple(Change(name=f"part__{n}", before=None, after=n) for n in range(40))
    nested = Change(name="steps", before="[A()]", after="[B()]")
    depth, free = (
        Change(name="depth", before=3, after=5),
        Change(name="free", before=None, after=2),
    )
    first, others = told_first((nested, *parts, depth))
    assert (first[0], len(first)) == (depth, 12)
    assert others[-1] == nested
    assert sorted([*first, *others], key=str) == sorted([nested, *parts, depth], key=str)
    assert told_first((free, depth)) == ([depth, free], [])
    diff = RunDiff(before="a", after="b", names=("A", "B"), models=("m", "m"), parameters=parts)
    assert "<summary>28 more</summary>" in RunComparison(diff)._repr_html_()


def test_html_holds_nothing_of_anybodys_making(pair: tuple[TrackedRun, TrackedRun]) -> None:
    """Code and names are escaped; the table says what moved."""
    html = RunComparison(compare_runs(*pair))._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
    assert "-0.25" in html


def test_the_figure_gives_each_metric_its_own_axis(pair: tuple[TrackedRun, TrackedRun]) -> None:
    """0.5 and 250,000 are both readable; both runs are in the legend; what differs comes first."""
    figure = RunComparison(compare_runs(*pair)).figure()
    points = [t for t in figure.data if t.mode == "markers+text"]
    assert points[0].y == ("rmse",)
    # Each value stands beside its point, on the side where the other point is not.
    beside = [(t.text[0], t.textposition) for t in points[:2]]
    assert beside == [("0.5", "middle right"), ("0.25", "middle left")]
    ranges = [figure.layout[f"xaxis{n or ''}"].range for n in ("", 2, 3)]
    assert ranges[0][1] < 1
    assert max(r[1] for r in ranges) > 250_000
    assert [t.name for t in points if t.showlegend] == [pair[0].id, pair[1].id]


def test_from_the_command_line(
    pair: tuple[TrackedRun, TrackedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text, as the record, and with a run that is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nbmlops.toml").touch()
    journal = Journal(tmp_path / ".nbmlops" / "journal.db")
    for one in pair:
        journal.record(one)
    told = CliRunner().invoke(main, ["runs", "--compare", pair[0].id, pair[1].id])
    assert "parameter alpha: 1.0 → 2.0" in told.output
    told = CliRunner().invoke(main, ["runs", "--compare", pair[0].id, pair[1].id, "--json"])
    assert decode(told.output, RunDiff) == compare_runs(*pair)
    assert nbmlops.compare_runs(pair[0].id, pair[1].id).diff == compare_runs(*pair)
    told = CliRunner().invoke(main, ["runs", "--compare", pair[0].id, "run-ffffffffffff"])
    assert told.exit_code != 0
    assert "run-ffffffffffff" in told.output
