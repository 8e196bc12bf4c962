"""MLflow's artifact repositories, wrapped: the server reads and writes only below allowed roots.

Every repository that MLflow opens comes from one registry, whichever route or job asked for it. So
the guard stands there, not at routes, which move between versions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlparse

import wrapt
from mlflow.entities.presigned_download import PresignedDownloadUrlResponse
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, PERMISSION_DENIED
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from nbmlops.errors import Refused
from nbmlops.governance.gate.artifact_roots import (
    VAULT_NAME,
    ArtifactRoots,
    inside,
    inside_as_spelled,
    sealed_parts,
)

__all__ = ["guard_artifacts", "guard_experiments", "guard_registration"]

_RESOLVED_ELSEWHERE = ("runs", "models")  # they open another repository, which is guarded itself

_WRITES = (
    "log_artifact",
    "log_artifacts",
    "log_artifact_from_stream",
    "log_artifact_from_async_stream",
    "delete_artifacts",
    "create_multipart_upload",
    "complete_multipart_upload",
    "abort_multipart_upload",
    "create_presigned_upload_url",
)
_READS = (
    "list_artifacts",
    "download_artifacts",
    "get_local_path",
    "_download_file",
    "_is_directory",
)


RequireReader = Callable[[str | None], None]
"""Raises Refused unless whoever acts may read that sealed content; None is the list of all."""


def guard_artifacts(
    roots: ArtifactRoots, destination: str, vault: Path, require_reader: RequireReader
) -> None:
    """Wrap every repository of this process; the vault is read below `destination`."""
    known = _artifact_repository_registry._registry
    open_destination = known[urlparse(destination).scheme]

    def open_proxied(uri: str, *_: Any, **__: Any) -> Any:
        # The server is its own proxy: what clients reach by mlflow-artifacts: lies here.
        parts = urlparse(uri)
        try:
            if parts.netloc:
                raise Refused(f"{uri!r} is not at this server.")
            below = inside(parts.path.lstrip("/"))
        except Refused as error:
            raise _bad_place(error) from error
        if below[:1] == [VAULT_NAME]:
            _require_reader(require_reader, below)
            return _Window(LocalArtifactRepository(str(vault.joinpath(*below[1:]))), None)
        return open_destination("/".join((destination.rstrip("/"), *below)))

    def guard(scheme: str, open_repository: Callable[..., Any]) -> Callable[..., Any]:
        def open_guarded(uri: str, *args: Any, **kwargs: Any) -> Any:
            try:
                roots.require(uri)
            except Refused as error:
                raise _bad_place(error) from error
            repository = open_repository(uri, *args, **kwargs)
            return _Window(repository, vault, require_reader) if uri == destination else repository

        return open_guarded

    for scheme, open_repository in list(known.items()):
        if scheme == "mlflow-artifacts":
            _artifact_repository_registry.register(scheme, open_proxied)
        elif scheme not in _RESOLVED_ELSEWHERE:
            _artifact_repository_registry.register(scheme, guard(scheme, open_repository))


def guard_registration(store: Any, require: Callable[[str], None]) -> None:
    """Let nobody make a registered model whose content they may not read.

    MLflow gives whoever makes one the permission to read it, and to let others.
    """
    create = store.create_registered_model

    def create_registered_model(name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            require(name)
        except Refused as error:
            raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error
        return create(name, *args, **kwargs)

    store.create_registered_model = create_registered_model


def guard_experiments(store: Any, roots: ArtifactRoots) -> None:
    """Refuse an experiment whose artifacts would lie outside of the roots, when it is created."""
    create = store.create_experiment

    def create_experiment(
        name: str, artifact_location: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        if artifact_location:
            try:
                roots.require(artifact_location)
            except Refused as error:
                raise _bad_place(error) from error
        return create(name, artifact_location, *args, **kwargs)

    store.create_experiment = create_experiment


class _Window(wrapt.ObjectProxy[Any]):
    """A repository through which the vault is read and never written.

    With `vault`, only paths below VAULT_NAME lead there, for those whom `require_reader` lets;
    without, the whole repository is the vault's, and was opened for somebody who may read it.
    """

    def __init__(
        self,
        repository: Any,
        vault: Path | None,
        require_reader: RequireReader = lambda _: None,
    ) -> None:
        super().__init__(repository)
        self._self_vault = vault
        self._self_require_reader = require_reader

    def __getattr__(self, name: str) -> Any:
        method = super().__getattr__(name)
        if name in _WRITES:
            return self._self_guard_write(method)
        if name in _READS:
            return self._self_redirect(name, method)
        if name == "get_download_presigned_url":
            return self._self_presign(method)
        return method

    def _self_guard_write(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            # A path may stand at any place of the arguments: the first may be a local file's.
            given = [a for a in (*args, *kwargs.values()) if isinstance(a, str)]
            if self._self_vault is None or any(self._self_is_vault(a) for a in given):
                _refuse_write()
            return method(*args, **kwargs)

        return write

    def _self_redirect(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def read(*args: Any, **kwargs: Any) -> Any:
            path = args[0] if args else kwargs.get("path", kwargs.get("artifact_path"))
            if self._self_vault is None or path is None or not self._self_is_vault(path):
                return method(*args, **kwargs)
            below = "/".join(self._self_find(path))
            there = getattr(LocalArtifactRepository(str(self._self_vault)), name)
            found = there(below, *args[1:], **{k: v for k, v in kwargs.items() if k != "path"})
            return _renamed(found) if name == "list_artifacts" else found

        return read

    def _self_presign(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def presign(artifact_path: str, *args: Any, **kwargs: Any) -> Any:
            if self._self_vault is None or not self._self_is_vault(artifact_path):
                return method(artifact_path, *args, **kwargs)
            self._self_find(artifact_path)
            # The vault is no bucket: a file of unknown size is one that clients read through us.
            return PresignedDownloadUrlResponse(url="", headers={}, file_size=None)

        return presign

    def _self_find(self, path: str) -> list[str]:
        """The parts below the vault that a path leads to, if whoever acts may read there."""
        assert self._self_vault is not None  # noqa: S101 - asked of paths into the vault only
        try:
            spelled = inside_as_spelled(path)
            # The vault's own name may be spelled in any way; what lies in it is called as it is.
            below = spelled[1:] if spelled[:1] == [VAULT_NAME] else inside(path)[1:]
            parts = sealed_parts(self._self_vault, "/".join(below))
        except Refused as error:
            raise _bad_place(error) from error
        _require_reader(self._self_require_reader, [VAULT_NAME, *parts])
        return parts

    def _self_is_vault(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        try:
            return inside(path)[:1] == [VAULT_NAME]
        except Refused:
            return False  # an absolute path is a local file's; MLflow itself refuses it elsewhere


def _require_reader(rule: RequireReader, below: list[str]) -> None:
    """Ask `rule` for the content below VAULT_NAME that a path leads to."""
    try:
        rule(below[1] if len(below) > 1 else None)
    except Refused as error:
        raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error


def _renamed(files: list[Any]) -> list[Any]:
    from mlflow.entities import FileInfo

    return [FileInfo(f"{VAULT_NAME}/{f.path}", f.is_dir, f.file_size) for f in files]


def _refuse_write() -> NoReturn:
    raise MlflowException(
        "Nothing is written into the vault from here: sealed content never changes. Submit what "
        "you have changed anew: nbmlops promote, nbmlops submit.",
        error_code=PERMISSION_DENIED,
    )


def _bad_place(error: Refused) -> MlflowException:
    return MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE)
