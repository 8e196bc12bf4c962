"""Runs that a delivery makes in MLflow: each once, whatever the network does with a request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.tracking.delivery.made_once import TOKEN_TAG, Claims, make_once
from nbmlops.tracking.delivery.mlflow_connection import quoted
from nbmlops.tracking.delivery.steps import Step

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Maker"]


class Maker(msgspec.Struct, frozen=True):
    """Makes runs by `client` in one experiment of the MLflow at the address `where`."""

    client: Any
    where: str
    experiment: str
    claims: Claims

    @property
    def heard_twice(self) -> bool:
        """Whether a request may be heard twice: one over HTTP whose answer is lost is repeated."""
        return self.where.startswith(("http:", "https:"))

    def run(
        self, what: str, name: str, started: datetime, tags: dict[str, str], steps: tuple[Step, str]
    ) -> Any:
        """The run that is `what` of ours, made with these `tags` if none was made before.

        `steps` hears the name that begins with its second part when one is made.
        """
        client: MlflowClient = self.client
        step, called = steps

        def make(token: str) -> str:
            step(called)
            made = client.create_run(
                self.experiment,
                start_time=int(started.timestamp() * 1000),
                run_name=name,
                tags={**tags, TOKEN_TAG: token},
            )
            step(f"{called}-made")
            return str(made.info.run_id)

        run_id = make_once(
            self.claims,
            what,
            self.where,
            make=make,
            find=self._untouched,
            remove=client.delete_run,
            heard_twice=self.heard_twice,
        )
        return client.get_run(run_id)

    def _untouched(self, token: str) -> list[str]:
        """The runs that bear `token` and that nobody has written to since they were made."""
        found = self.client.search_runs(
            [self.experiment], filter_string=f"tags.`{TOKEN_TAG}` = '{quoted(token)}'"
        )
        return sorted(
            run.info.run_id
            for run in found
            if run.info.status == "RUNNING"
            and not (run.data.metrics or run.data.params or run.inputs.dataset_inputs)
        )
