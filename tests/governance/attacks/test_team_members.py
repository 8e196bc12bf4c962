"""Who is let in at a team's server, and by whom: `nbmlops server add-user`, and the first start."""

from __future__ import annotations

import json
import sqlite3
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from live_gate import ADMIN, PEOPLE, LiveGate

from nbmlops.errors import SettingsError
from nbmlops.settings import load_settings
from nbmlops.surfaces.cli import main
from nbmlops.surfaces.mlflow_app import mlflow_users


def add_user(name: str, address: str, password: str) -> tuple[int, str]:
    """The command's exit code, and all that it said."""
    environment = {"MLFLOW_TRACKING_URI": address, "NBMLOPS_NEW_PASSWORD": password}
    result = CliRunner().invoke(main, ["server", "add-user", name], env=environment)
    return result.exit_code, result.output


def test_whom_the_administrator_adds_comes_in(gate: LiveGate) -> None:
    """With their own password, which nothing repeats; before that they do not."""
    login = ("barbara", "barbara-password-1")
    assert gate.api("/server", auth=login).status_code == 401
    code, told = add_user(login[0], gate.address, login[1])
    assert code == 0, told
    assert login[1] not in told
    assert gate.api("/server", auth=login).json()["user"]["name"] == "barbara"


def test_who_is_not_added_and_why_is_one_sentence(
    gate: LiveGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is taken, a short password, another's hand: nobody comes in, nothing leaks."""
    code, told = add_user("grace", gate.address, "another-password-1")
    assert code == 6
    assert "grace was not let in" in told
    assert "already exists" in told
    assert "scrypt" not in told
    code, told = add_user("kurt", gate.address, "short")
    assert code == 6
    assert "12 characters" in told
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PEOPLE["ada"])
    assert add_user("kurt", gate.address, "kurt-password-1")[0] == 6
    assert gate.api("/server", auth=("kurt", "kurt-password-1")).status_code == 401


def test_where_no_server_is_the_address_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a store in a file nor a closed port lets anybody in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, told = add_user("grace", "http://127.0.0.1:9", "grace-password-1")
    assert code == 7
    assert "No server answers at http://127.0.0.1:9." in told
    code, told = add_user("grace", f"sqlite:///{tmp_path}/mlflow.db", "grace-password-1")
    assert code == 2
    assert "Set tracking_uri" in told


def test_a_first_start_asks_for_the_administrators_password(
    sqlite_gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, also after a start that broke off; a server that has one needs none."""
    monkeypatch.delenv(mlflow_users.ADMIN_PASSWORD, raising=False)
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", "")
    new = load_settings(tmp_path, {})
    for _ in range(2):
        with pytest.raises(SettingsError, match="MLFLOW_AUTH_ADMIN_PASSWORD set to a password"):
            mlflow_users.configure(new, "READ", passwords=True)
        (new.home / "users.db").parent.mkdir(exist_ok=True)
        (new.home / "users.db").touch()
    mlflow_users.configure(load_settings(sqlite_gate.root, {}), "READ", passwords=True)
    monkeypatch.setenv(mlflow_users.ADMIN_PASSWORD, ADMIN[1])
    mlflow_users.configure(new, "READ", passwords=True)
    assert (new.home / "auth.ini").exists()


def test_behind_a_hub_a_first_start_asks_for_the_administrators_name(
    sqlite_gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever is called admin there is not asked; a password nobody uses is not asked for."""
    monkeypatch.setenv(mlflow_users.ADMIN_PASSWORD, "")
    monkeypatch.delenv(mlflow_users.ADMIN_NAME, raising=False)
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", "")
    new = load_settings(tmp_path, {})
    with pytest.raises(SettingsError, match="MLFLOW_AUTH_ADMIN_USERNAME set to the name by which"):
        mlflow_users.configure(new, "READ", passwords=False)
    monkeypatch.setenv(mlflow_users.ADMIN_NAME, "100%boss")
    mlflow_users.configure(new, "READ", passwords=False)
    assert configured(new.home) == "100%boss"


def test_a_later_start_keeps_the_administrator(
    sqlite_gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose name was said at the first only: MLflow would make a second one of another name."""
    users = tmp_path / ".nbmlops" / "users.db"
    users.parent.mkdir()
    users.write_bytes((sqlite_gate.home / "users.db").read_bytes())
    with closing(sqlite3.connect(users)) as database:
        database.execute("UPDATE users SET username = 'boss' WHERE is_admin")
        database.commit()
    monkeypatch.delenv(mlflow_users.ADMIN_PASSWORD, raising=False)
    monkeypatch.delenv(mlflow_users.ADMIN_NAME, raising=False)
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", "")
    settings = load_settings(tmp_path, {})
    for passwords in (True, False):
        mlflow_users.configure(settings, "READ", passwords=passwords)
        assert configured(settings.home) == "boss"
    monkeypatch.setenv(mlflow_users.ADMIN_NAME, "another")
    with pytest.raises(SettingsError, match="no administrator 'another' yet"):
        mlflow_users.configure(settings, "READ", passwords=True)


def test_a_key_is_made_in_the_name_by_which_the_server_knows_its_owner(
    gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in this machine's, which the policy would never name; without a server it is that."""
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("NBMLOPS_PASSPHRASE", "a long phrase of hers")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "grace")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PEOPLE["grace"])
    monkeypatch.setenv("NBMLOPS_USER", "laptop")
    monkeypatch.chdir(tmp_path)
    for address, owner in ((gate.address, "grace"), ("", "laptop")):
        environment = {"MLFLOW_TRACKING_URI": address}
        made = CliRunner().invoke(main, ["keys", "create", "--json"], env=environment)
        assert made.exit_code == 0, made.output
        assert json.loads(made.output)["owner"] == owner


def configured(home: Path) -> str:
    """Whom MLflow takes for its administrator, as it reads the file."""
    file = ConfigParser()
    file.read(home / "auth.ini")
    return file["mlflow"]["admin_username"]
