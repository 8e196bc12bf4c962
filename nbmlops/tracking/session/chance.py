"""Which global random generators a cell has moved: they are looked at, never drawn from.

Code says only in part what it draws: a layer is made with random weights, a forest grows from
NumPy's generator when nobody seeds it.
"""

from __future__ import annotations

import ctypes
import random
import sys
from typing import Any

import msgspec

from nbmlops.tracking.code.calls import NUMPY_RANDOM, OTHER_RANDOM, PYTHON_RANDOM

__all__ = ["Chance", "chance_between", "random_states"]

_WORDS = 4 * 625  # bytes: the Mersenne twister's 624 words, and where it stands in them
_WITH_THEIR_OWN = ("tensorflow", "jax", "keras")  # generators that cannot be looked at


class Chance(msgspec.Struct, frozen=True):
    """The random states that a cell has `moved`, and those that stood `still`.

    A state that is in neither could not be looked at.
    """

    moved: frozenset[str] = frozenset()
    still: frozenset[str] = frozenset()


def random_states(before: dict[str, Any]) -> dict[str, Any]:
    """What tells each global generator's state, of those that can be looked at.

    `before` is what the last look told.
    """
    found: dict[str, Any] = {PYTHON_RANDOM: random.getstate()}
    numpy = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    if numpy is not None:
        found[NUMPY_RANDOM] = _of_numpy(numpy, before.get(NUMPY_RANDOM))
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "default_generator") and _is_the_only_one(torch):
        found[OTHER_RANDOM] = torch.default_generator.get_state().numpy().tobytes()
    return found


def chance_between(before: dict[str, Any], after: dict[str, Any]) -> Chance:
    """What has moved from one look to the next."""
    both = before.keys() & after.keys()
    moved = frozenset(state for state in both if before[state] != after[state])
    return Chance(moved, frozenset(both) - moved)


def _of_numpy(generator: Any, before: Any) -> Any:
    """Its words as they lie in memory, which is quick, and a normal number that it has kept back.

    Asking for the latter takes 50 microseconds; where the words are the same and there was none,
    there is none.
    """
    bits = generator._bit_generator
    words = None
    if type(bits).__name__ == "MT19937":
        words = ctypes.string_at(bits.ctypes.state_address, _WORDS)
        if before is not None and before == (words, None):
            return before
    state = generator.get_state(legacy=False)
    kept = state["gauss"] if state["has_gauss"] else None
    return words or repr(state["state"]), kept


def _is_the_only_one(torch: Any) -> bool:
    """Whether PyTorch's generator of the CPU is the only other one that there is."""
    if any(name in sys.modules for name in _WITH_THEIR_OWN) or sys.platform == "darwin":
        return False
    return not torch.cuda.is_initialized()
