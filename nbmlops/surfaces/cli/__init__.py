"""The ``nbmlops`` command: one verb of the workspace a command, each with ``--json``."""

from __future__ import annotations

import click

from nbmlops._version import __version__
from nbmlops.surfaces.cli import (
    audit,
    demo,
    doctor,
    dossier,
    finding,
    keys,
    lab,
    notify,
    policy,
    promote,
    registration,
    review,
    schedule,
    server,
    track,
)
from nbmlops.surfaces.cli.data import compare, fingerprint
from nbmlops.surfaces.cli.door import Door

__all__ = ["main"]


@click.group(cls=Door)
@click.version_option(__version__, prog_name="nbmlops")
def main() -> None:
    """From a notebook cell to a signed-off production model, without leaving Jupyter."""


for _command in (
    demo.demo,
    lab.lab,
    track.runs,
    track.sync,
    fingerprint,
    compare,
    promote.promote,
    schedule.schedule,
    schedule.unschedule,
    schedule.scheduler,
    schedule.execute,
    review.submit,
    review.review,
    review.sign_off,
    registration.register,
    registration.alias,
    registration.withdraw,
    finding.finding,
    policy.policy,
    keys.keys,
    dossier.dossier,
    audit.audit,
    notify.notify,
    doctor.doctor,
    server.server,
):
    main.add_command(_command)
