"""MLflow's registry store with the gate in front of every write.

MLflow loads it for registry URIs that begin with ``nbmlops+sqlite://``. Whatever reaches the
registry through MLflow, by any of its clients, ends in these methods.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from nbmlops.errors import NbmlopsError
from nbmlops.governance.gate import Gate
from nbmlops.governance.policy import Policy
from nbmlops.governance.sqlalchemy_ledger import SqlAlchemyLedger
from nbmlops.governance.vault import Vault
from nbmlops.settings import GATED_PREFIX, load_settings

__all__ = ["GatedStore"]

_RESERVED = "nbmlops."


class GatedStore(SqlAlchemyStore):
    """The registry's tables, written only when the gate lets it.

    Reading is MLflow's own. What changes or removes what was signed is refused: renaming, deleting
    and moving between stages, and tags in our name space.
    """

    def __init__(self, store_uri: str, tracking_uri: str | None = None) -> None:
        uri = store_uri.removeprefix(GATED_PREFIX)
        super().__init__(uri)
        # The database's own folder says which project this is, whatever the environment says.
        environ = {k: v for k, v in os.environ.items() if k != "NBMLOPS_ROOT"}
        settings = load_settings(Path(uri.partition("///")[2]).parent, environ)
        self._actor = settings.user
        self._gate = Gate(
            SqlAlchemyLedger(settings.ledger_path),
            Policy.from_settings(settings.policy),
            Vault(settings.bundles),
        )

    def create_registered_model(self, name: str, *args: Any, **kwargs: Any) -> Any:
        with _as_mlflow_error():
            self._gate.require_model(name, self._actor)
        return super().create_registered_model(name, *args, **kwargs)

    def create_model_version(self, name: str, source: str, *args: Any, **kwargs: Any) -> Any:
        with _as_mlflow_error():
            self._gate.require_version(name, source, self._actor)
        return super().create_model_version(name, source, *args, **kwargs)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> Any:
        with _as_mlflow_error():
            source = super().get_model_version(name, version).source
            self._gate.require_version(name, source, self._actor)
        return super().set_registered_model_alias(name, alias, version)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> Any:
        self._keep_reserved(name, tag.key)
        return super().set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> Any:
        self._keep_reserved(name, key)
        return super().delete_model_version_tag(name, version, key)

    def rename_registered_model(self, name: str, new_name: str) -> NoReturn:
        self._refuse("rename", name, "a sign-off names the model; register it anew instead")

    def delete_registered_model(self, name: str) -> NoReturn:
        self._refuse("delete", name, "registered versions are evidence")

    def delete_model_version(self, name: str, version: str) -> NoReturn:
        self._refuse("delete", f"{name} version {version}", "registered versions are evidence")

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> NoReturn:
        self._refuse("transition", f"{name} version {version}", "aliases say what is in production")

    def _keep_reserved(self, name: str, key: str) -> None:
        if key.startswith(_RESERVED):
            self._refuse(
                "tag", name, f"tags that begin with {_RESERVED!r} are written at registration"
            )

    def _refuse(self, verb: str, subject: str, reason: str) -> NoReturn:
        with _as_mlflow_error():
            self._gate.refuse(verb, subject, self._actor, f"May not {verb} {subject}: {reason}.")
        raise AssertionError("the gate refused, and came back")


@contextmanager
def _as_mlflow_error() -> Iterator[None]:
    """MLflow shows its own exceptions' messages to every kind of client."""
    try:
        yield
    except NbmlopsError as error:
        raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error
