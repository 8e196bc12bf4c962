"""What calls tell: what they change, which random state they use, and what they fetch from afar."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbmlops.tracking.code.cell import Event
from nbmlops.tracking.code.names import names_in, root_of, terminal
from nbmlops.tracking.code.vocabulary import (
    CHANGING,
    CHANGING_ARGUMENT,
    DRAWING,
    LOOKING,
    RANDOM_FUNCTIONS,
    SEED_WORDS,
    SEEDING,
)

if TYPE_CHECKING:
    from nbmlops.tracking.code.events import CodeEvents

__all__ = ["FOLDER", "NUMPY_RANDOM", "OTHER_RANDOM", "PYTHON_RANDOM", "STATES", "CallNotes"]

NUMPY_RANDOM, PYTHON_RANDOM, OTHER_RANDOM = "«numpy.random»", "«random»", "«seed»"
FOLDER, PATH = "«folder»", "«path»"
STATES = (NUMPY_RANDOM, PYTHON_RANDOM, OTHER_RANDOM)
_GENERATORS = {"default_rng", "RandomState", "Generator", "SeedSequence", "PCG64", "Random"}
_REMOTE = (
    "read_sql", "read_gbq", "read_html", "urlopen", "urlretrieve", "read_database",
    "read_clipboard", "fetch_openml", "load_dataset",
)  # fmt: skip
_ADDRESSES = ("http://", "https://", "s3://", "gs://", "abfs://", "ftp://", "postgres")


class CallNotes:
    """Notes a reader's calls, as events and as facts about the cell."""

    def __init__(self, reader: CodeEvents) -> None:
        self._reader = reader
        self.seeds: list[str] = []
        self.seeded: list[str] = []
        self.remote: list[str] = []

    def take(self, inner: CallNotes) -> None:
        """What a function inside notes counts here too."""
        self.seeds += inner.seeds
        self.seeded += inner.seeded
        self.remote += inner.remote

    def call(self, node: ast.Call, *, discarded: bool) -> None:
        """Note a call whose parts have been read."""
        function = node.func
        if isinstance(function, ast.Name):
            self._of_function(node, function.id, discarded)
        elif isinstance(function, ast.Attribute):
            self._of_method(node, function, discarded)
        name = terminal(function)
        if name in CHANGING_ARGUMENT and node.args and not _module_like(node.args[0]):
            self._reader.change(root_of(node.args[0]))
        self._note_random(node, name)
        self._note_remote(node, name)

    def _of_function(self, node: ast.Call, name: str, discarded: bool) -> None:
        reader = self._reader
        reader.run_text(name, node)
        if reader.is_local(name):
            return
        handed = tuple(names_in([a])[0] if names_in([a]) else "" for a in node.args)
        handed = tuple("" if reader.is_local(n) else n for n in handed)
        words = tuple(
            (k.arg, root)
            for k in node.keywords
            if k.arg and (root := root_of(k.value)) and not reader.is_local(root)
        )
        reader.events.append(Event("call", name, handed, words, discarded=discarded))
        # A parameter of the function around that is handed on may be altered there.
        if discarded:
            for argument in node.args:
                root = root_of(argument)
                if root and reader.is_local(root):
                    reader.change(root)

    def _of_method(self, node: ast.Call, function: ast.Attribute, discarded: bool) -> None:
        name, owner = function.attr, root_of(function.value)
        if isinstance(function.value, ast.Call) and terminal(function.value.func) == "get_ipython":
            self._magic(node)
        if owner is None:
            return
        self._of_object(node, owner, name, discarded)
        if ast.unparse(function) in ("os.chdir", "sys.path.append", "sys.path.insert"):
            self._reader.events.append(Event("renew", FOLDER if name == "chdir" else PATH))

    def _of_object(self, node: ast.Call, owner: str, name: str, discarded: bool) -> None:
        """What method `name` does to its object."""
        reader = self._reader
        if name in CHANGING or _is_in_place(node) or name.endswith("_"):
            self._change_object(owner, name)
            if owner.lower().endswith("trainer") and node.args:
                reader.change(root_of(node.args[0]))
        elif name in DRAWING and not (name == "sample" and _has_seed(node)):
            self._change_object(owner, name)
        elif discarded and name not in LOOKING and not name.startswith(("plot", "show", "print")):
            if reader.is_local(owner):
                reader.change(owner)
            else:
                handed = tuple(n for a in node.args if (n := root_of(a)) and not reader.is_local(n))
                reader.events.append(Event("method", owner, handed, attribute=name, discarded=True))

    def _change_object(self, owner: str, method: str) -> None:
        """A method changes its object; a module's function of that name does not."""
        if self._reader.is_local(owner):
            self._reader.change(owner)
        else:
            self._reader.events.append(Event("method", owner, attribute=method))

    def _magic(self, node: ast.Call) -> None:
        reader = self._reader
        words = [a.value for a in node.args if isinstance(a, ast.Constant)]
        if words[:1] == ["cd"]:
            reader.events.append(Event("renew", FOLDER))
        elif words[:1] in (["run"], ["load"], ["store"], ["pylab"]):
            reader.dynamic = reader.star = True
            reader.doubts.append(f"%{words[0]!s} binds names that are not written.")

    # -- randomness -------------------------------------------------------------------------
    def _note_random(self, node: ast.Call, name: str) -> None:
        reader, text = self._reader, ast.unparse(node.func)
        seeds = [k for k in node.keywords if k.arg in SEED_WORDS and not _is_none(k.value)]
        for word in seeds:
            self.seeded.append(f"{name}({word.arg}={ast.unparse(word.value)[:60]})")
        if name in _GENERATORS:
            if node.args:
                self.seeded.append(ast.unparse(node)[:120])
            return
        state = _state_of(node.func, text)
        if name in SEEDING:
            written = ast.unparse(node)[:120]
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
                self.seeded.append(written)
                return
            self.seeds.append(written)
            reader.events.append(Event("bind", state, sure=not reader.conditional))
        elif (
            name in DRAWING and state and (state != OTHER_RANDOM or text.startswith("torch."))
        ) or (name in RANDOM_FUNCTIONS and not seeds):
            reader.events.append(Event("draw", NUMPY_RANDOM if name in RANDOM_FUNCTIONS else state))

    # -- from afar --------------------------------------------------------------------------
    def _note_remote(self, node: ast.Call, name: str) -> None:
        first = node.args[0] if node.args else None
        address = first.value if isinstance(first, ast.Constant) else None
        if name.startswith(_REMOTE) or (
            isinstance(address, str)
            and address.startswith(_ADDRESSES)
            and name.startswith(
                ("read_", "get", "open", "load", "scan_", "connect", "create_engine")
            )
        ):
            self.remote.append(name)


def _module_like(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _has_seed(node: ast.Call) -> bool:
    return any(k.arg in SEED_WORDS for k in node.keywords)


def _is_in_place(node: ast.Call) -> bool:
    return any(
        k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True
        for k in node.keywords
    )


def _state_of(function: ast.expr, text: str) -> str:
    """Whose state of chance a function named `text` draws from or sets; empty if nobody knows."""
    if isinstance(function, ast.Attribute) and root_of(function) is None:
        return ""  # a method of what another call has made
    if text.startswith("random."):
        return PYTHON_RANDOM
    return NUMPY_RANDOM if ".random." in f".{text}" and text.count(".") > 1 else OTHER_RANDOM
