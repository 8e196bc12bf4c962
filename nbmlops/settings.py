"""nbmlops.toml and the environment, read once into one frozen Settings.

The *project root* is the nearest folder, from the current one upwards, that holds ``nbmlops.toml``
or ``.nbmlops``; failing both, the current folder. ``.nbmlops`` below it holds all local state.
"""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from nbmlops.errors import SettingsError
from nbmlops.sizes import bytes_of
from nbmlops.toml_advice import key_advice, syntax_advice

__all__ = [
    "DATABASE",
    "GATED_PREFIX",
    "HOME_NAME",
    "REVIEW_DATABASE",
    "VAULT_URI",
    "NotifySettings",
    "PolicySettings",
    "Settings",
    "UploadSettings",
    "keys_folder",
    "load_settings",
    "without_password",
]

_FILE_NAME = "nbmlops.toml"
HOME_NAME = ".nbmlops"
DATABASE = "NBMLOPS_DATABASE"
REVIEW_DATABASE = "NBMLOPS_REVIEW_DATABASE"
VAULT_URI = "NBMLOPS_VAULT_URI"
_SECRET = re.compile(r"(://[^/?#:@]*:)[^@]*(?=@)|([?&]password=)[^&]*")
GATED_PREFIX = "nbmlops+"
"""Before a registry URI's scheme: MLflow then goes through the gate."""


class PolicySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be true before a model is registered (table ``[policy]``).

    `minimum_completeness` runs from 0 to 1.
    """

    sign_offs: int = 1
    author_may_sign: bool = False
    minimum_completeness: float = 0.0


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the scheduler keeps the ledger's checkpoints, and when (table ``[audit]``).

    `checkpoints` are folders, git work trees or object stores; `cron` is read in `timezone`. They
    are signed with `key` (an id, or its owner's name) of whoever runs the scheduler. A checkpoint
    that one of the public keys `trust` did not sign is not believed.
    """

    checkpoints: tuple[str, ...] = ()
    cron: str = "0 * * * *"
    timezone: str = "UTC"
    key: str | None = None
    trust: tuple[str, ...] = ()


class UploadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a server takes from its clients into the vault (table ``[uploads]``).

    `largest` is the size of all that one person may have under way; `keep_free` what the disk keeps
    free in any case; both as ``20 GB``. An upload that nobody went on with for `idle_hours` is
    removed.
    """

    largest: str = "20 GB"
    keep_free: str = "1 GB"
    idle_hours: float = 24.0

    def __post_init__(self) -> None:
        bytes_of(self.largest)
        bytes_of(self.keep_free)
        if self.idle_hours <= 0:
            raise ValueError("idle_hours must be more than 0")

    @property
    def largest_bytes(self) -> int:
        """`largest` in bytes."""
        return bytes_of(self.largest)

    @property
    def keep_free_bytes(self) -> int:
        """`keep_free` in bytes."""
        return bytes_of(self.keep_free)


class NotifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of what (a table in the list ``[[notify]]``).

    `to` is an Apprise address, or ``env:NAME`` where a variable holds it, for it holds a password;
    ``{author}`` and ``{actor}`` in it stand for the submission's author and whoever acted. `on`
    names kinds of facts; ``failed`` is an execution that did not succeed.
    """

    to: str
    on: tuple[str, ...] = ("submitted", "signed-off", "registered", "withdrawn", "failed")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of nbmlops.toml."""

    tracking_uri: str | None = None
    experiment: str | None = None
    policy: PolicySettings = PolicySettings()
    audit: AuditSettings = AuditSettings()
    uploads: UploadSettings = UploadSettings()
    notify: tuple[NotifySettings, ...] = ()


_TABLES = {
    "": _File.__struct_fields__,
    "policy": PolicySettings.__struct_fields__,
    "audit": AuditSettings.__struct_fields__,
    "uploads": UploadSettings.__struct_fields__,
    "notify": NotifySettings.__struct_fields__,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where state lives, and under which rules.

    `root` is the project's root; `home` holds the journal, the ledger, bundles and outputs. Only
    ``nbmlops server`` sets the last two: the database's URL for the role that may decide, and the
    address under which its clients read the vault.
    """

    root: Path
    home: Path
    tracking_uri: str
    experiment: str
    user: str
    policy: PolicySettings = PolicySettings()
    review_database: str | None = None
    vault_uri: str | None = None
    audit: AuditSettings = AuditSettings()
    uploads: UploadSettings = UploadSettings()
    notify: tuple[NotifySettings, ...] = ()

    @property
    def registry_uri(self) -> str:
        """Where models are registered: behind the gate when the store is local.

        A server holds the gate itself, so its clients use its own address.
        """
        if self.tracking_uri.startswith(("sqlite:", "postgresql:", "postgresql+")):
            return GATED_PREFIX + self.tracking_uri.replace("+psycopg", "", 1)
        return self.tracking_uri

    @property
    def journal_path(self) -> Path:
        """The journal that kernels write and the server watches."""
        return self.home / "journal.db"

    @property
    def ledger_place(self) -> Path | str:
        """The ledger's file, or its database where the project's MLflow store is PostgreSQL."""
        if self.review_database:
            return self.review_database
        if self.tracking_uri.startswith("postgresql"):
            return self.tracking_uri
        return self.ledger_path

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        return self.home / "ledger.db"

    @property
    def spool(self) -> Path:
        """Models on their way to MLflow."""
        return self.home / "spool"

    @property
    def bundles(self) -> Path:
        """Promoted bundles, one folder per content digest."""
        return self.home / "bundles"

    @property
    def outputs(self) -> Path:
        """Executed notebooks, one per clean run or execution."""
        return self.home / "outputs"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts, where the tracking store is local."""
        return self.home / "mlflow-artifacts"

    def relative(self, path: str | Path) -> str:
        """Spell a path as records do: relative to the root where it lies inside, else absolute."""
        absolute = Path(path).expanduser().absolute()
        if absolute.is_relative_to(self.root):
            return absolute.relative_to(self.root).as_posix()
        return absolute.as_posix()


def load_settings(
    start: str | Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings that hold in folder `start` (default: the current one).

    The environment wins over the file: ``NBMLOPS_ROOT``, ``NBMLOPS_USER``,
    ``MLFLOW_TRACKING_URI``, ``MLFLOW_EXPERIMENT_NAME``.

    :raises SettingsError: if nbmlops.toml cannot be read or has a key that is not known.
    """
    try:
        root = _find_root(Path(environ.get("NBMLOPS_ROOT") or start or Path.cwd()).resolve())
    except FileNotFoundError as error:
        raise SettingsError("The current folder no longer exists. Change to another.") from error
    home = root / HOME_NAME
    file = _read_file(root / _FILE_NAME)
    return Settings(
        root=root,
        home=home,
        tracking_uri=environ.get("MLFLOW_TRACKING_URI")
        or file.tracking_uri
        or environ.get(DATABASE)
        or f"sqlite:///{home / 'mlflow.db'}",
        experiment=environ.get("MLFLOW_EXPERIMENT_NAME") or file.experiment or root.name,
        user=environ.get("NBMLOPS_USER") or _os_user(),
        policy=file.policy,
        review_database=environ.get(REVIEW_DATABASE) or None,
        vault_uri=environ.get(VAULT_URI) or None,
        audit=file.audit,
        uploads=file.uploads,
        notify=file.notify,
    )


def keys_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's private keys are: outside any project, so that none carries them away.

    ``NBMLOPS_KEYS``, else ``nbmlops/keys`` in the user's configuration folder.
    """
    config = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(environ.get("NBMLOPS_KEYS") or f"{config}/nbmlops/keys").expanduser()


def _find_root(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / _FILE_NAME).is_file() or (folder / HOME_NAME).is_dir():
            return folder
    return start


def _read_file(path: Path) -> _File:
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        return _File()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: {error}. Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        advice = syntax_advice(text, str(error))
        raise SettingsError(f"{path} cannot be read: {error}. {advice}".rstrip()) from error
    try:
        return msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}. {key_advice(str(error), _TABLES)}") from error


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return f"uid-{os.getuid()}"


def without_password(address: str) -> str:
    """An address as it may be told: a sentence about it can reach people who must not know more."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}***", address)
