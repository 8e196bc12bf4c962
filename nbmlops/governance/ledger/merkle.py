"""Merkle trees over facts: one root for all of them, short proofs about some. No I/O.

The tree of RFC 6962 (section 2.1) with SHA-256: a leaf is ``H(0x00 || data)``, a node
``H(0x01 || left || right)``, and the left part of a tree of n leaves holds the largest power of two
below n. So any verifier for certificate-transparency logs can check these proofs too; the
verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

__all__ = [
    "RootBuilder",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf, 32 bytes."""
    return sha256(b"\x00" + data).digest()


class RootBuilder:
    """The root over leaves that come one by one; keeps about log2(n) hashes in memory."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Take in the next leaf's hash."""
        size, node = 1, leaf
        while self._peaks and self._peaks[-1][0] == size:
            node = _node(self._peaks.pop()[1], node)
            size *= 2
        self._peaks.append((size, node))

    def root(self) -> bytes:
        """The root over the leaves so far."""
        if not self._peaks:
            return sha256(b"").digest()
        *rest, (_, root) = self._peaks
        for _, peak in reversed(rest):
            root = _node(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in one pass."""
    builder = RootBuilder()
    for leaf in leaves:
        builder.add(leaf)
    return builder.root()


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """What is needed, beside the leaf, to compute the root: from the leaf's sibling upwards.

    `index` counts from 0.

    :raises IndexError: if there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"There is no leaf {index} among {len(leaves)}.")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root_of(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root_of(leaves[:split])]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `leaf` stands at `index` in the tree of `size` leaves that has `root`."""
    if not 0 <= index < size:
        return False
    way = _way_up(index, size - 1, proof)
    if way is None:
        return False
    node = leaf
    for sibling, on_the_left in way:
        node = _node(sibling, node) if on_the_left else _node(node, sibling)
    return node == root


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """What shows that the tree over the `first` leaves is a beginning of the tree over all.

    :raises IndexError: if there are not that many leaves, or `first` is not positive.
    """
    if not 0 < first <= len(leaves):
        raise IndexError(f"There is no beginning of {first} leaves among {len(leaves)}.")
    return _subproof(first, leaves, whole=True)


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves continues the tree of `first` leaves."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    position, last = first - 1, second - 1
    while position % 2:
        position //= 2
        last //= 2
    way = _way_up(position, last, path[1:])
    if way is None:
        return False
    old = new = path[0]
    for sibling, on_the_left in way:
        if on_the_left:
            old, new = _node(sibling, old), _node(sibling, new)
        else:
            new = _node(new, sibling)
    return old == first_root and new == second_root


def _way_up(position: int, last: int, siblings: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Each sibling on the way to the root, and whether it stands on the left.

    `last` is the position of the last node beside `position`. None if the way is longer or shorter
    than the siblings are many.
    """
    way = []
    for sibling in siblings:
        if last == 0:
            return None
        on_the_left = position % 2 == 1 or position == last
        way.append((sibling, on_the_left))
        if on_the_left:
            # The last node of an uneven row goes up as it is, until it meets a sibling.
            while position % 2 == 0 and position:
                position, last = position // 2, last // 2
        position, last = position // 2, last // 2
    return way if last == 0 else None


def _subproof(first: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    size = len(leaves)
    if first == size:
        return [] if whole else [root_of(leaves)]
    split = _split(size)
    if first <= split:
        return [*_subproof(first, leaves[:split], whole=whole), root_of(leaves[split:])]
    return [
        *_subproof(first - split, leaves[split:], whole=False),
        root_of(leaves[:split]),
    ]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
