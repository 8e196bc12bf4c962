"""The MLflow Model Registry, as registration uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbmlops.errors import NotFound, Refused, StoreUnreachable
from nbmlops.governance.gate.acting import registering
from nbmlops.governance.gate.entering import FIRST_ALIAS
from nbmlops.records import Bundle, Record
from nbmlops.settings import Settings, without_password
from nbmlops.steps import pass_step

__all__ = ["MlflowRegistry", "RegisteredVersion"]

_MLFLOWS_OWN_REFUSAL = "Response body: 'Permission denied'"
"""What its client says where MLflow's permissions refuse: no word on what was refused, or why."""


class RegisteredVersion(Record, frozen=True, kw_only=True):
    """A version in the registry, and the review that its tags say let it in.

    `first_alias` is what its registration was to move there, if anything.
    """

    model_name: str
    version: str
    review_id: str
    aliases: tuple[str, ...]
    first_alias: str | None = None


class MlflowRegistry:
    """A client of the registry at ``settings.registry_uri``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def register(
        self, name: str, source: str, *, run_id: str | None, tags: dict[str, str], alias: str
    ) -> str:
        """Make `source` a version of model `name`, move `alias` to it, and return the version.

        Registering the same content again moves the alias and adds no version, so that a
        registration which was cut short can be repeated.

        :raises Refused: if the gate does not let it in.
        :raises StoreUnreachable: if MLflow does not answer.
        """
        with self._speaking():
            client = self._client()
            with registering():
                version = self._existing(client, name, source) or self._create(
                    client, name, source, run_id, tags
                )
                client.set_registered_model_alias(name, alias, version)
                pass_step("after-alias")
        return version

    def source(self, name: str, version: str) -> str:
        """Where a version's content lies.

        :raises NotFound: if there is no such version.
        """
        with self._speaking():
            return str(self._client().get_model_version_download_uri(name, version))

    def resolve(self, uri: str) -> tuple[str, str]:
        """The model and version that ``models:/name/version`` or ``models:/name@alias`` means.

        :raises NotFound: if there is none.
        """
        name, separator, rest = uri.removeprefix("models:/").partition("@")
        if not separator:
            name, separator, rest = name.rpartition("/")
        if not uri.startswith("models:/") or not name or not rest:
            raise NotFound(
                f"{uri!r} names no registered version; write models:/NAME@ALIAS or "
                "models:/NAME/VERSION."
            )
        try:
            with self._speaking():
                client = self._client()
                if separator == "@":
                    return name, str(client.get_model_version_by_alias(name, rest).version)
                return name, str(client.get_model_version(name, rest).version)
        except NotFound as error:
            what = "no alias" if separator == "@" else "no version"
            raise NotFound(
                f"The model registry has {what} {rest!r} of a model {name!r}. `nbmlops review` "
                "lists what was registered."
            ) from error

    def move_alias(self, name: str, alias: str, version: str) -> None:
        """Let `alias` stand at a version.

        :raises Refused: if the gate does not let it.
        """
        with self._speaking(), registering():
            self._client().set_registered_model_alias(name, alias, version)

    def versions(self) -> list[RegisteredVersion]:
        """Every version that a registration of ours has left."""
        with self._speaking():
            ours = [v for v in self._pages("search_model_versions") if "nbmlops.review" in v.tags]
            aliases = {name: self._aliases(name) for name in {v.name for v in ours}}
            return [
                RegisteredVersion(
                    model_name=version.name,
                    version=str(version.version),
                    review_id=version.tags["nbmlops.review"],
                    aliases=tuple(
                        sorted(
                            a for a, v in aliases[version.name].items() if v == str(version.version)
                        )
                    ),
                    first_alias=version.tags.get(FIRST_ALIAS),
                )
                for version in ours
            ]

    def empty_models(self) -> list[str]:
        """Names in the registry that have no version, and are no prompt's."""
        with self._speaking():
            client = self._client()
            return [
                model.name
                for model in self._pages("search_registered_models")
                if "mlflow.prompt.is_prompt" not in model.tags
                and not client.search_model_versions(_of(model.name), max_results=1)
            ]

    def remove_model(self, name: str) -> None:
        """Remove a name that has no version.

        :raises Refused: if it has one.
        """
        with self._speaking():
            self._client().delete_registered_model(name)

    def _aliases(self, name: str) -> dict[str, str]:
        """Which version each alias of a model stands at; MLflow's search does not tell."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client().get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {}
        return {alias: str(version) for alias, version in found.items()}

    def _pages(self, search: str) -> Iterator[Any]:
        token = None
        while True:
            page = getattr(self._client(), search)(page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def remove_aliases(self, name: str, is_meant: Callable[[str], bool]) -> None:
        """Take every alias off each version of `name` whose source `is_meant`."""
        with self._speaking(), registering():
            client = self._client()
            for alias, version in self._aliases(name).items():
                if is_meant(client.get_model_version(name, version).source):
                    client.delete_registered_model_alias(name, alias)

    def remove_alias(self, name: str, alias: str) -> None:
        """Take one alias off whatever version it stands at."""
        with self._speaking(), registering():
            self._client().delete_registered_model_alias(name, alias)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Tell MLflow's errors apart, in our words."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            if error.error_code == "PERMISSION_DENIED":
                told = error.message
                if told.endswith(_MLFLOWS_OWN_REFUSAL):
                    told = (
                        "MLflow does not let you: the model is not registered, or its permissions "
                        "give you no right to it. Ask who registered it, or who administers MLflow."
                    )
                raise Refused(told) from error
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise NotFound(f"The model registry has no such version: {error.message}") from (
                    error
                )
            where = without_password(self._settings.registry_uri)
            # The first line only: below it a database's own words would follow.
            raise StoreUnreachable(
                f"The model registry {where} cannot do this: {str(error.message).splitlines()[0]}"
            ) from error

    def bundle_of(self, name: str, version: str) -> Bundle:
        """What a version must be, where the registry's store is in this process.

        :raises NotFound: if there is no such version.
        :raises Refused: if it may not be loaded any more.
        """
        with self._speaking():
            found: Bundle = self.store().bundle_of(name, version)
        return found

    def store(self) -> Any:
        """The registry's store itself, where it is in this process."""
        from mlflow.tracking._model_registry.utils import _get_store

        return _get_store(self._settings.registry_uri)

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(
            tracking_uri=self._settings.tracking_uri, registry_uri=self._settings.registry_uri
        )

    def _create(
        self, client: Any, name: str, source: str, run_id: str | None, tags: dict[str, str]
    ) -> str:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        pass_step("after-model")
        created = client.create_model_version(name, source, run_id=run_id, tags=tags)
        pass_step("after-version")
        return str(created.version)

    def _existing(self, client: Any, name: str, source: str) -> str | None:
        for version in client.search_model_versions(_of(name)):
            if version.source == source:
                return str(version.version)
        return None


def _of(name: str) -> str:
    """MLflow's filter for the versions of a model."""
    quoted = name.replace("'", "''")
    return f"name = '{quoted}'"
