"""A cell's code, read without running it: names that it reads and writes, and its doubts.

Pure rules on Python's own syntax tree. IPython's magics and shell lines are blanked first.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings

import msgspec

__all__ = ["CellCode", "blank_magics", "read_code"]

_BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "exit", "quit"}
_DYNAMIC = {"exec", "eval", "globals", "locals", "vars", "setattr", "__import__"}
_SEEDING = {
    "seed",
    "set_seed",
    "manual_seed",
    "manual_seed_all",
    "set_random_seed",
    "seed_everything",
}
# Methods that change the object that they are called on, in the libraries of notebooks.
_CHANGING = frozenset(
    {
        "append", "extend", "insert", "pop", "popitem", "remove", "clear", "update", "add",
        "discard", "sort", "reverse", "setdefault", "fill", "fit", "fit_transform", "fit_predict",
        "partial_fit", "fit_generator", "fit_resample", "set_params", "compile", "train", "step",
        "backward", "zero_grad", "load_state_dict", "add_", "mul_", "sub_", "copy_", "optimize",
        "register", "execute", "shuffle",
    }
)  # fmt: skip
_MAGIC_LINE = re.compile(r"^(?P<indent>\s*)(?:%|!|\?)")
_MAGIC_ASSIGN = re.compile(r"^(?P<indent>\s*)(?P<name>[A-Za-z_]\w*)\s*=\s*(?:%|!)(?!=)")


class CellCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell's source says about itself.

    `reads` are global names needed from before; `writes` those bound; `changes` those whose object
    may be altered in place (a subset of which the cell did not bind first). `doubts` are sentences.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    star_import: bool = False


def blank_magics(source: str) -> str:
    """Replace IPython's own lines by Python that parses, keeping line numbers."""
    if source.lstrip().startswith("%%"):
        head, _, body = source.lstrip().partition("\n")
        name = head[2:].split(" ", 1)[0].strip()
        # These run the body in the notebook's own namespace; others hand it to another language.
        return (
            "\n" + blank_magics(body)
            if name in {"time", "timeit", "capture", "track", "prun"}
            else ""
        )
    lines = []
    for line in source.split("\n"):
        if match := _MAGIC_ASSIGN.match(line):
            lines.append(f"{match['indent']}{match['name']} = None")
        elif match := _MAGIC_LINE.match(line):
            stated = re.match(r"\s*%(?:time|prun|timeit)\s+(?P<code>[^-].*)", line)
            lines.append(match["indent"] + (stated["code"] if stated else "pass"))
        else:
            lines.append(line.rstrip("?") if line.rstrip().endswith("?") else line)
    return "\n".join(lines)


def read_code(source: str) -> CellCode:
    """Read what a cell's source binds, needs and changes; code that does not parse is in doubt."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(blank_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return CellCode(doubts=("The cell's code could not be parsed.",))
    reader = _Reader()
    try:
        reader.read(tree)
    except RecursionError:
        return CellCode(doubts=("The cell's code is nested too deeply to be read.",))
    return CellCode(
        reads=tuple(sorted(reader.reads - _BUILTINS)),
        writes=tuple(sorted(reader.writes)),
        changes=tuple(sorted(reader.changes - _BUILTINS)),
        seeds=tuple(dict.fromkeys(reader.seeds)),
        doubts=tuple(dict.fromkeys(reader.doubts)),
        star_import=reader.star_import,
    )


class _Reader(ast.NodeVisitor):
    """Walks a module in execution order; functions' bodies are read when their end is reached."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.changes: set[str] = set()
        self.seeds: list[str] = []
        self.doubts: list[str] = []
        self.star_import = False
        self._scopes: list[set[str]] = []  # names local to the functions around, innermost last
        self._globals: list[set[str]] = []
        self._conditional = 0

    def read(self, tree: ast.Module) -> None:
        for node in tree.body:
            self.visit(node)

    # -- names ------------------------------------------------------------------------------
    def _use(self, name: str) -> None:
        if any(name in scope for scope in self._scopes):
            return
        if name not in self.writes:
            self.reads.add(name)

    def _bind(self, name: str) -> None:
        if self._scopes and name not in self._globals[-1]:
            self._scopes[-1].add(name)
        elif self._scopes:
            self.writes.add(name)
        elif self._conditional and name not in self.writes:
            # Bound on one branch only: what was there before may still be what is read later.
            self.writes.add(name)
        else:
            self.writes.add(name)

    def _change(self, node: ast.expr) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Name) and not any(node.id in scope for scope in self._scopes):
            self.changes.add(node.id)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id)
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        else:
            self._use(node.id)
            self.changes.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._change(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._change(node)
        self.visit(node.value)
        self.visit(node.slice)

    # -- statements in the order in which they take effect -------------------------------------
    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)
            self.visit(node.target)
        self.visit(node.annotation)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._use(node.target.id)
            self._change(node.target)
            self._bind(node.target.id)
        else:
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target.id)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        self._branch([*node.body, *node.orelse])

    visit_AsyncFor = visit_For

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branch(node.body)
        self._branch(node.orelse)

    def _branch(self, body: list[ast.stmt]) -> None:
        self._conditional += 1
        for statement in body:
            self.visit(statement)
        self._conditional -= 1

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type:
            self.visit(node.type)
        if node.name:
            self._bind(node.name)
        self._branch(node.body)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.split(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.star_import = True
                self.doubts.append(f"from {node.module} import * binds names that are not written.")
            else:
                self._bind(alias.asname or alias.name)

    def visit_Global(self, node: ast.Global) -> None:
        if self._globals:
            self._globals[-1].update(node.names)

    # -- scopes -----------------------------------------------------------------------------
    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._defaults(node.args)
        self._bind(node.name)
        self._scope(_arguments(node.args), node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._defaults(node.args)
        self._scope(_arguments(node.args), [ast.Expr(node.body)])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._scope(set(), node.body)
        self._bind(node.name)

    def _defaults(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def _scope(self, names: set[str], body: list[ast.stmt]) -> None:
        declared = {
            name
            for node in body
            for sub in ast.walk(node)
            if isinstance(sub, ast.Global)
            for name in sub.names
        }
        bound = {
            sub.id
            for node in body
            for sub in ast.walk(node)
            if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store)
        }
        self._scopes.append(names | (bound - declared))
        self._globals.append(declared)
        for statement in body:
            self.visit(statement)
        self._globals.pop()
        self._scopes.pop()

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        for index, generator in enumerate(node.generators):
            self.visit(generator.iter)
            if index == 0:
                self._scopes.append(set())
                self._globals.append(set())
            self.visit(generator.target)
            for condition in generator.ifs:
                self.visit(condition)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self._globals.pop()
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension

    # -- calls ------------------------------------------------------------------------------
    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if isinstance(function, ast.Name) and name in _DYNAMIC:
            self.doubts.append(f"{name}() may read or bind names that the code does not show.")
        if name in _SEEDING:
            self.seeds.append(ast.unparse(node)[:120])
        in_place = any(
            word.arg == "inplace"
            and isinstance(word.value, ast.Constant)
            and word.value.value is True
            for word in node.keywords
        )
        if isinstance(function, ast.Attribute) and (name in _CHANGING or in_place):
            self._change(function.value)
        elif isinstance(function, ast.Name) and name not in _BUILTINS:
            # A function of the notebook's may change what it is handed.
            for argument in node.args:
                if isinstance(argument, ast.Name):
                    self._maybe_changed(argument)
        self.generic_visit(node)

    def _maybe_changed(self, argument: ast.Name) -> None:
        if argument.id not in self.writes:
            self._use(argument.id)


def _arguments(arguments: ast.arguments) -> set[str]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return {argument.arg for argument in (*named, *extra)}
