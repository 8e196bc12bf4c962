"""The MLflow Model Registry, as registration uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbmlops.errors import Refused, StoreUnreachable
from nbmlops.settings import Settings

__all__ = ["MlflowRegistry"]


class MlflowRegistry:
    """A client of the registry at ``settings.registry_uri``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def register(
        self, name: str, source: Path, *, run_id: str | None, tags: dict[str, str], alias: str
    ) -> str:
        """Make `source` a version of model `name`, move `alias` to it, and return the version.

        Registering the same content again moves the alias and adds no version, so that a
        registration which was cut short can be repeated.

        :raises Refused: if the gate does not let it in.
        :raises StoreUnreachable: if MLflow does not answer.
        """
        from mlflow.exceptions import MlflowException

        try:
            client = self._client()
            version = self._existing(client, name, source) or self._create(
                client, name, source, run_id, tags
            )
            client.set_registered_model_alias(name, alias, version)
        except MlflowException as error:
            if error.error_code == "PERMISSION_DENIED":
                raise Refused(error.message) from error
            raise StoreUnreachable(
                f"The model registry {self._settings.registry_uri} cannot do this: {error.message}"
            ) from error
        return version

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(
            tracking_uri=self._settings.tracking_uri, registry_uri=self._settings.registry_uri
        )

    def _create(
        self, client: Any, name: str, source: Path, run_id: str | None, tags: dict[str, str]
    ) -> str:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        created = client.create_model_version(name, source.as_uri(), run_id=run_id, tags=tags)
        return str(created.version)

    def _existing(self, client: Any, name: str, source: Path) -> str | None:
        quoted = name.replace("'", "''")
        for version in client.search_model_versions(f"name = '{quoted}'"):
            if version.source == source.as_uri():
                return str(version.version)
        return None
