"""Merkle roots and proofs, against RFC 6962's own test vectors and every small tree."""

from __future__ import annotations

import pytest

from nbmlops.governance.ledger.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots that certificate-transparency implementations are tested with.
DATA = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(d)) for d in DATA]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_standard(size: int) -> None:
    """Byte for byte."""
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_every_leaf_of_every_small_tree_is_proved_and_no_other() -> None:
    """The proof holds for its leaf, place, size and root, and for no other."""
    leaves = [leaf_hash(bytes([n])) for n in range(20)]
    for size in range(1, 21):
        root = root_of(leaves[:size])
        for index in range(size):
            proof = inclusion_proof(index, leaves[:size])
            assert verify_inclusion(leaves[index], index, size, proof, root)
            assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
            assert not verify_inclusion(leaves[index], index, size, proof, leaf_hash(b"root"))
            assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
            assert not verify_inclusion(leaves[index], size, size, proof, root)
            if size > 1:
                wrong_place = (index + 1) % size
                assert not verify_inclusion(leaves[index], wrong_place, size, proof, root)


def test_every_beginning_of_every_small_tree_is_proved_and_no_rewritten_one() -> None:
    """A tree that changed an early leaf is no continuation."""
    leaves = [leaf_hash(bytes([n])) for n in range(20)]
    for second in range(1, 21):
        rewritten = [leaf_hash(b"changed"), *leaves[1:second]]
        for first in range(1, second + 1):
            old, new = root_of(leaves[:first]), root_of(leaves[:second])
            proof = consistency_proof(first, leaves[:second])
            assert verify_consistency(first, second, old, new, proof)
            forged = consistency_proof(first, rewritten)
            assert not verify_consistency(first, second, old, root_of(rewritten), forged)


@pytest.mark.parametrize("index", [-1, 8])
def test_there_is_no_proof_of_what_is_not_there(index: int) -> None:
    """Neither of a leaf nor of a beginning."""
    with pytest.raises(IndexError):
        inclusion_proof(index, LEAVES)
    with pytest.raises(IndexError):
        consistency_proof(index + 1 if index > 0 else 0, LEAVES)
