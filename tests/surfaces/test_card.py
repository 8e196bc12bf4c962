"""The card's lines: where the run is, what is amiss, and nothing in them but text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from nbmlops.records import (
    CellRecord,
    ColumnFingerprint,
    DataInput,
    Environment,
    Fingerprint,
    Gap,
    Metric,
    Parameter,
    TrackedRun,
    decode,
    encode,
    now,
)
from nbmlops.surfaces.card import MIME, card_bundle
from nbmlops.surfaces.contract import RunSummary
from nbmlops.surfaces.explanation import explanation
from nbmlops.tracking import Waiting, run_page

STALE = ("Cell [3] was edited and run again as [7].", "Cell [9] has since made X anew.")
SERVED = {
    "mlflow_run_id": "0a1b",
    "mlflow_experiment_id": "7",
    "mlflow_tracking_uri": "https://mlflow.example/team/",
}
PAGE = "https://mlflow.example/team/#/experiments/7/runs/0a1b?workflowType=machine_learning"


class Marks(HTMLParser):
    """The elements of a piece of HTML, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def a_run(**change: Any) -> TrackedRun:
    """A run with a metric and a gap."""
    cell = CellRecord(
        cell_id="a", source="x", source_digest="d", execution_count=1, order=1, started=now(),
        duration=1.0, outcome="ok",
    )  # fmt: skip
    run = TrackedRun(
        id="run-0123456789ab", name="Ridge", author="ada", notebook=None, started=now(),
        duration=1.0, model_class="sklearn.linear_model.Ridge", cell=cell,
        environment=Environment(python="3", platform="x"),
        metrics=(Metric(name="r2_score_X", value=0.5, at=now()),),
        gaps=(Gap(what="data", why="A frame of an unknown type."),), completeness=0.8,
    )  # fmt: skip
    return msgspec.structs.replace(run, **change)


def told(run: TrackedRun, waits: Waiting | None = None) -> tuple[list[str], Marks]:
    """The card's lines and its HTML."""
    bundle = card_bundle(run, None, waits)
    lines = bundle["text/plain"].split("\n")
    assert len(lines) <= 4
    assert decode(encode(run), TrackedRun).id == bundle[MIME]["id"]
    return lines, Marks(bundle["text/html"])


def test_a_run_at_a_server_leads_to_its_page() -> None:
    """In text as an address, in HTML as a link; one that is nowhere yet leads to the panel."""
    lines, marks = told(a_run(**SERVED))
    assert PAGE in lines[-1]
    (link,) = [attributes for tag, attributes in marks.tags if tag == "a"]
    assert (link["href"], link["rel"]) == (PAGE, "noopener noreferrer")
    lines, marks = told(a_run(), waits=Waiting())
    assert lines[-1].startswith("%track explain run-0123456789ab (on its way to MLflow)")
    assert "a" not in dict(marks.tags)


@pytest.mark.parametrize(
    ("why", "records", "said"),
    [
        (
            "MLflow at http://127.0.0.1:5000 does not answer. Records wait in the journal;"
            " `nbmlops sync` delivers them.",
            3,
            "MLflow at http://127.0.0.1:5000 does not answer; 3 records wait, %track sync tries again",
        ),
        (f"MLflow refused: {'long ' * 50}", 1, "…; 1 record waits, %track sync tries again"),
    ],
    ids=["away", "long"],
)
def test_a_pending_run_says_what_is_wrong_how_many_wait_and_what_to_do(
    why: str, records: int, said: str
) -> None:
    """In one short line; one that is on its way says no more than that."""
    lines, marks = told(a_run(), waits=Waiting(why, records))
    place, _, last = lines[-1].partition(" (pending: ")
    assert place == "%track explain run-0123456789ab"
    pending = last.partition(") · ")[0]
    assert pending.endswith(said)
    assert len(pending) <= 130
    assert pending in marks.text
    assert "(on its way to MLflow) · " in told(a_run(), waits=Waiting())[0][-1]


@pytest.mark.parametrize("place", [SERVED, {}])
def test_the_runs_id_is_a_button_for_the_panel(place: dict[str, str]) -> None:
    """JupyterLab hands what is written there to the command that the panel adds."""
    _, marks = told(a_run(**place))
    (button,) = [attributes for tag, attributes in marks.tags if tag == "button"]
    assert button["data-commandlinker-command"] == "nbmlops:show-run"
    assert button["data-commandlinker-args"] == '{"runId": "run-0123456789ab"}'
    assert "run-0123456789ab" in marks.text


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///home/ada/.nbmlops/mlflow.db",
        "postgresql://db/mlflow",
        "javascript:alert(1)//http://",
        "databricks",
        None,
    ],
)
def test_where_no_server_shows_runs_there_is_no_page(uri: str | None) -> None:
    """Also not for an address that a browser would run."""
    run = a_run(**SERVED)
    assert run_page(run) == PAGE
    assert run_page(msgspec.structs.replace(run, mlflow_tracking_uri=uri)) is None
    assert run_page(msgspec.structs.replace(run, mlflow_run_id=None)) is None


def test_a_stale_run_says_so_and_why() -> None:
    """In its first line, and with the reason in its last; the control says nothing of it."""
    lines, marks = told(a_run(stale=STALE))
    assert lines[0].endswith("STALE")
    assert "stale: Cell [3] was edited and run again as [7]. (and 1 more)" in lines[-1]
    assert "80% captured, 1 gap: A frame of an unknown type" in lines[-1]
    assert "stale: Cell [3]" in marks.text
    assert "stale" not in "\n".join(told(a_run())[0]).lower()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("KeyboardInterrupt: ", "cell interrupted"),
        ("ValueError: no", "cell raised ValueError"),
        ("The kernel ended.", "cell cut off"),
    ],
)
def test_a_cell_that_did_not_come_to_its_end_says_so(error: str, told: str) -> None:
    """Whoever sees three epochs of ten knows why, on the card and in the explanation."""
    cell = msgspec.structs.replace(a_run().cell, outcome="error", error=error)
    card = card_bundle(a_run(cell=cell))
    assert card["text/plain"].splitlines()[0].endswith(told)
    assert told in Marks(card["text/html"]).text
    assert f"ended: {told.removeprefix('cell ')} ({error})" in "\n".join(
        explanation(a_run(cell=cell))
    )
    assert "cell " not in card_bundle(a_run())["text/plain"].splitlines()[0]
    assert "ended" not in "\n".join(explanation(a_run()))


@pytest.mark.parametrize(
    ("share", "told"), [(1.0, 100), (0.999, 99), (0.57, 57), (0.29, 29), (0.0, 0)]
)
def test_a_share_is_said_in_whole_percent_and_never_for_more(share: float, told: int) -> None:
    """Binary fractions take none away (0.57 * 100 is 56.99…), and only what is whole is 100."""
    assert f"{told}% captured" in card_bundle(a_run(completeness=share))["text/plain"]
    assert RunSummary.of(a_run(completeness=share)).captured == told
    assert f"{told}% captured" in explanation(a_run(completeness=share))[0]


def test_the_name_stands_out_and_the_time_is_said_as_in_the_panel() -> None:
    """Only the name is bold; what takes no time that a clock shows is not told as none."""
    chosen = (Parameter(name="ridge__alpha", value=0.5, is_default=False),)
    third = (Parameter(name="alpha", value=29.3 / 3, is_default=False),)
    assert "alpha=9.76667  (" in told(a_run(parameters=third))[0][0]
    took = {0.0004: "1 ms", 0.567: "567 ms", 1.26: "1.3 s", 125.0: "2 min 5 s", 7260.0: "2 h 1 min"}
    for seconds, words in took.items():
        lines, marks = told(a_run(parameters=chosen, duration=seconds))
        assert lines[0].replace("\u00a0", " ") == f"● Ridge  alpha=0.5  ({words})"
        assert "● Ridge  alpha=0.5" in marks.text
    html = card_bundle(a_run(parameters=chosen))["text/html"]
    assert "<b>● Ridge</b>" in html


def test_parameters_give_way_to_a_long_name_so_that_both_stand_on_one_line() -> None:
    """As many show as have room, one in any case, and how many more there are."""
    chosen = tuple(
        Parameter(name=f"a_parameter_{n}", value="a longer value", is_default=False)
        for n in range(6)
    )
    one = "a_parameter_{}=a longer value"
    lines, _ = told(a_run(parameters=chosen))
    assert lines[0].startswith(f"● Ridge  {', '.join(one.format(n) for n in range(3))}, +3  (")
    lines, _ = told(a_run(name="Pipeline of " + "x" * 48, parameters=chosen))
    assert lines[0].startswith(f"● Pipeline of {'x' * 48}  {one.format(0)}, +5  (")
    short = tuple(Parameter(name=n, value=1, is_default=False) for n in "abcd")
    assert "  a=1, b=1, c=1, d=1  (" in told(a_run(parameters=short))[0][0]


def test_the_newest_metrics_show_in_the_order_of_their_computing() -> None:
    """Of more than four the earliest give way, and the card says how many."""
    metrics = tuple(Metric(name=name, value=1.0, at=now()) for name in "abcdef")
    assert told(a_run(metrics=metrics))[0][2] == "+2   c 1   d 1   e 1   f 1"
    assert told(a_run(metrics=metrics[:2]))[0][2] == "a 1   b 1"


def test_a_metric_of_many_steps_shows_its_last_value_beside_the_last_before() -> None:
    """An epoch's loss crowds nothing out, and is not held against another training's first."""

    def losses(*values: float) -> TrackedRun:
        told = [Metric(name="loss", value=v, at=now(), step=n) for n, v in enumerate(values)]
        return a_run(metrics=(*told, Metric(name="r2", value=0.5, at=now())))

    run, before = losses(9.0, 5.0, 3.0, 2.0, 1.5), losses(9.0, 4.0, 2.0)
    lines = card_bundle(run, before)["text/plain"].split("\n")
    assert lines[2] == "loss 1.5 (-0.5)   r2 0.5 (=)"
    assert "  metrics: loss 1.5, r2 0.5" in explanation(run)


def test_data_is_as_large_as_people_say() -> None:
    """A table in rows and columns, an array in its shape, a column in rows."""
    column = ColumnFingerprint(name="", type="float64", digest="aa")
    sizes = {
        "426×30": {"kind": "array", "shape": (426, 30), "columns": (column,)},
        "426×2": {"kind": "table", "columns": (column, column)},
        "y 426": {"kind": "column", "columns": (column,)},
    }
    for size, facts in sizes.items():
        data = Fingerprint(digest="aa", rows=426, **facts)
        lines, _ = told(a_run(inputs=(DataInput(role="y", name="y", fingerprint=data),)))
        assert lines[1].endswith(size)


def test_a_run_beside_others_of_its_cell_says_so() -> None:
    """Only the last of many has a card, which must not look as if it were the only run."""
    assert "one of its cell's runs: %track runs" in told(a_run(parent_id="cell-1"))[0][-1]
    assert "its cell's runs" not in told(a_run())[0][-1]


def test_a_guess_offers_its_dismissal_and_a_dismissed_one_says_by_whom() -> None:
    """A library's training offers nothing of the kind."""
    assert "type · no training? %track dismiss" in told(a_run(kind="inferred"))[0][-1]
    assert told(a_run(kind="inferred", dismissed_by="ada"))[0][-1].endswith("dismissed by ada")
    assert "dismiss" not in told(a_run())[0][-1]


def test_hostile_text_is_shown_and_does_nothing() -> None:
    """No markup, no terminal's escape, no line of its own, no text that runs backwards."""
    evil = "\x1b[2J<img src=x onerror=alert(1)>'\" \r\n\u2028 \u202e gnp \x07"
    run = a_run(
        id=f"run-{evil}",
        name=evil,
        parameters=(Parameter(name=evil, value=evil, is_default=False),),
        metrics=(Metric(name=evil, value=None, at=now()),),
        gaps=(Gap(what=evil, why=evil),),
        stale=(evil,),
        dismissed_by=evil,
        mlflow_run_id=evil,
        mlflow_experiment_id=evil,
        mlflow_tracking_uri=f"https://host/{evil}",
    )
    bundle = card_bundle(run, run, Waiting(evil))
    plain, html = bundle["text/plain"], bundle["text/html"]
    assert len(plain.splitlines()) == 4
    for text in (plain, html):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", text)
    assert "var(--jp-" in html
    marks = Marks(html)
    assert {tag for tag, _ in marks.tags} == {"div", "b", "button", "a"}
    allowed = {"class", "role", "aria-label", "style", "type", "title", "href", "target", "rel",
               "data-commandlinker-command", "data-commandlinker-args"}  # fmt: skip
    assert {name for _, attributes in marks.tags for name in attributes} <= allowed
    assert "<img src=x" in marks.text
    assert "\\x1b[2J" in marks.text
