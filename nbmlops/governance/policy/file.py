"""The policy as a file: read strictly, and described for editors. No I/O but the one file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import yaml

from nbmlops.errors import SettingsError
from nbmlops.governance.policy.places import error_told
from nbmlops.governance.policy.policy import Policy
from nbmlops.governance.policy.terms import Demands
from nbmlops.governance.sign_offs import key_id
from nbmlops.settings import Settings

__all__ = ["POLICY_FILE", "drafted_policy", "policy_schema", "policy_text", "read_policy"]

POLICY_FILE = "nbmlops.policy.yaml"
LARGEST = 1_000_000
"""Bytes; a policy is a page or two."""


class _Refused(yaml.YAMLError):
    pass


class _Loader(yaml.SafeLoader):
    """YAML without the parts by which a small file grows without bound, or says a thing twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(
                f"line {event.start_mark.line + 1} uses an anchor or an alias; write it out"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused(f"line {key.start_mark.line + 1} has a key that is no plain text")
            if key.value in seen:
                raise _Refused(f"line {key.start_mark.line + 1} says {key.value!r} a second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def policy_text(path: Path) -> str | None:
    """The policy file's text, or None where there is no file.

    :raises SettingsError: if it cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"The policy {path} cannot be read: {error}.") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"The policy {path} is not UTF-8: {error}. Save it as UTF-8.") from (
            error
        )


@lru_cache(maxsize=64)
def read_policy(text: str, where: str = POLICY_FILE) -> Policy:
    """The policy that `text` states; `where` it came from, for the message.

    :raises SettingsError: if it is no YAML, or not a policy that can be kept.
    """
    size = len(text.encode())
    if size > LARGEST:
        raise SettingsError(f"The policy {where} has {size:,} bytes; {LARGEST:,} are read.")
    try:
        data, root = _parsed(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise SettingsError(f"The policy {where} is not YAML that can be used: {reason}.") from (
            error
        )
    try:
        policy = msgspec.convert(data, Policy)
    except (msgspec.ValidationError, RecursionError) as error:
        told = (
            error_told(data, root, error) if isinstance(error, msgspec.ValidationError) else error
        )
        raise SettingsError(f"The policy {where}: {told}. Correct that key.") from error
    try:
        problem = next(chain(_unsaid(data), _contradictions(policy)), None)
    except SettingsError as error:  # a reviewer's key that is none
        problem = str(error)
    if problem:
        raise SettingsError(f"The policy {where}: {problem}")
    return policy


def drafted_policy(settings: Settings) -> Policy:
    """The policy of the project's file; without one, what nbmlops.toml asks for.

    :raises SettingsError: if the file cannot be used.
    """
    path = settings.root / POLICY_FILE
    text = policy_text(path)
    return Policy.from_settings(settings.policy) if text is None else read_policy(text, str(path))


def policy_schema() -> dict[str, Any]:
    """The JSON schema of a policy file, for editors."""
    (root,), definitions = msgspec.json.schema_components([Policy], ref_template="#/$defs/{name}")
    definitions["Policy"]["required"] = ["version", "identity"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nbmlops policy",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _parsed(text: str) -> tuple[Any, yaml.Node | None]:
    """What `text` states, and the nodes that know on which lines."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return (None if root is None else loader.construct_document(root)), root
    finally:
        loader.dispose()


def _unsaid(data: dict[str, Any]) -> Iterator[str]:
    if not data.get("version"):
        yield "it has no version. Begin with version: 1, and count up with each change."
    if "identity" not in data:
        yield "it does not say identity: signed, server or self-asserted."


def _contradictions(policy: Policy) -> Iterator[str]:
    for pattern, tier in policy.models.items():
        if tier not in policy.tiers:
            known = ", ".join(policy.tiers) or "none"
            yield f"model {pattern!r} is in the tier {tier!r}, which is not there (tiers: {known})."
    owners: dict[str, str] = {}
    for name, reviewer in policy.reviewers.items():
        for text in reviewer.keys:
            other = owners.setdefault(key_id(text), name)
            if other != name:
                yield f"{other} and {name} have the same key; a key is one person's."
    for name in policy.publishers:
        if not policy.reviewers.get(name, None) or not policy.reviewers[name].keys:
            yield f"the publisher {name!r} is no reviewer with a key."
    for tier, demands in {"": policy, **policy.tiers}.items():
        where = f"tier {tier!r}" if tier else "its top level"
        yield from (f"{where} {problem}" for problem in _unkeepable(policy, demands))


def _unkeepable(policy: Policy, demands: Demands) -> Iterator[str]:
    yield from _unkeepable_metrics(demands)
    yield from _unkeepable_parameters(demands)
    if policy.identity != "server":  # else roles come from the server too
        yield from _unfilled_roles(policy, demands)
    able = [r for r in policy.reviewers.values() if r.keys]
    if policy.identity == "signed" and demands.sign_offs > len(able):
        yield f"asks for {demands.sign_offs} signatures; {len(able)} reviewers have a key."


def _unkeepable_metrics(demands: Demands) -> Iterator[str]:
    for metric in demands.metrics:
        bounds = metric.at_least, metric.at_most, metric.better_than_champion_by
        if all(bound is None for bound in bounds):
            yield f"asks nothing of the metric {metric.metric!r}."
        if any(bound is not None and not math.isfinite(bound) for bound in bounds):
            yield f"asks for something that is no number of the metric {metric.metric!r}."


def _unkeepable_parameters(demands: Demands) -> Iterator[str]:
    for name, values in demands.parameters.items():
        if values.one_of and (values.at_least, values.at_most) != (None, None):
            yield f"asks for one of some values of {name!r} and for bounds; say one of the two."
        low = -math.inf if values.at_least is None else values.at_least
        high = math.inf if values.at_most is None else values.at_most
        if not low <= high:
            yield f"allows no number between {low:g} and {high:g} for {name!r}."


def _unfilled_roles(policy: Policy, demands: Demands) -> Iterator[str]:
    held = [role for reviewer in policy.reviewers.values() for role in reviewer.roles]
    wanted = {*demands.roles, *demands.schedulers, *chain(*demands.aliases.values())}
    for role in sorted(wanted):
        if held.count(role) < demands.roles.get(role, 1):
            yield (
                f"asks for {demands.roles.get(role, 1)} in the role {role!r}, which "
                f"{held.count(role)} of its reviewers have."
            )
