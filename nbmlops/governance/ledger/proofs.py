"""Proofs about a ledger, made from its rows and checked against a checkpoint alone. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from nbmlops.errors import IntegrityError, NotFound
from nbmlops.governance.ledger import merkle
from nbmlops.governance.ledger.chain import Link
from nbmlops.records import Checkpoint, ConsistencyProof, InclusionProof

__all__ = ["check_proof", "prove_consistency", "prove_inclusion"]

Proof = InclusionProof | ConsistencyProof


def prove_inclusion(links: Iterable[Link], sequence: int, facts: int | None) -> InclusionProof:
    """That fact `sequence` is one of the first `facts` (default: all).

    Keeps 32 bytes a fact in memory, not the facts.

    :raises NotFound: if there is no such fact among them.
    """
    leaves, entry = [], None
    for link in links:
        if facts is not None and link.sequence > facts:
            break
        leaves.append(merkle.leaf_hash(link.sealed))
        if link.sequence == sequence:
            entry = link.sealed.decode()
    if entry is None:
        raise NotFound(
            f"There is no fact {sequence} among the first {len(leaves)}. `nbmlops audit log`"
            " lists them."
        )
    return InclusionProof(
        sequence=sequence,
        entry=entry,
        facts=len(leaves),
        root=merkle.root_of(leaves).hex(),
        path=tuple(node.hex() for node in merkle.inclusion_proof(sequence - 1, leaves)),
    )


def prove_consistency(links: Iterable[Link], earlier: Checkpoint) -> ConsistencyProof:
    """That the ledger as it is now only continued what `earlier` tells of.

    :raises IntegrityError: if it did not: it was cut or rewritten.
    """
    leaves = [merkle.leaf_hash(link.sealed) for link in links]
    if len(leaves) < earlier.facts:
        raise IntegrityError(
            f"The ledger was cut: the checkpoint tells of {earlier.facts} facts, {len(leaves)} "
            "are there."
        )
    if earlier.facts == 0:
        raise NotFound("That checkpoint is of an empty ledger: everything continues it.")
    if merkle.root_of(leaves[: earlier.facts]).hex() != earlier.root:
        raise IntegrityError(
            f"The ledger was rewritten: its first {earlier.facts} facts are not those of the "
            "checkpoint."
        )
    return ConsistencyProof(
        first=earlier.facts,
        first_root=earlier.root,
        second=len(leaves),
        second_root=merkle.root_of(leaves).hex(),
        path=tuple(node.hex() for node in merkle.consistency_proof(earlier.facts, leaves)),
    )


def check_proof(proof: Proof, *checkpoints: Checkpoint) -> str:
    """What `proof` shows, in a sentence, held against checkpoints that were kept elsewhere.

    An inclusion proof takes the checkpoint of its size, a consistency proof either or both of its
    two.

    :raises IntegrityError: if it shows nothing, or not of those checkpoints.
    """
    roots = _roots(proof)
    if not checkpoints:
        raise IntegrityError("A proof shows nothing without a checkpoint that was kept elsewhere.")
    for checkpoint in checkpoints:
        if roots.get(checkpoint.facts) != checkpoint.root:
            raise IntegrityError(
                f"The proof is not about the ledger of the checkpoint with {checkpoint.facts} "
                f"facts and root {checkpoint.root[:12]}."
            )
    if not _holds(proof):
        raise IntegrityError("The proof does not hold: what it tells was not in that ledger.")
    if isinstance(proof, InclusionProof):
        return f"Fact {proof.sequence} stands in the ledger of {proof.facts} facts, unchanged."
    return f"The ledger of {proof.second} facts continues that of {proof.first}: none was changed."


def _roots(proof: Proof) -> dict[int, str]:
    if isinstance(proof, InclusionProof):
        return {proof.facts: proof.root}
    return {proof.first: proof.first_root, proof.second: proof.second_root}


def _holds(proof: Proof) -> bool:
    try:
        path = [bytes.fromhex(node) for node in proof.path]
        if isinstance(proof, ConsistencyProof):
            roots = bytes.fromhex(proof.first_root), bytes.fromhex(proof.second_root)
            return merkle.verify_consistency(proof.first, proof.second, *roots, path)
        sealed = proof.entry.encode()
        numbered = msgspec.json.decode(sealed)["sequence"] == proof.sequence
        leaf, root = merkle.leaf_hash(sealed), bytes.fromhex(proof.root)
    except (ValueError, KeyError, TypeError):
        return False
    return numbered and merkle.verify_inclusion(leaf, proof.sequence - 1, proof.facts, path, root)
