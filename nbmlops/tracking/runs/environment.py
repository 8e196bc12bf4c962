"""What a cell runs on: imported packages with versions, local modules, and the git revision."""

from __future__ import annotations

import platform
import sys
import sysconfig
import threading
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType

from nbmlops.records import Environment, Gap
from nbmlops.tracking.runs.git import GitWatch
from nbmlops.tracking.runs.local_modules import LocalModules

__all__ = ["EnvironmentReader", "imported_packages"]

# Distributions whose import name differs from theirs; the rest is found in their own file lists.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python", "yaml": "PyYAML",
    "bs4": "beautifulsoup4", "skimage": "scikit-image", "dateutil": "python-dateutil",
    "imblearn": "imbalanced-learn", "lightning_fabric": "lightning", "umap": "umap-learn",
    "mpl_toolkits": "matplotlib", "pylab": "matplotlib", "zmq": "pyzmq", "attr": "attrs",
    "jwt": "PyJWT", "Crypto": "pycryptodome", "google.protobuf": "protobuf", "torchgen": "torch",
}  # fmt: skip


class EnvironmentReader:
    """Reads the environment away from the user's cell, and keeps what does not change."""

    def __init__(self, root: Path) -> None:
        self.git = GitWatch(root)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._packages: dict[str, tuple[str, str] | None] = {}
        self._local = LocalModules(root)

    def read(self, seeds: tuple[str, ...] = ()) -> Environment:
        """The environment as it is now; the git state is the one that was read last."""
        with self._lock:
            new = sys.modules.keys() - self._seen
            if new:
                self._seen |= new
                imported_packages(self._packages, new)
            return Environment(
                python=platform.python_version(),
                platform=f"{platform.system()}-{platform.machine()}",
                packages=dict(sorted(found for found in self._packages.values() if found)),
                git=self.git.known(),
                local_modules=self._local.digests(new),
                seeds=seeds,
            )

    def gaps(self) -> tuple[Gap, ...]:
        """What of the environment, as it was read last, cannot be told."""
        return tuple(
            Gap(what="local module", why=f"{file} was edited after it was imported.")
            for file in self._local.edited()
        )

    def warm(self) -> None:
        """Read in the background what has grown old, so that no cell waits for it."""
        if self.git.is_old():
            threading.Thread(target=self._refresh, name="nbmlops-environment", daemon=True).start()

    def _refresh(self) -> None:
        self.git.refresh()
        self.read()


def imported_packages(
    known: dict[str, tuple[str, str] | None], names: Iterable[str] | None = None
) -> dict[str, tuple[str, str] | None]:
    """Add (distribution, version) by module to `known` for the imported modules among `names`."""
    folders = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    unknown = []
    for name in list(sys.modules) if names is None else names:
        if "." in name or name in known or name.startswith("_") or name in sys.stdlib_module_names:
            continue
        if not _file(sys.modules.get(name)).startswith(folders):
            continue
        known[name] = _distribution(_DISTRIBUTIONS.get(name, name))
        if known[name] is None:
            unknown.append(name)
    if unknown:
        owners = _owners()
        for name in unknown:
            known[name] = _distribution(owners.get(name, ""))
    return known


def _owners() -> dict[str, str]:
    """Which distribution brings each top-level module, by the lists that were installed with it.

    ``packages_distributions`` of the standard library looks at every file on disk for it.
    """
    owners: dict[str, str] = {}
    for distribution in metadata.distributions():
        listed = distribution.read_text("top_level.txt")
        if listed is None:
            lines = (distribution.read_text("RECORD") or "").splitlines()
            files = {line.split(",", 1)[0].split("/", 1)[0] for line in lines}
            listed = "\n".join(file.split(".", 1)[0] for file in files)
        for module in listed.split():
            owners.setdefault(module, distribution.metadata["Name"])
    return owners


def _file(module: ModuleType | None) -> str:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else ""


def _distribution(name: str) -> tuple[str, str] | None:
    if not name:
        return None
    try:
        return name, metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
