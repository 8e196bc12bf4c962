"""MLflow's registry store with the gate in front of every write.

MLflow loads it for registry URIs that begin with ``nbmlops+sqlite://`` or ``nbmlops+postgresql://``.
Whatever reaches the registry through MLflow, by any of its clients, ends in these methods.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from mlflow.entities.model_registry import ModelVersionTag
from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.utils.models import _parse_model_uri
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from nbmlops.errors import NbmlopsError
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.governance.database.postgresql import Permits, PermittedWrite
from nbmlops.governance.gate.acting import current_actor, is_registering
from nbmlops.governance.gate.entering import version_tags
from nbmlops.governance.gate.gate import Gate
from nbmlops.governance.policy import drafted_policy
from nbmlops.governance.vault import Vault
from nbmlops.records import Bundle, Identity, Review
from nbmlops.settings import GATED_PREFIX, Settings, load_settings
from nbmlops.steps import pass_step

__all__ = ["PROMPT_SOURCES", "GatedStore"]

PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
"""What MLflow writes as the source of a prompt's version: it has no files that could be loaded."""

_RESERVED = "nbmlops."
_VERSION = re.compile(r"[0-9]{1,10}")
_LAST_VERSION = 2**31 - 1
"""As far as MLflow's column counts."""


class GatedStore(SqlAlchemyStore):
    """The registry's tables, written only when the gate lets it.

    Reading is MLflow's own. What changes or removes what was signed is refused: renaming, deleting
    and moving between stages, and tags in our name space. Prompts share the tables: they are told
    by the placeholder that stands for their source, because anybody can set a tag.
    """

    def __init__(self, store_uri: str, tracking_uri: str | None = None) -> None:
        uri = store_uri.removeprefix(GATED_PREFIX)
        uri = uri.replace("postgresql://", "postgresql+psycopg://", 1)
        super().__init__(uri)
        settings = _settings_of(uri)
        self._user = settings.user
        self._ledger = SqlAlchemyLedger(settings.ledger_place)
        self._permits = Permits(settings.ledger_place)
        self._permits.shown_by(self.engine)
        self._gate = Gate(
            self._ledger,
            drafted_policy(settings),
            Vault(settings.bundles, settings.vault_uri),
        )

    def create_registered_model(
        self, name: str, tags: Iterable[Any] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        tags = list(tags or ())
        with self._deciding():
            self._keep_reserved(name, *(tag.key for tag in tags))
            for tag in tags:
                self._keep_kind(name, tag.key, tag.value)
            if any(tag.key == IS_PROMPT_TAG_KEY for tag in tags):
                self._gate.require_prompt(name, self._actor)
                return super().create_registered_model(name, tags, *args, **kwargs)
            self._gate.require_model(name, self._actor)
            self._require_no_prompt(name)
            with self._permits.granted("model", name, name):
                return super().create_registered_model(name, tags, *args, **kwargs)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Iterable[Any] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        tags = list(tags or ())
        with self._deciding():
            inherited: dict[str, str] = {}
            review: Review | None = None
            if source in PROMPT_SOURCES:
                self._gate.require_prompt(name, self._actor)
            else:
                source, inherited = self._resolve(name, source)
                review = self._gate.require_version(name, source, self._actor)
                self._require_no_prompt(name)
            own = [tag.key for tag in tags if inherited.get(tag.key) != tag.value]
            self._keep_reserved(name, *own)
            told = review is None or is_registering()  # else nobody behind us tells the ledger
            if review is not None and not told:
                tags = [tag for tag in tags if not tag.key.startswith(_RESERVED)]
                tags += [ModelVersionTag(k, v) for k, v in version_tags(review).items()]
            with self._permitted("version", name, source, source):
                made = super().create_model_version(name, source, run_id, tags, *args, **kwargs)
            if review is not None and not told:
                pass_step("before-version-told")
                self._gate.tell_of_version(review, str(made.version), self._identity)
            return made

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> Any:
        with self._deciding():
            review: Review | None = None
            found = super().get_model_version(name, version)
            if found.source in PROMPT_SOURCES:
                if self._holds_models(name):
                    self._refuse("alias", f"{name}@{alias}", "a prompt is no version of a model")
            else:
                review = self._gate.require_alias(name, alias, found.source, self._identity)
            with self._permitted("alias", name, f"{alias}@{found.version}", found.source):
                super().set_registered_model_alias(name, alias, version)
            if review is not None and not is_registering():
                pass_step("before-alias-told")
                self._gate.tell_of_alias(review, alias, str(found.version), self._identity)

    def delete_registered_model_alias(self, name: str, alias: str) -> Any:
        with self._deciding():
            if not self._holds_models(name):
                return super().delete_registered_model_alias(name, alias)
            if not is_registering():
                self._refuse(
                    "unalias",
                    f"{name}@{alias}",
                    "what is in production is not taken out by hand; withdraw its approval",
                )
            with self._permits.granted("unalias", name, alias):
                return super().delete_registered_model_alias(name, alias)

    def set_registered_model_tag(self, name: str, tag: Any) -> Any:
        with self._deciding():
            self._keep_reserved(name, tag.key)
            self._keep_kind(name, tag.key, tag.value)
            if tag.key == IS_PROMPT_TAG_KEY:
                self._gate.require_prompt(name, self._actor)
            return super().set_registered_model_tag(name, tag)

    def delete_registered_model_tag(self, name: str, key: str) -> Any:
        with self._deciding():
            self._keep_reserved(name, key)
            self._keep_kind(name, key, None)
            return super().delete_registered_model_tag(name, key)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> Any:
        with self._deciding():
            self._keep_reserved(name, tag.key)
            return super().set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> Any:
        with self._deciding():
            self._keep_reserved(name, key)
            return super().delete_model_version_tag(name, version, key)

    def rename_registered_model(self, name: str, new_name: str) -> NoReturn:
        with self._deciding():
            self._refuse("rename", name, "a sign-off names the model; register it anew instead")

    def delete_registered_model(self, name: str) -> Any:
        with self._deciding():
            if self._holds_models(name):
                self._refuse("delete", name, "registered versions are evidence")
            return super().delete_registered_model(name)

    def delete_model_version(self, name: str, version: str) -> Any:
        with self._deciding():
            if super().get_model_version(name, version).source not in PROMPT_SOURCES:
                self._refuse(
                    "delete", f"{name} version {version}", "registered versions are evidence"
                )
            return super().delete_model_version(name, version)

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> NoReturn:
        with self._deciding():
            self._refuse(
                "transition", f"{name} version {version}", "aliases say what is in production"
            )

    def create_webhook(self, name: str, *args: Any, **kwargs: Any) -> NoReturn:
        with self._deciding():
            self._refuse_webhook(name)

    def update_webhook(self, webhook_id: str, *args: Any, **kwargs: Any) -> NoReturn:
        with self._deciding():
            self._refuse_webhook(webhook_id)

    def get_model_version(self, name: str, version: str) -> Any:
        """A version; one whose number no database counts to is simply not there."""
        if not _VERSION.fullmatch(str(version)) or int(version) > _LAST_VERSION:
            # A database would be asked for a number that it has none of, and say so in its words.
            raise MlflowException(
                f"Model Version (name={name}, version={str(version)[:20]}) not found",
                error_code=RESOURCE_DOES_NOT_EXIST,
            )
        return super().get_model_version(name, version)

    def bundle_of(self, name: str, version: str) -> Bundle:
        """What a registered version must be, if it may still be loaded.

        :raises Refused: if nobody's sign-off holds for it.
        """
        source = self.get_model_version(name, version).source
        self._gate.require_load(name, source, self._actor)
        return self._gate.bundle_at(name, source)

    @property
    def _identity(self) -> Identity:
        """Whoever a door authenticated, else this machine's user."""
        return current_actor() or Identity(name=self._user)

    @property
    def _actor(self) -> str:
        return self._identity.name

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """One decision at a time; a refusal as MLflow's own error, which every client shows."""
        try:
            with self._ledger.turn():
                yield
        except NbmlopsError as error:
            raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error

    def _permitted(
        self, write: PermittedWrite, name: str, subject: str, source: str
    ) -> AbstractContextManager[None]:
        """A permit for what concerns a model's version; a prompt's needs none."""
        if source in PROMPT_SOURCES:
            return nullcontext()
        return self._permits.granted(write, name, subject)

    def _resolve(self, name: str, source: str) -> tuple[str, dict[str, str]]:
        """Where the files of ``models:/name/version`` lie, and the tags that a copy takes over.

        Under another name the tags would tell of sign-offs that are not that name's.
        """
        if not source.startswith("models:"):
            return source, {}
        parsed = _parse_model_uri(source)
        if parsed.name is None or parsed.version is None:
            return source, {}
        original = super().get_model_version(parsed.name, parsed.version)
        return original.source, original.tags if parsed.name == name else {}

    def _holds_models(self, name: str) -> bool:
        with self.ManagedSessionMaker() as session:
            found = session.query(SqlModelVersion.version).filter(
                SqlModelVersion.name == name,
                SqlModelVersion.source.notin_(PROMPT_SOURCES),
                SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL,
            )
            return found.first() is not None

    def _keep_kind(self, name: str, key: str, value: str | None) -> None:
        """Let no prompt become a registered model by a tag: nobody would have let that in."""
        if key == IS_PROMPT_TAG_KEY and str(value).lower() != "true":
            self._refuse("tag", name, f"only a prompt has {key}, which is true and stays")

    def _require_no_prompt(self, name: str) -> None:
        """Let no model in among a prompt's versions, whose maker moves the aliases."""
        with self.ManagedSessionMaker() as session:
            tags = session.query(SqlRegisteredModelTag.value).filter(
                SqlRegisteredModelTag.name == name, SqlRegisteredModelTag.key == IS_PROMPT_TAG_KEY
            )
            is_prompt = any(str(value).lower() == "true" for (value,) in tags)
        if is_prompt:
            why = "a prompt has that name. Have it deleted, or promote under another name"
            self._refuse("register", name, why)

    def _keep_reserved(self, name: str, *keys: str) -> None:
        if any(key.startswith(_RESERVED) for key in keys) and not is_registering():
            self._refuse(
                "tag", name, f"tags that begin with {_RESERVED!r} are written at registration"
            )

    def _refuse_webhook(self, subject: str) -> NoReturn:
        self._refuse(
            "webhook",
            subject,
            "MLflow's webhooks let the server call any address, and never tell of a refusal",
        )

    def _refuse(self, verb: str, subject: str, reason: str) -> NoReturn:
        self._gate.refuse(verb, subject, self._actor, f"May not {verb} {subject}: {reason}.")
        raise AssertionError("the gate refused, and came back")


def _settings_of(uri: str) -> Settings:
    """The settings of the project that the database is the registry of."""
    environ = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    if not uri.startswith("sqlite:"):
        return load_settings(None, environ)
    # The database's own folder says which project this is, whatever the environment says.
    environ.pop("NBMLOPS_ROOT", None)
    return load_settings(Path(uri.partition("///")[2]).parent, environ)
