"""The terms that a policy is written in: demands on a submission, and who reviews."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from nbmlops.records import Record, Scalar

__all__ = ["DataContract", "Demands", "MetricDemand", "Reviewer", "Values"]

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]


class MetricDemand(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good a metric must be.

    `metric` is its name as tracked, or the metric function's, which then means each metric that it
    computed; `data` narrows that to those computed on one data set or slice. `at_least` and
    `at_most` are bounds; `better_than_champion_by` is a margin in the metric's own unit, upwards
    unless `higher_is_better` is false.
    """

    metric: str
    data: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    better_than_champion_by: float | None = None
    higher_is_better: bool = True


class DataContract(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an input must look like, held against its fingerprint.

    `data` is the input's role (such as ``X``) or its name in the notebook. `columns` maps each
    column that must be there to its type as the fingerprint spells it; `null_rates` a column to the
    largest share of nulls. `other_columns` says whether more columns may be there.
    """

    data: str
    columns: dict[str, str] = {}
    other_columns: bool = True
    null_rates: dict[str, Share] = {}
    minimum_rows: Count | None = None
    maximum_rows: Count | None = None


class Values(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which values of a parameter a schedule may set: those of `one_of`, or numbers in bounds."""

    one_of: tuple[Scalar, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def hold(self, value: Scalar) -> bool:
        """Whether `value` is one of them."""
        if self.one_of:
            return any(value == one and type(value) is type(one) for one in self.one_of)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        # Written so that NaN, which is neither more nor less, does not hold.
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def told(self) -> str:
        """Them, in words."""
        if self.one_of:
            return " or ".join(repr(one) for one in self.one_of)
        bounds = (("from", self.at_least), ("to", self.at_most))
        return " ".join(("numbers", *(f"{w} {b:g}" for w, b in bounds if b is not None)))


class Demands(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a submission before its model is registered.

    `sign_offs` is their number, `roles` how many must come from which role; one person fills one
    place. `minimum_completeness` runs from 0 to 1. `model_card` names the fields that must be
    filled, `checks` the installed checks (entry points of the group ``nbmlops.checks``) that must
    hold. An approval lapses after `approval_days`. `aliases` maps each alias to the roles that may
    move it; with none named, whoever the sign-offs' scopes let. `schedulers` are roles that may
    schedule an approved notebook for others to run, besides its author, publishers and reviewers;
    `parameters` the values that they may set in it, besides those that were approved.
    """

    sign_offs: Count = 1
    roles: dict[str, Annotated[int, Meta(ge=1)]] = {}
    author_may_sign: bool = False
    minimum_completeness: Share = 0.0
    clean_run: bool = True
    findings_resolved: bool = True
    model_card: tuple[str, ...] = ()
    metrics: tuple[MetricDemand, ...] = ()
    data: tuple[DataContract, ...] = ()
    checks: tuple[str, ...] = ()
    approval_days: Annotated[float, Meta(gt=0)] | None = None
    aliases: dict[str, tuple[str, ...]] = {}
    schedulers: tuple[str, ...] = ()
    parameters: dict[str, Values] = {}


class Reviewer(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody whose sign-off counts: their roles, and their public keys (``ed25519:…``)."""

    roles: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
