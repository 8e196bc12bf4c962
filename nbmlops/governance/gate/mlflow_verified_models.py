"""Loading by ``models:/...``: every byte is held against what was sealed and signed.

MLflow takes this class for the scheme ``models``, in every process that has nbmlops installed. A
registry that no gate guards is left as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

import mlflow
import msgspec
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository

from nbmlops.errors import NbmlopsError, Refused
from nbmlops.governance.gate.mlflow_registry import MlflowRegistry
from nbmlops.governance.gate.mlflow_team_server import find_team_server
from nbmlops.governance.vault import (
    MLFLOWS_NOTE,
    MODEL_FOLDER,
    read_files,
    require_own_list,
    require_same_files,
)
from nbmlops.records import Bundle, BundleFile
from nbmlops.settings import GATED_PREFIX, Settings, without_password

__all__ = ["VerifiedModelsRepository", "fetch_verified"]


class _Sealing(Protocol):
    """Whoever knows what a registered version must be: the gated store, or the team's server."""

    def bundle_of(self, name: str, version: str) -> Bundle: ...


class VerifiedModelsRepository(ModelsArtifactRepository):
    """MLflow's repository of registered models, which hands out only what was signed."""

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> None:
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        # MLflow itself resolves the version at this registry, whatever it was handed.
        registry = str(mlflow.get_registry_uri())
        self._sealing = None if self.is_logged_model_uri else _sealing(registry)

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None, **kw: Any) -> str:
        if self._sealing is None:
            return str(super().download_artifacts(artifact_path, dst_path, **kw))
        try:
            bundle = self._sealing.bundle_of(self.model_name, str(self.model_version))
            path = str(super().download_artifacts(artifact_path, dst_path, **kw))
            _require_sealed(bundle, artifact_path.strip("/"), Path(path))
        except NbmlopsError as error:
            raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error
        return path

    def _add_registered_model_meta_file(self, model_path: str) -> None:
        # MLflow would write its note into the vault, where the files are handed out in place.
        if self._sealing is None or self.repo.get_local_path("") is None:
            super()._add_registered_model_meta_file(model_path)


def fetch_verified(registry: MlflowRegistry, settings: Settings, uri: str) -> Path:
    """Where the files of a registered model lie on this machine, once each was checked.

    :raises Refused: if its sign-offs do not hold, or no gate is there that could know.
    :raises IntegrityError: if a byte is not what was sealed.
    """
    sealing = _sealing(settings.registry_uri)
    if sealing is None:
        raise Refused(
            f"{without_password(settings.registry_uri)} has no gate, so nobody can say whether "
            f"{uri} is what was signed. mlflow.pyfunc.load_model loads it unchecked."
        )
    name, version = registry.resolve(uri)
    try:
        bundle = sealing.bundle_of(name, version)
    except MlflowException as error:
        raise Refused(error.message) from error
    path = Path(
        mlflow.artifacts.download_artifacts(
            artifact_uri=registry.source(name, version), tracking_uri=settings.tracking_uri
        )
    )
    _require_sealed(bundle, "", path)
    return path


def _sealing(registry_uri: str) -> _Sealing | None:
    if registry_uri.startswith(GATED_PREFIX):
        from mlflow.tracking._model_registry.utils import _get_store

        return cast(_Sealing, _get_store(registry_uri))
    return find_team_server(registry_uri)


def _require_sealed(bundle: Bundle, artifact_path: str, path: Path) -> None:
    """:raises IntegrityError: if what lies at `path` is not that part of the sealed model."""
    require_own_list(bundle)
    prefix = f"{MODEL_FOLDER}/{artifact_path}".rstrip("/")
    whole = [f for f in bundle.files if f.path.startswith(f"{prefix}/")]
    if path.is_dir():
        found = [f for f in read_files(path) if f.path != MLFLOWS_NOTE]
        expected = [_moved(f, f.path.removeprefix(f"{prefix}/")) for f in whole]
    else:
        found = [_moved(f, prefix) for f in read_files(path.parent) if f.path == path.name]
        expected = [f for f in bundle.files if f.path == prefix]
    require_same_files(bundle.digest, expected, found)


def _moved(file: BundleFile, path: str) -> BundleFile:
    return msgspec.structs.replace(file, path=path)
