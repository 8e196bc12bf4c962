"""People hear of what they subscribed to: once, in order, also after the service was away."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nbmlops.errors import SettingsError, StoreError
from nbmlops.records import (
    Executed,
    Execution,
    Fact,
    RefusalRecorded,
    SignedOff,
    Submitted,
    Withdrawn,
)
from nbmlops.scheduling import Outbox, Standing
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH, FakeClock, MemoryLedger, make_submission
from nbmlops.workspace import Workspace
from nbmlops.workspace.notify import notify_due, problems
from nbmlops.workspace.stores import Stores


class Webhook:
    """A real HTTP service that takes messages, or answers 500 while it is `down`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.down = False
        self.arrived = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not hook.down:
                    hook.got.append((self.path, json.loads(body)))
                self.send_response(500 if hook.down else 200)
                self.end_headers()
                hook.arrived.set()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"json://user:hunter2@127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


SUBMISSION = make_submission()


def refused(subject: str) -> Fact:
    return RefusalRecorded(verb="register", subject=subject, by="ada", why=("no",))


def stores_of(project: Path, *tables: str) -> Stores:
    (project / "nbmlops.toml").write_text("".join(f"[[notify]]\n{table}\n" for table in tables))
    return Stores(load_settings(project, {}), FakeClock(), MemoryLedger(), None)


def test_what_comes_is_told_once_and_in_order(tmp_path: Path, webhook: Webhook) -> None:
    """With what to do next; what nobody subscribed to, and what was before, is not."""
    stores = stores_of(tmp_path, f'to = "{webhook.address}"\non = ["submitted", "refused"]')
    stores.append(refused("long ago"), "ada")
    assert notify_due(stores, EPOCH) == 0
    stores.append(Submitted(submission=SUBMISSION), "ada")
    stores.append(refused(SUBMISSION.id), "ada")
    assert notify_due(stores, EPOCH) == 2
    assert notify_due(stores, EPOCH) == 0
    titles = [message["title"] for _, message in webhook.got]
    assert titles == [
        f"submitted: late_arrival ({SUBMISSION.id})",
        f"refused: late_arrival ({SUBMISSION.id})",
    ]
    assert f"nbmlops review {SUBMISSION.id}" in webhook.got[0][1]["message"]


def test_a_service_that_is_away_is_told_later_and_nothing_is_lost(
    tmp_path: Path, webhook: Webhook
) -> None:
    """The wait grows; the doctor's sentence and the file hold no password."""
    stores = stores_of(tmp_path, f'to = "{webhook.address}"\non = ["refused"]')
    notify_due(stores, EPOCH)
    webhook.down = True
    stores.append(refused("one"), "ada")
    stores.append(refused("two"), "ada")
    assert notify_due(stores, EPOCH) == 0
    (why,) = problems(stores)
    assert "did not take the message" in why
    assert "hunter2" not in why + (tmp_path / ".nbmlops" / "outbox.json").read_text()
    webhook.down = False
    assert notify_due(stores, EPOCH + timedelta(seconds=10)) == 0
    assert notify_due(stores, EPOCH + timedelta(seconds=40)) == 2
    assert [message["title"] for _, message in webhook.got] == ["refused: one", "refused: two"]
    assert problems(stores) == []


def test_an_author_is_told_at_an_address_of_their_own(tmp_path: Path, webhook: Webhook) -> None:
    """And the name cannot become anything else than a name."""
    stores = stores_of(tmp_path, f'to = "{webhook.address}/{{author}}"\non = ["submitted"]')
    notify_due(stores, EPOCH)
    stores.append(Submitted(submission=make_submission(author="a/../b?x=1")), "ada")
    assert notify_due(stores, EPOCH) == 1
    assert webhook.got[0][0].startswith("/a%2F..%2Fb%3Fx")


def test_each_subscription_is_told_by_itself(tmp_path: Path, webhook: Webhook) -> None:
    """One that waits keeps no other waiting, though both go to the same place."""
    stores = stores_of(
        tmp_path,
        'to = "env:TEAM"\non = ["refused"]',
        f'to = "{webhook.address}"\non = ["refused"]',
        f'to = "{webhook.address}"\non = ["submitted"]',
    )
    notify_due(stores, EPOCH)
    stores.append(refused("one"), "ada")
    stores.append(Submitted(submission=SUBMISSION), "ada")
    assert notify_due(stores, EPOCH, environ={}) == 2
    later = EPOCH + timedelta(minutes=1)
    assert notify_due(stores, later, environ={"TEAM": webhook.address}) == 1
    titles = [message["title"].partition(":")[0] for _, message in webhook.got]
    assert titles == ["refused", "submitted", "refused"]


def test_a_failed_execution_may_be_asked_for_alone(tmp_path: Path, webhook: Webhook) -> None:
    """Or each execution, whatever came of it."""

    def executed(outcome: Any) -> Fact:
        execution = Execution(
            id=f"execution-{outcome}", promotion_id="p", content_digest="c", schedule_id=None,
            due=None, parameters={}, actor="ada", started=EPOCH, duration=1.0, outcome=outcome,
        )  # fmt: skip
        return Executed(execution=execution)

    stores = stores_of(
        tmp_path,
        f'to = "{webhook.address}/failed"\non = ["failed"]',
        f'to = "{webhook.address}/all"\non = ["executed"]',
    )
    notify_due(stores, EPOCH)
    stores.append(executed("succeeded"), "ada")
    stores.append(executed("failed"), "ada")
    assert notify_due(stores, EPOCH) == 3
    assert [path.strip("/") for path, _ in webhook.got] == ["failed", "all", "all"]


def test_whoever_acted_is_told_and_who_is_not_there_is_not(
    tmp_path: Path, webhook: Webhook
) -> None:
    """A fact without a submission has no author; what comes behind it is told."""
    stores = stores_of(
        tmp_path,
        f'to = "{webhook.address}/{{author}}"\non = ["refused"]',
        f'to = "{webhook.address}/{{actor}}"\non = ["refused"]',
    )
    notify_due(stores, EPOCH)
    stores.append(refused("of nobody"), "eve")
    stores.append(Submitted(submission=SUBMISSION), "ada")
    stores.append(refused(SUBMISSION.id), "eve")
    assert notify_due(stores, EPOCH) == 3
    assert [path.strip("/") for path, _ in webhook.got] == ["ada", "eve", "eve"]
    assert problems(stores) == []


def test_only_one_process_tells(tmp_path: Path, webhook: Webhook) -> None:
    """Else people would hear twice; what it does not come to is told afterwards."""
    stores = stores_of(tmp_path, f'to = "{webhook.address}"\non = ["refused"]')
    notify_due(stores, EPOCH)
    stores.append(refused("one"), "ada")
    with Outbox(tmp_path / ".nbmlops" / "outbox.json").alone() as other:
        assert other
        assert notify_due(stores, EPOCH) == 0
    assert webhook.got == []
    assert notify_due(stores, EPOCH) == 1


class _Dying:
    """Takes one message, and is gone with the process at the second."""

    def __init__(self) -> None:
        self.took: list[str] = []

    def send(self, address: str, title: str, body: str) -> None:
        if self.took:
            raise KeyboardInterrupt
        self.took.append(title)


def test_what_was_told_before_an_end_is_not_told_again(tmp_path: Path, webhook: Webhook) -> None:
    """Each message is noted as it is sent."""
    stores = stores_of(tmp_path, f'to = "{webhook.address}"\non = ["refused"]')
    notify_due(stores, EPOCH)
    stores.append(refused("one"), "ada")
    stores.append(refused("two"), "ada")
    dying = stores.notifier = _Dying()
    with pytest.raises(KeyboardInterrupt):
        notify_due(stores, EPOCH)
    assert dying.took == ["refused: one"]
    del stores.notifier
    assert notify_due(stores, EPOCH) == 1
    assert [message["title"] for _, message in webhook.got] == ["refused: two"]


def test_the_wait_grows_and_ends_on_the_second(tmp_path: Path) -> None:
    """Half a minute at first, an hour in the end; nothing counts as told meanwhile."""
    standing, waits = Standing(told=4), []
    for _ in range(6):
        standing = standing.after_failure(EPOCH, "away")
        assert standing.again is not None
        waits.append((standing.again - EPOCH).total_seconds())
        assert not standing.is_due(standing.again - timedelta(seconds=1))
        assert standing.is_due(standing.again)
    assert waits == [30, 120, 600, 3600, 3600, 3600]
    assert (standing.told, standing.after_success(5)) == (4, Standing(told=5))


def test_an_outbox_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another program left of it is said, with what to do."""
    outbox = Outbox(tmp_path / "outbox.json")
    outbox.save("grace", Standing(1))
    outbox.save("alan", Standing(2))

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="full"):
        outbox.save("alan", Standing(3))
    monkeypatch.undo()
    assert outbox.read() == {"grace": Standing(1), "alan": Standing(2)}
    (tmp_path / "outbox.json").write_text("{half")
    with pytest.raises(StoreError, match="Remove it to begin anew"):
        outbox.read()


def test_who_is_subscribed_no_more_is_no_problem(tmp_path: Path) -> None:
    """What could not be told to them waits for nobody."""
    stores = stores_of(tmp_path, 'to = "env:TEAM"\non = ["refused"]')
    notify_due(stores, EPOCH)
    stores.append(refused("one"), "ada")
    notify_due(stores, EPOCH, environ={"TEAM": ""})
    assert "variable TEAM" in problems(stores)[0]
    assert problems(stores_of(tmp_path, 'to = "env:OTHER"')) == []


def test_an_address_stands_in_the_environment(tmp_path: Path, webhook: Webhook) -> None:
    """Or is said to be missing, by the variable's name."""
    stores = stores_of(tmp_path, 'to = "env:TEAM"\non = ["refused"]')
    notify_due(stores, EPOCH)
    stores.append(refused("one"), "ada")
    assert notify_due(stores, EPOCH, environ={}) == 0
    assert "variable TEAM" in problems(stores)[0]
    later = EPOCH + timedelta(minutes=1)
    assert notify_due(stores, later, environ={"TEAM": webhook.address}) == 1


def test_a_submission_is_told_without_a_scheduler(tmp_path: Path, webhook: Webhook) -> None:
    """Beside the verb that put it on the ledger, and the first time already."""
    (tmp_path / "nbmlops.toml").write_text(f'[[notify]]\nto = "{webhook.address}"\n')
    workspace = Workspace(load_settings(tmp_path, {}), ledger=MemoryLedger())
    workspace._stores.append(Submitted(submission=SUBMISSION), "ada")
    assert webhook.arrived.wait(30)
    assert webhook.got[0][1]["title"].startswith("submitted")


def test_the_verb_says_what_is_wrong_with_an_address(tmp_path: Path) -> None:
    """Without telling the address."""
    (tmp_path / "nbmlops.toml").write_text(
        '[[notify]]\nto = "nosuch://hunter2"\non = ["refused"]\n'
    )
    workspace = Workspace(load_settings(tmp_path, {}), ledger=MemoryLedger())
    assert workspace.notify() == 0
    workspace._stores.after_append = lambda _: None
    workspace._stores.append(refused("one"), "ada")
    with pytest.raises(StoreError, match="not one that Apprise knows") as caught:
        workspace.notify()
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_not_known_is_said(tmp_path: Path) -> None:
    """As for every other table."""
    (tmp_path / "nbmlops.toml").write_text('[[notify]]\nto = "x"\nwhen = ["refused"]\n')
    with pytest.raises(SettingsError, match="when"):
        load_settings(tmp_path, {})


def test_the_kinds_that_are_told_by_default_exist() -> None:
    """A renamed fact would otherwise fall silent."""
    from nbmlops.governance import kind_of
    from nbmlops.settings import NotifySettings

    kinds = {str(fact.__struct_config__.tag) for fact in (Submitted, SignedOff, Withdrawn)}
    assert kinds < set(NotifySettings(to="x").on)
    assert kind_of(refused("x")) == "refused"
