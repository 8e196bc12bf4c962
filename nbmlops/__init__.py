"""From a notebook cell to a signed-off production model, without leaving Jupyter.

``%load_ext nbmlops`` and ``%track`` start it. Importing this package loads nothing heavy: every
public name below is fetched from its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbmlops._version import __version__

if TYPE_CHECKING:
    from nbmlops.data import compare, fingerprint
    from nbmlops.surfaces.magics import load_ipython_extension
    from nbmlops.surfaces.notebook import load_model, metric, review, runs
    from nbmlops.workspace import Workspace

_HOMES = {
    "Workspace": "nbmlops.workspace",
    "compare": "nbmlops.data",
    "compare_runs": "nbmlops.surfaces.notebook",
    "fingerprint": "nbmlops.data",
    "load_ipython_extension": "nbmlops.surfaces.magics",
    "load_model": "nbmlops.surfaces.notebook",
    "metric": "nbmlops.surfaces.notebook",
    "review": "nbmlops.surfaces.notebook",
    "runs": "nbmlops.surfaces.notebook",
    # IPython asks for it by name: without it %reload_ext would leave a second tracker at work.
    "unload_ipython_extension": "nbmlops.surfaces.magics",
}

__all__ = [
    "Workspace",
    "__version__",
    "compare",
    "compare_runs",
    "fingerprint",
    "load_ipython_extension",
    "load_model",
    "metric",
    "review",
    "runs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nbmlops' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nbmlops"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from nbmlops.surfaces.jupyter_server import NbmlopsExtension

    return [{"module": "nbmlops.surfaces.jupyter_server", "app": NbmlopsExtension}]
