"""Where a workspace keeps things: each store opened when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from nbmlops.errors import IntegrityError, NotFound, Refused
from nbmlops.governance import (
    POLICY_FILE,
    Gate,
    History,
    HistoryReader,
    Incoming,
    KeyStore,
    Ledger,
    MlflowRegistry,
    Policy,
    Vault,
    current_actor,
    drafted_policy,
    find,
    policy_in_force,
    policy_text,
    read_policy,
    require_unchanged,
)
from nbmlops.records import Fact, Identity, Promotion, RefusalRecorded, TrackedRun
from nbmlops.scheduling import Executor, Notifier
from nbmlops.settings import Settings, keys_folder
from nbmlops.workspace.sealed_run import sealed_run_id

if TYPE_CHECKING:
    from nbmlops.governance.gate.mlflow_team_server import TeamServer
    from nbmlops.tracking import Journal, MlflowStore

__all__ = ["Stores", "one_at_a_time"]

P = ParamSpec("P")
T = TypeVar("T")


class Stores:
    """The journal, MLflow, ledger, vault, registry and executor behind one workspace."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        ledger: Ledger | None,
        executor: Executor | None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.vault = Vault(settings.bundles, settings.vault_uri)
        self.after_append: Callable[[int], None] = lambda _sequence: None
        self._given_ledger = ledger
        self._given_executor = executor

    @cached_property
    def server(self) -> TeamServer | None:
        """The team's server, where this project's MLflow is one: then decisions are made there.

        :raises StoreUnreachable: if it does not answer, so that nobody can tell.
        """
        if not self.settings.tracking_uri.startswith("http"):
            return None
        from nbmlops.governance.gate.mlflow_team_server import find_team_server

        return find_team_server(self.settings.tracking_uri)

    @cached_property
    def ledger(self) -> Ledger:
        """The facts."""
        if self._given_ledger is not None:
            return self._given_ledger
        if self.server is not None:
            return self.server
        from nbmlops.governance.database import SqlAlchemyLedger

        return SqlAlchemyLedger(self.settings.ledger_place)

    @cached_property
    def _reader(self) -> HistoryReader:
        return HistoryReader(self.ledger)

    @cached_property
    def executor(self) -> Executor:
        """Where notebooks run."""
        if self._given_executor is not None:
            return self._given_executor
        from nbmlops.scheduling.executors.papermill_local import LocalExecutor

        return LocalExecutor()

    @cached_property
    def journal(self) -> Journal:
        """The runs of this machine's kernels, delivered or not."""
        from nbmlops.tracking import Journal

        return Journal(self.settings.journal_path)

    @cached_property
    def mlflow(self) -> MlflowStore:
        """The runs that were delivered, by anybody."""
        from nbmlops.tracking import MlflowStore

        return MlflowStore(self.settings)

    @cached_property
    def registry(self) -> MlflowRegistry:
        """The model registry, behind the gate."""
        return MlflowRegistry(self.settings)

    @cached_property
    def gate(self) -> Gate:
        """The rule that the registry's store asks before each write."""
        return Gate(self.ledger, drafted_policy(self.settings), self.vault, self.clock)

    @cached_property
    def incoming(self) -> Incoming:
        """What clients of a server are bringing into the vault."""
        return Incoming(self.settings.bundles, self.vault, self.settings.uploads)

    @cached_property
    def keys(self) -> KeyStore:
        """This user's own keys."""
        return KeyStore(keys_folder())

    @property
    def policy(self) -> Policy:
        """The policy in force: the published one, else the project's file or its settings.

        :raises SettingsError: if the file cannot be used, or differs from what it was published as.
        """
        path = self.settings.root / POLICY_FILE
        text, history = policy_text(path), self.history()
        if text is not None:
            require_unchanged(text, read_policy(text, str(path)), history)
        return policy_in_force(drafted_policy(self.settings), history)

    @property
    def me(self) -> Identity:
        """Whom a server authenticated for this, else this machine's user, self-asserted."""
        return current_actor() or Identity(name=self.settings.user, asserted_by="self")

    @property
    def runner(self) -> Identity:
        """Who works here: a team knows them by the server's login, not by this machine's name."""
        return self.me if self.server is None else self.server.me()

    def history(self) -> History:
        """What all facts so far add up to; only those that came since the last call are read."""
        return self._reader.read()

    def run(self, key: str) -> TrackedRun:
        """A tracked run by its id or the beginning of it, from the journal or from MLflow.

        :raises NotFound: if neither has it.
        :raises Ambiguous: if several ids begin so.
        """
        try:
            return find("run", key, {run.id: run for run in self.journal.runs()})
        except NotFound:
            return self.mlflow.load(key)

    def clean_run(self, promotion: Promotion) -> TrackedRun:
        """The record of a promotion's clean run.

        At a team's server anybody can tag a run of theirs with another's id, so it is found by the
        MLflow run that the promotion names; of one from before they did, by the one that its sealed
        model names, if that holds the record.

        :raises NotFound: if neither the journal nor MLflow has it.
        :raises IntegrityError: if that MLflow run holds another run's record.
        """
        proof = promotion.clean_run
        with suppress(NotFound):
            return self.journal.run(proof.run_id)
        if proof.mlflow_run_id is None:
            sealed = sealed_run_id(self.vault.path(promotion.bundle.digest))
            with suppress(NotFound):
                if sealed and (made := self.mlflow.load(sealed)).id == proof.run_id:
                    return made
            return self.run(proof.run_id)
        found = self.mlflow.load(proof.mlflow_run_id)
        if found.id != proof.run_id:
            raise IntegrityError(
                f"MLflow run {proof.mlflow_run_id} holds the record of {found.id}, not of "
                f"{proof.run_id}, the clean run of {promotion.id}. Promote the model again."
            )
        return found

    def latest_run(self) -> TrackedRun:
        """The run that this machine tracked last.

        :raises NotFound: if it has tracked none.
        """
        runs = self.journal.runs(limit=1)
        if not runs:
            raise NotFound("Nothing has been tracked yet: %track, then train a model.")
        return runs[0]

    @cached_property
    def notifier(self) -> Notifier:
        """How people are told."""
        from nbmlops.scheduling.apprise_notifier import AppriseNotifier

        return AppriseNotifier()

    def append(self, fact: Fact, actor: str) -> None:
        """Put a fact on the ledger, at the workspace's clock, and let people hear of it."""
        entry = self.ledger.append(fact, actor=actor, at=self.clock())
        self.after_append(entry.sequence)

    def append_all(self, facts: Sequence[Fact], actor: str) -> None:
        """Put facts on the ledger that happened together: all of them or none."""
        for entry in self.ledger.append_all(facts, actor=actor, at=self.clock()):
            self.after_append(entry.sequence)

    def refuse(self, error: Refused, verb: str, subject: str, actor: str) -> Refused:
        """Put a refusal on the ledger, and hand it back to be raised."""
        self.append(RefusalRecorded(verb=verb, subject=subject, by=actor, why=error.missing), actor)
        return error


def one_at_a_time(
    verb: Callable[Concatenate[Stores, P], T],
) -> Callable[Concatenate[Stores, P], T]:
    """Let nobody decide on the same ledger while `verb` does.

    So a sign-off that is taken back is taken back before a registration, or after it.
    """

    @wraps(verb)
    def decide(stores: Stores, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with stores.ledger.turn():
            return verb(stores, *args, **kwargs)

    return decide
