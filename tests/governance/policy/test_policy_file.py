"""The policy file: what is read, what is refused with a sentence, and what publishing fixes."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from signing import KEYS, World

from nbmlops.errors import SettingsError
from nbmlops.governance import (
    Demands,
    Policy,
    policy_in_force,
    policy_schema,
    policy_text,
    publication_objection,
    publication_payload,
    read_policy,
    require_unchanged,
    sign,
    starter_policy,
)
from nbmlops.records import Identity, PolicyPublished, PublishedPolicy, digest_bytes
from nbmlops.settings import PolicySettings
from nbmlops.testing import EPOCH

HEAD = "version: 1\nidentity: self-asserted\n"
GRACE, ALAN = KEYS["grace"].public.text, KEYS["alan"].public.text
FULL = f"""
version: 3
identity: signed
reviewers:
  grace: {{roles: [validator], keys: ["{GRACE}"]}}
  alan: {{roles: [owner], keys: ["{ALAN}"]}}
publishers: [alan]
sign_offs: 1
tiers:
  high:
    sign_offs: 2
    roles: {{validator: 1, owner: 1}}
    minimum_completeness: 0.9
    model_card: [purpose, limits]
    approval_days: 90
    metrics:
      - {{metric: roc_auc_score, data: X_test, at_least: 0.7, better_than_champion_by: 0.01}}
    data:
      - {{data: X, columns: {{distance: int64}}, null_rates: {{distance: 0.01}}, minimum_rows: 10}}
    aliases: {{champion: [owner]}}
models:
  "fraud_*": high
"""


def test_a_full_policy_is_read_and_fits_its_own_schema() -> None:
    """The schema is for editors; it knows the same keys."""
    policy = read_policy(FULL)
    assert policy.version == 3
    assert policy.tier_of("fraud_cards") == "high"
    assert policy.demands_on("fraud_cards").roles == {"validator": 1, "owner": 1}
    assert policy.demands_on("other") is policy
    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(FULL), schema)
    for wrong in ({"version": 1}, {"version": 1, "identity": "signed", "typo": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expected `object`"),
        ("[1]", "Expected `object`"),
        (HEAD + "a: [", "not YAML"),
        (HEAD + "signoffs: 2", "unknown field `signoffs`"),
        (HEAD + "sign_offs: two", "sign_offs"),
        (HEAD + "sign_offs: -1", ">= 0"),
        (HEAD + "minimum_completeness: 1.5", "<= 1.0"),
        (HEAD + "minimum_completeness: .nan", "minimum_completeness"),
        (HEAD + "version: 2", "'version' a second time"),
        (HEAD + "tiers: &a {}\nmodels: *a", "anchor or an alias"),
        (HEAD + "? [a]\n: 1", "no plain text"),
        ("[" * 5_000, "nested too deeply"),
        (HEAD + "models: {m: high}", "tier 'high', which is not there"),
        (HEAD + "roles: {owner: 1}", "the role 'owner', which 0 of its reviewers have"),
        (HEAD + "aliases: {champion: [owner]}", "the role 'owner'"),
        (HEAD + "metrics: [{metric: auc}]", "asks nothing of the metric 'auc'"),
        (HEAD + "metrics: [{metric: auc, at_least: .inf}]", "no number"),
        (HEAD + "publishers: [grace]", "no reviewer with a key"),
        (HEAD + "reviewers: {grace: {keys: [abc]}}", "'abc' is not a public key"),
        (
            HEAD + f'reviewers: {{a: {{keys: ["{GRACE}"]}}, b: {{keys: ["{GRACE}"]}}}}',
            "a and b have the same key",
        ),
        ("identity: signed", "no version"),
        ("version: 0\nidentity: signed", "no version"),
        ("version: 1", "does not say identity"),
        ("version: 1\nidentity: trust", "Invalid enum value 'trust'"),
        ("version: 1\nidentity: signed", "asks for 1 signatures; 0 reviewers have a key"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(text: str, says: str) -> None:
    """With file, key and reason in one sentence."""
    with pytest.raises(SettingsError, match=r"policy\.yaml") as caught:
        read_policy(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("    sign_offs: two", "line 9, tiers.high.sign_offs: Expected `int`"),
        ("    signoffs: 2", "line 9, tiers.high.signoffs: Object contains unknown field"),
        ("    null_rates: {}", "line 9, tiers.high.null_rates: Object contains unknown field"),
        (
            "    roles: {validator: 1, owner: 0}",
            "line 9, tiers.high.roles.owner: Expected `int` >=",
        ),
        ("    aliases: {champion: [1]}", "line 9, tiers.high.aliases.champion.0: Expected `str`"),
        (
            "    data:\n      - {data: X}\n      - {data: y, null_rates: {hour: 2}}",
            "line 11, tiers.high.data.1.null_rates.hour: Expected `float` <=",
        ),
        ("    metrics:\n      - at_least: 1", "line 10, tiers.high.metrics.0: Object missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(wrong: str, told: str) -> None:
    """And with the tier, of which there are several; the control has the right ones only."""
    text = HEAD + "# a comment\n\ntiers:\n  low:\n    sign_offs: 1\n  high:\n{}\n  last: {{}}\n"
    assert read_policy(text.format("    sign_offs: 2")).tiers["high"].sign_offs == 2
    with pytest.raises(SettingsError, match="line") as caught:
        read_policy(text.format(wrong))
    assert told in str(caught.value)


def test_a_bomb_does_not_grow() -> None:
    """Nine lines that would unfold to a billion entries."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    with pytest.raises(SettingsError, match="anchor or an alias"):
        read_policy("\n".join(lines))


def test_a_file_that_is_no_utf8_or_too_large_is_refused(tmp_path: Path) -> None:
    """A missing one is none."""
    path = tmp_path / "nbmlops.policy.yaml"
    assert policy_text(path) is None
    path.write_bytes(b"version: 1 # \xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        policy_text(path)
    path.write_text(HEAD + "é" * 500_001)
    with pytest.raises(SettingsError, match=r"has 1,000,\d\d\d bytes; 1,000,000 are read"):
        read_policy(str(policy_text(path)))
    path.write_text(HEAD)
    assert policy_text(path) == HEAD
    read_policy(f"{HEAD}#{'é' * 499_900}")


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab1:{}[]&*!|>-?,'\"#%@ \n\t\\é<=."), max_size=60))
@example("!!python/object/apply:os.system ['true']")
@example("a: !!binary x")
@example("1: 1\n1.0: 2")
def test_any_text_is_a_policy_or_a_sentence(text: str) -> None:
    """Never a traceback, never an object of Python's."""
    with suppress(SettingsError):
        assert isinstance(read_policy(text), Policy)


def published(version: int, text: str, **changes: Any) -> PublishedPolicy:
    fields: dict[str, Any] = {
        "version": version,
        "digest": digest_bytes(text.encode()),
        "text": text,
        "by": Identity(name="ada"),
        "at": EPOCH,
    }
    return PublishedPolicy(**(fields | changes))


def test_a_published_policy_is_in_force_whatever_the_file_says() -> None:
    """As long as none is published, the draft is."""
    world, draft = World(), Policy(sign_offs=0)
    assert policy_in_force(draft, world.history) is draft
    world.tell(PolicyPublished(policy=published(1, HEAD + "sign_offs: 2")))
    assert policy_in_force(draft, world.history).sign_offs == 2


def test_a_published_version_cannot_change() -> None:
    """The same text may be published again; a higher version may differ."""
    world, text = World(), HEAD + "sign_offs: 2"
    world.tell(PolicyPublished(policy=published(1, text)))
    require_unchanged(text, read_policy(text), world.history)
    other = HEAD + "sign_offs: 0"
    with pytest.raises(SettingsError, match="Version 1 of the policy was published"):
        require_unchanged(other, read_policy(other), world.history)
    higher = other.replace("version: 1", "version: 2")
    require_unchanged(higher, read_policy(higher), world.history)


def test_a_publication_that_does_not_follow_is_void() -> None:
    """A version again, a lower one, another text than its digest: the first stays in force."""
    world, draft = World(), Policy()
    world.tell(PolicyPublished(policy=published(2, "version: 2\nidentity: self-asserted")))
    for void in (
        published(2, HEAD.replace("1", "2") + "sign_offs: 0"),
        published(1, HEAD + "sign_offs: 0"),
        published(3, HEAD.replace("1", "3") + "sign_offs: 0", digest="0" * 64),
    ):
        world.tell(PolicyPublished(policy=void))
    assert policy_in_force(draft, world.history).sign_offs == 1
    world.tell(PolicyPublished(policy=published(3, HEAD.replace("1", "3") + "sign_offs: 3")))
    assert policy_in_force(draft, world.history).sign_offs == 3


def test_a_named_publisher_must_sign_the_next_version() -> None:
    """Anybody else's publication is void, and says what is missing."""
    world = World()
    world.tell(PolicyPublished(policy=published(3, FULL)))
    text = FULL.replace("version: 3", "version: 4").replace("sign_offs: 1", "sign_offs: 0")
    payload = publication_payload(4, text)
    for key in (None, KEYS["grace"], KEYS["mallory"]):
        envelope = sign(payload, key) if key else None
        void = published(4, text, envelope=envelope)
        assert "asks that alan signs" in str(publication_objection(void, world.history, Policy()))
        world.tell(PolicyPublished(policy=void))
        assert policy_in_force(Policy(), world.history).version == 3
    honest = published(4, text, envelope=sign(payload, KEYS["alan"]))
    assert publication_objection(honest, world.history, Policy()) is None
    world.tell(PolicyPublished(policy=honest))
    assert policy_in_force(Policy(), world.history).version == 4


def test_a_publisher_signs_with_a_key_that_holds() -> None:
    """A rotated key's earlier policy stays and its next is void; the new key's holds.

    A revoked one's are void, also those before.
    """
    world = World()
    world.tell(PolicyPublished(policy=published(3, FULL)))
    texts = {number: FULL.replace("version: 3", f"version: {number}") for number in (4, 5)}
    signed = {
        number: published(number, text, envelope=sign(publication_payload(number, text), key))
        for (number, text), key in zip(texts.items(), [KEYS["alan"]] * 2, strict=True)
    }
    world.tell(PolicyPublished(policy=signed[4]))
    fresh = world.rotate("alan")
    assert policy_in_force(Policy(), world.history).version == 4
    assert "asks that alan signs" in str(publication_objection(signed[5], world.history, Policy()))
    world.tell(PolicyPublished(policy=signed[5]))
    assert policy_in_force(Policy(), world.history).version == 4
    anew = published(5, texts[5], envelope=sign(publication_payload(5, texts[5]), fresh))
    assert publication_objection(anew, world.history, Policy()) is None
    world.tell(PolicyPublished(policy=anew))
    assert policy_in_force(Policy(), world.history).version == 5
    world.revoke("alan")
    assert policy_in_force(Policy(), world.history).version == 3


@pytest.mark.parametrize("is_published", [False, True])
def test_a_server_takes_no_policy_from_whom_none_names(is_published: bool) -> None:
    """Neither the first nor the next: else whoever has a password asks for no sign-offs."""
    world, draft = World(), Policy()
    if is_published:
        world.tell(PolicyPublished(policy=published(1, HEAD + "sign_offs: 2")))
    loose = "version: 2\nidentity: self-asserted\nsign_offs: 0\n"
    client = Identity(name="eve", asserted_by="server")
    told = publication_objection(published(2, loose, by=client), world.history, draft)
    assert "the one in force names no publishers" in str(told)
    assert publication_objection(published(2, loose), world.history, draft) is None


def test_a_server_takes_the_first_policy_from_a_publisher_of_its_draft() -> None:
    """With that person's signature."""
    world, draft = World(), read_policy(FULL)
    client = Identity(name="alan", asserted_by="server")
    payload = publication_payload(3, FULL)
    for key, says in ((None, "asks that alan signs"), (KEYS["alan"], "None")):
        candidate = published(3, FULL, by=client, envelope=sign(payload, key) if key else None)
        assert says in str(publication_objection(candidate, world.history, draft))


def test_the_starter_is_what_holds_without_it() -> None:
    """So that writing it changes nothing yet."""
    for wanted in (PolicySettings(), PolicySettings(sign_offs=2, minimum_completeness=0.5)):
        stated = read_policy(starter_policy(wanted))
        assert msgspec.structs.replace(stated, version=0) == Policy.from_settings(wanted)


def test_every_term_of_the_starter_can_be_uncommented() -> None:
    """And every term there is stands in it."""
    text = re.sub(r"^#(?! )", "", starter_policy(PolicySettings()), flags=re.M)
    text = re.sub(r"^#( +\S+:|  +)", r"\1", text, flags=re.M)
    text = text.replace("ed25519:GRACE", GRACE).replace("ed25519:ALAN", ALAN)
    policy = read_policy(text)
    assert policy.tier_of("fraud_cards") == "high"
    high = policy.tiers["high"]
    assert high.metrics
    assert high.data[0].minimum_rows == 1000
    for term in (*Policy.__struct_fields__, *Demands.__struct_fields__):
        assert re.search(rf"^\W*{term}:", text, re.M), term


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("{at_least: 2, at_most: 1}", "allows no number between 2 and 1"),
        ("{at_least: .nan}", "allows no number"),
        ("{one_of: [1], at_most: 1}", "say one of the two"),
        ("{from: 1}", "unknown field"),
    ],
)
def test_values_that_no_schedule_could_set_are_told(values: str, why: str) -> None:
    """Bounds that make sense are kept."""
    with pytest.raises(SettingsError, match=why):
        read_policy(f"{HEAD}parameters: {{month: {values}}}\n")
    assert read_policy(f"{HEAD}parameters: {{month: {{at_least: 1, at_most: 1}}}}\n").parameters
