"""People hear of what they subscribed to: once, in order, also after the service was away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nbmlops.errors import SettingsError, StoreError
from nbmlops.records import Fact, RefusalRecorded, SignedOff, Submitted, Withdrawn
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
