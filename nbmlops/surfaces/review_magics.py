"""The magics of a review: ``%submit``, ``%review`` and ``%register``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from nbmlops.errors import NbmlopsError
from nbmlops.records import CHAMPION
from nbmlops.surfaces.magic_line import pair, parse

__all__ = ["ReviewMagics"]


@magics_class
class ReviewMagics(Magics):
    """What leads from a promotion to the registry, each one verb of the workspace."""

    @magic_arguments()
    @argument("promotion", help="the promotion's id; nbmlops promote lists them")
    @argument("--attach", action="append", default=[], metavar="FILE", help="a file; repeatable")
    @argument("--note", action="append", default=[], help="a note to the reviewers; repeatable")
    @argument(
        "--card",
        action="append",
        default=[],
        metavar="FIELD=TEXT",
        help="a field of the model card, such as purpose or limits; repeatable",
    )
    @line_magic
    def submit(self, line: str) -> None:
        """Submit a promotion for review, with what you attach sealed beside the evidence."""
        arguments = parse(self.submit, line)
        review = _asking(
            lambda workspace: workspace.submit(
                arguments.promotion,
                attachments=arguments.attach,
                notes=arguments.note,
                model_card=dict(pair(text, "--card", "FIELD=TEXT") for text in arguments.card),
            )
        )
        print(f"{review.submission.model_name} is in review as {review.submission.id}.")
        _print_missing(review.missing)

    @magic_arguments()
    @argument("review", nargs="?", help="the review's id; without it, those that wait are listed")
    @argument(
        "--dry-run",
        action="store_true",
        help="only say what would be missing, also of a promotion or a run (default: the latest)",
    )
    @argument("--as", dest="name", help="sign as this name, which nobody vouches for")
    @line_magic
    def review(self, line: str) -> Any:
        """Look at a review and give a verdict, or list those that wait for somebody."""
        arguments = parse(self.review, line)
        if arguments.dry_run:
            _print_missing(_asking(lambda workspace: workspace.dry_run(arguments.review)))
            return None
        if arguments.review is None:
            _print_waiting(_asking(lambda workspace: workspace.reviews(waiting=True)))
            return None
        from nbmlops.surfaces.notebook import review

        return _asking(lambda _: review(arguments.review, arguments.name))

    @magic_arguments()
    @argument("review", help="the review's id")
    @argument("--alias", default=CHAMPION, help="the alias that moves to the new version")
    @line_magic
    def register(self, line: str) -> None:
        """Register the model of a review, if nothing is missing."""
        arguments = parse(self.register, line)
        done = _asking(lambda workspace: workspace.register(arguments.review, arguments.alias))
        print(f"Registered {done.model_name} version {done.version}, alias {done.alias}.")


def _asking(verb: Callable[[Any], Any]) -> Any:
    """Call one verb of the workspace; what it refuses becomes one sentence, without a traceback."""
    from nbmlops.workspace import Workspace

    try:
        return verb(Workspace.open())
    except NbmlopsError as error:
        raise UsageError(str(error)) from None


def _print_missing(missing: tuple[str, ...]) -> None:
    if not missing:
        print("Nothing is missing: it may be registered.")
        return
    print("Still missing:")
    for sentence in missing:
        print(f"  - {sentence}")


def _print_waiting(reviews: list[Any]) -> None:
    if not reviews:
        print("Nothing is waiting: %submit lays a promotion before reviewers.")
    for review in reviews:
        submission = review.submission
        print(f"{submission.id}: {submission.model_name} by {submission.author}, {review.status}.")
        for sentence in review.missing:
            print(f"  - {sentence}")
