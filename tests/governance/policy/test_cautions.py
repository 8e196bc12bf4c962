"""What a policy can be kept with and yet means little."""

from __future__ import annotations

import pytest

from nbmlops.governance.policy import policy_cautions, read_policy

KEY = "ed25519:uNv9Uv4d9j36WIp4412Y0lJAB/DUF+yAnJc+8jE2uKs="
SIGNED = f'version: 1\nidentity: signed\nreviewers: {{grace: {{keys: ["{KEY}"]}}}}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nidentity: self-asserted\n", "counts whatever name is typed"),
        ("version: 1\nidentity: server\nsign_offs: 0\n", "sign_offs: 0 asks nobody"),
        ("version: 1\nidentity: server\nauthor_may_sign: true\n", "author_may_sign: true counts"),
        (
            "version: 1\nidentity: server\ntiers: {low: {sign_offs: 0}}\n",
            "tiers: low: sign_offs: 0 asks nobody",
        ),
        (SIGNED, "There are no publishers"),
    ],
)
def test_what_lets_much_through_is_said_with_what_to_write(text: str, says: str) -> None:
    (told,) = policy_cautions(read_policy(text))
    assert says in told
    assert "Write " in told or "Leave it out" in told


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nidentity: server\n",
        "version: 1\nidentity: server\nsign_offs: 0\nroles: {owner: 1}\n",
        SIGNED + "publishers: [grace]\n",
    ],
)
def test_a_policy_that_asks_somebody_else_by_a_name_that_holds_needs_no_word(text: str) -> None:
    assert policy_cautions(read_policy(text)) == []
