"""The Jupyter Server extension as a process: what it needs, whom it knows, how it ends."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import PasswordIdentityProvider
from live_jupyter import live_server, submit_to

from nbmlops.records import Identity
from nbmlops.surfaces.jupyter_server.identity import identify


def test_the_server_tells_kernels_where_the_project_is_and_ends_on_sigterm(tmp_path: Path) -> None:
    """A kernel started anywhere below agrees on the store; the watch keeps nobody alive."""
    with live_server(tmp_path, tmp_path) as server:
        environ = Path(f"/proc/{server.process.pid}/environ")
        assert environ.exists(), "this test reads /proc"
        assert server.ask("status").body["root"] == str(tmp_path)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=60)
        assert server.process.returncode in (0, -signal.SIGTERM)


def test_a_server_that_starts_does_not_import_the_heavy_libraries() -> None:
    """MLflow, pandas and scikit-learn come when a verb needs them."""
    code = (
        "import sys, nbmlops; nbmlops._jupyter_server_extension_points();"
        "print([m for m in ('mlflow', 'pandas', 'sklearn', 'papermill') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_damaged_journal_is_a_503(tmp_path: Path) -> None:
    """A store that cannot be read says so; a folder without stores is empty and stays so."""
    project = tmp_path / "project"
    project.mkdir()
    with live_server(project, tmp_path) as server:
        assert server.ask("runs").body == {"runs": [], "total": 0}
        assert server.ask("status").body["runs"] == 0
        assert not server.settings.home.exists()
        server.settings.home.mkdir()
        server.settings.journal_path.write_bytes(b"this is no database, and long enough to tell")
        answer = server.ask("runs")
        assert answer.status == 503
        assert "journal" in answer.body["message"]
        assert server.process.poll() is None


def test_a_named_user_signs_under_the_servers_word(tmp_path: Path) -> None:
    """Where the server authenticates people, the sign-off carries its name and `server`."""
    (tmp_path / "named.py").write_text(
        "from jupyter_server.auth import IdentityProvider, User\n"
        "class Named(IdentityProvider):\n"
        "    async def get_user(self, handler):\n"
        "        return User('grace') if await super().get_user(handler) else None\n"
    )
    config = tmp_path / "named_config.py"
    config.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from named import Named\nc.ServerApp.identity_provider_class = Named\n"
    )
    project = tmp_path / "project"
    project.mkdir()
    with live_server(project, tmp_path, f"--config={config}") as server:
        submit_to(server.settings)
        review = server.ask(
            "reviews/review-000000000001/sign-offs",
            {"verdict": "approved", "comment": "Checked."},
        )
        assert review.status == 200, review.body
        assert review.body["status"] == "approved"
        assert review.body["sign_offs"][0]["by"] == {
            "name": "grace",
            "asserted_by": "server",
            "roles": [],
        }
        waiting = server.ask("reviews?waiting=true").body
        assert [(r["approvals"], r["missing"]) for r in waiting] == [(1, [])]


def test_only_a_server_that_knows_people_vouches_for_a_name() -> None:
    """A token or a password says that somebody may enter, not who it is."""

    class Hub(IdentityProvider):
        pass

    handler = SimpleNamespace(log=logging.getLogger(__name__))
    anonymous = IdentityProvider().generate_anonymous_user(handler)
    alone = Identity(name="ada", asserted_by="self")
    assert identify(IdentityProvider(), anonymous, "ada") == alone
    assert identify(PasswordIdentityProvider(), anonymous, "ada") == alone
    assert identify(Hub(), anonymous, "ada") == alone
    assert identify(Hub(), User("grace"), "ada") == Identity(name="grace", asserted_by="server")
