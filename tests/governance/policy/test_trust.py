"""Whose key it is: rotation, and what a revoked key handed on."""

from __future__ import annotations

from signing import KEYS, World


def test_a_rotated_key_keeps_what_it_signed_and_signs_no_more() -> None:
    """The successor counts without a change of the policy."""
    world = World()
    world.sign("grace")
    new = world.rotate("grace")
    assert world.missing() == []
    world = World()
    new = world.rotate("grace")
    world.sign("grace")
    assert any("was rotated" in s for s in world.missing())
    world.sign("grace", key=new)
    assert world.missing() == []


def test_a_rotation_that_the_old_key_did_not_sign_is_void() -> None:
    """Nor does it block the honest one."""
    world = World()
    stolen = world.rotate("grace", by=KEYS["mallory"])
    world.sign("grace", key=stolen)
    assert any("belongs to no reviewer" in s for s in world.missing())
    honest = world.rotate("grace")
    world.sign("grace", key=honest)
    assert world.missing() == []


def test_what_a_revoked_key_handed_on_is_worth_nothing() -> None:
    """A thief rotates to a key of their own; the owner revokes the old one."""
    world = World()
    thiefs = world.rotate("grace")
    world.sign("grace", key=thiefs)
    assert world.missing() == []
    world.revoke("grace")
    assert any("belongs to no reviewer" in s for s in world.missing())
