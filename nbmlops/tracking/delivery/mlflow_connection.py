"""The project's MLflow: its client, its experiment, and its errors in our words."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.errors import Ambiguous, StoreError, StoreUnreachable
from nbmlops.settings import Settings
from nbmlops.tracking.delivery.mlflow_entities import ID_TAG
from nbmlops.tracking.delivery.mlflow_tables import ready_tables
from nbmlops.tracking.redaction import hide_in_text, without_credentials

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["MlflowConnection", "end_run", "quoted"]

_SILENCE = (
    "Max retries",
    "Failed to establish",
    "timed out",
    "IncompleteRead",
    "database is locked",
)
# What a gateway before MLflow answers in its place is a page, whatever its code says.
_FAULTS = ("error responses", "error code 50", "not in a valid JSON format", "Response body: '<")
_SAY_NOTHING = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
_NO_ENTRY = ("error code 401", "error code 403")


class MlflowConnection:
    """MLflow by `settings`: SQLite with files beside it, or a server. Opened on first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> MlflowClient:
        """A plain MLflow client of the project's store."""
        quieten()
        from mlflow import MlflowClient

        with self._first():
            client = MlflowClient(
                tracking_uri=self.settings.tracking_uri, registry_uri=self.settings.registry_uri
            )
            if self.settings.tracking_uri.startswith("sqlite:"):
                client.get_experiment_by_name(self.settings.experiment)
            return client

    @contextmanager
    def _first(self) -> Iterator[None]:
        """Let one process at a time make MLflow's tables: two at once trip each other."""
        if not self.settings.tracking_uri.startswith("sqlite:///"):
            yield
            return
        self.settings.home.mkdir(parents=True, exist_ok=True)
        with (self.settings.home / "mlflow.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # The lock is among us; the notebook's own MLflow does not know of it.
            ready_tables(Path(self.settings.tracking_uri.removeprefix("sqlite:///")))
            yield

    def client_of(self, destination: tuple[str, str] | None) -> MlflowClient:
        """The client of a user's own run, as (tracking URI, run id); None means the project's."""
        ours = without_credentials(self.settings.tracking_uri)
        if destination is None or destination[0] == ours:
            return self.client
        quieten()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=destination[0])

    @cached_property
    def experiment_id(self) -> str:
        """The project's MLflow experiment, made if it is missing."""
        from mlflow.exceptions import MlflowException

        name = self.settings.experiment
        found = self.client.get_experiment_by_name(name)
        if found is None:
            local = self.settings.tracking_uri.startswith("sqlite:")
            place = self.settings.artifacts.as_uri() if local else None
            try:
                return str(self.client.create_experiment(name, artifact_location=place))
            except MlflowException as error:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise error
        return str(found.experiment_id)

    @property
    def remote(self) -> bool:
        """Whether MLflow is asked over HTTP."""
        return self.settings.tracking_uri.startswith(("http:", "https:"))

    def find_id(self, run_id: str) -> str | None:
        """The MLflow id of our run `run_id`, or None if MLflow does not hold it.

        :raises Ambiguous: if it holds two, of which neither is believed: anybody can set a tag.
        """
        found = self.search(f"tags.`{ID_TAG}` = '{quoted(run_id)}'", 10)
        if len(found) > 1:
            raise Ambiguous(
                f"{len(found)} runs in this MLflow bear the id {run_id}. Delete those that are "
                "not what was tracked."
            )
        return str(found[0].info.run_id) if found else None

    def search(self, query: str, limit: int = 2) -> list[Any]:
        """The project's MLflow runs that fit `query`, newest first; at a server, everybody's."""
        experiments = [self.experiment_id]
        if self._serves_a_team:
            experiments = [e.experiment_id for e in self.client.search_experiments()]
        return list(
            self.client.search_runs(
                experiments,
                filter_string=query,
                max_results=limit,
                order_by=["attributes.start_time DESC"],
            )
        )

    @property
    def _serves_a_team(self) -> bool:
        """Whether this process is a team's server, whose clients each have an experiment."""
        return self.settings.vault_uri is not None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Raise :class:`StoreUnreachable` if MLflow does not answer, StoreError if it refuses."""
        import requests
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        where = without_credentials(self.settings.tracking_uri)
        waits = "Records wait in the journal; `nbmlops sync` delivers them."
        try:
            yield
        except (requests.RequestException, ConnectionError, TimeoutError) as error:
            raise StoreUnreachable(f"MLflow at {where} does not answer. {waits}") from error
        except (MlflowException, SQLAlchemyError) as error:
            text = without_credentials(hide_in_text(str(error).split("\n", 1)[0][:1000])[0])
            if any(sign in text for sign in _FAULTS):
                # It may be one record that it cannot take: the others are tried.
                raise StoreError(
                    f"MLflow at {where} answers with an error of its own. {waits} It said: {text}"
                ) from error
            if any(sign in text for sign in _SILENCE):
                raise StoreUnreachable(f"MLflow at {where} does not answer. {waits}") from error
            if any(sign in text for sign in _NO_ENTRY):
                raise StoreUnreachable(
                    f"MLflow at {where} does not let {self.settings.user} in. Set"
                    f" MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a token. {waits}"
                ) from error
            raise StoreError(f"MLflow at {where} refused: {text}") from error


def quieten() -> None:
    """Keep MLflow's and Alembic's own logging out of the user's output."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in (
        "alembic",
        "mlflow.store.db.utils",
        "mlflow.store.db_migrations",
        "mlflow.tracking",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)


def end_run(client: MlflowClient, run_id: str, outcome: str, seconds: float) -> None:
    """Set that a run ended at `seconds` since 1970, as its cell's `outcome` says.

    MLflow prints a run's address when it ends, into whatever a command of ours prints.
    """
    said = os.environ.get(_SAY_NOTHING)
    os.environ[_SAY_NOTHING] = "true"
    try:
        status = "FINISHED" if outcome == "ok" else "FAILED"
        client.set_terminated(run_id, status, end_time=int(seconds * 1000))
    finally:
        os.environ.pop(_SAY_NOTHING)
        if said is not None:
            os.environ[_SAY_NOTHING] = said


def quoted(text: str) -> str:
    """`text` as it may stand between quotes in MLflow's search language."""
    return text.replace("'", "")
