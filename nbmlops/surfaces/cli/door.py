"""What all commands share: how errors are told, records printed, and progress shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from nbmlops.errors import NbmlopsError, Refused
from nbmlops.records import Identity, Scalar, encode
from nbmlops.surfaces.cli.names import Terminal

__all__ = [
    "Door",
    "as_identity",
    "console",
    "identity_of",
    "json_option",
    "parameters_option",
    "parse_parameters",
    "print_json",
    "show_progress",
    "table",
    "told_parameters",
]

_WIDTH_OF_A_PIPE = 200

console = Terminal(
    highlight=False,
    width=None if "COLUMNS" in os.environ or sys.stdout.isatty() else _WIDTH_OF_A_PIPE,
)
"""Where answers go; progress goes to standard error, so that answers can be piped. A pipe and a
file have no width of their own: a line that is searched or copied there is not broken at 80."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
as_identity = click.option(
    "--as", "name", metavar="NAME", help="Act as NAME (self-asserted; default: your login name)."
)
parameters_option = click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a parameter; VALUE is read as JSON where it is JSON, else as text. Repeatable.",
)


class _Spoken(click.ClickException):
    """An error of ours, as the shell hears it: one sentence, and the class's exit code."""

    def __init__(self, error: NbmlopsError, as_json: bool) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc] # click reads it off the instance
        self._error = error
        self._as_json = as_json

    def show(self, file: Any = None) -> None:
        if self._as_json:
            missing = list(self._error.missing) if isinstance(self._error, Refused) else []
            kind = type(self._error).__name__
            print_json({"error": kind, "message": self.message, "missing": missing})
        else:
            super().show(file)


class Door(click.Group):
    """A group whose commands raise our errors freely; here they become sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NbmlopsError as error:
            raise _Spoken(error, "--json" in sys.argv[1:]) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command's first sentence in full: half a sentence tells nobody what it does."""
        rows = [
            (name, command.get_short_help_str(limit=300))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def identity_of(name: str | None) -> Identity | None:
    """Who acts as NAME; nobody but this machine vouches for the name."""
    return Identity(name=name) if name else None


def print_json(value: Any) -> None:
    """Print a record, or a list of them, as indented JSON."""
    click.echo(msgspec.json.format(encode(value), indent=2).decode())


def table(*headings: str, title: str | None = None) -> Table:
    """An empty table in the house's style."""
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    grid.show_header = any(headings)
    for number, heading in enumerate(headings):
        # The first column is an id, which people copy: it must not be broken.
        grid.add_column(heading, overflow="fold", no_wrap=number == 0)
    return grid


@contextmanager
def show_progress(what: str, unit: str = "cells") -> Iterator[Any]:
    """A progress bar on standard error; yields the callback ``(done, total)`` that moves it.

    Where nobody watches, in a log or a pipe, there is none, and no empty line in its place.
    """
    terminal = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def told_parameters(parameters: Mapping[str, Scalar]) -> str:
    """Parameters as they are given: ``month=8, late_after=15``."""
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Turn ``NAME=VALUE`` pairs into a dict.

    :raises click.BadParameter: if a pair has no ``=``, or its value is JSON but no plain value.
    """
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name.isidentifier():
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE.", param_hint="--parameter")
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            value = text
        if isinstance(value, dict | list):
            raise click.BadParameter(
                f"{name} must be a number, text, true, false or null.", param_hint="--parameter"
            )
        parameters[name] = value
    return parameters
