"""What is brought into the vault from elsewhere, whole or in part."""

from __future__ import annotations

import pytest
from uploading import ADA, BUNDLE, EVE, bring

from nbmlops.errors import IntegrityError, Refused
from nbmlops.governance import Incoming, Vault


def test_what_was_brought_is_sealed_and_nothing_else_stays(
    incoming: Incoming, vault: Vault
) -> None:
    """And whoever brought it is remembered; who did not is not."""
    folder = bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    vault.verify(BUNDLE, every_byte=True)
    assert not folder.exists()
    assert (incoming.has_brought(BUNDLE.digest, ADA), incoming.has_brought(BUNDLE.digest, EVE)) == (
        True,
        False,
    )
    with pytest.raises(IntegrityError, match="No file of"):
        incoming.seal(BUNDLE, EVE)
    bring(incoming, by=EVE)
    assert incoming.seal(BUNDLE, EVE) == BUNDLE
    assert incoming.has_brought(BUNDLE.digest, EVE)


def test_other_bytes_are_no_proof_of_having_it(incoming: Incoming) -> None:
    """The content is in the vault by then, and its digest is known to all."""
    bring(incoming)
    incoming.seal(BUNDLE, ADA)
    bring(incoming, b"guessed", EVE)
    with pytest.raises(IntegrityError, match="Send it again"):
        incoming.seal(BUNDLE, EVE)
    assert not incoming.has_brought(BUNDLE.digest, EVE)


def test_nothing_is_sealed_while_it_is_being_received(incoming: Incoming, vault: Vault) -> None:
    """A file that is still open would be written to in the vault."""
    bring(incoming)
    with incoming.receiving(BUNDLE.digest, ADA), pytest.raises(Refused, match="at the moment"):
        incoming.seal(BUNDLE, ADA)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_a_file_that_did_not_come_whole_leaves_nothing(incoming: Incoming) -> None:
    """So that what came before it can still be sealed."""
    bring(incoming)

    def break_off() -> None:
        with incoming.receiving(BUNDLE.digest, ADA) as (part, _):
            part.write_bytes(b"seal")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert list((incoming._folder(BUNDLE.digest, ADA) / "parts").iterdir()) == []
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_several_files_come_at_the_same_time(incoming: Incoming) -> None:
    """Of one person and content."""
    with incoming.receiving(BUNDLE.digest, ADA) as (first, _):
        first.write_bytes(b"one")
        bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_what_comes_a_second_time_is_sealed_away(incoming: Incoming, vault: Vault) -> None:
    """And whoever says that they brought it once hears what became of it in the vault."""
    bring(incoming)
    incoming.seal(BUNDLE, ADA)
    folder = bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    assert not folder.exists()
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    file = vault.path(BUNDLE.digest) / "model"
    file.chmod(0o644)
    file.write_bytes(b"Sealed")
    with pytest.raises(IntegrityError, match="tampered with"):
        incoming.seal(BUNDLE, ADA)
