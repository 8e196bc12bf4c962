"""What a cell runs on: imported packages with versions, local modules, and the git revision."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
import threading
import time
from importlib import metadata
from pathlib import Path
from types import ModuleType

from nbmlops.records import Environment, GitState, digest_bytes

__all__ = ["EnvironmentReader", "git_state", "imported_packages", "local_modules"]

# Distributions whose import name differs from theirs; the rest is found in their own file lists.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python", "yaml": "PyYAML",
    "bs4": "beautifulsoup4", "skimage": "scikit-image", "dateutil": "python-dateutil",
    "imblearn": "imbalanced-learn", "lightning_fabric": "lightning", "umap": "umap-learn",
    "mpl_toolkits": "matplotlib", "pylab": "matplotlib", "zmq": "pyzmq", "attr": "attrs",
    "jwt": "PyJWT", "Crypto": "pycryptodome", "google.protobuf": "protobuf", "torchgen": "torch",
}  # fmt: skip
_GIT_FRESH = 5.0  # seconds for which a git state is taken as current


class EnvironmentReader:
    """Reads the environment away from the user's cell, and keeps what does not change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._versions: dict[str, tuple[str, str] | None] = {}
        self._lock = threading.Lock()
        self._git: tuple[float, GitState | None] = (float("-inf"), None)
        self._digests: dict[str, tuple[tuple[int, int], str]] = {}

    def read(self, seeds: tuple[str, ...] = ()) -> Environment:
        """The environment as it is now."""
        with self._lock:
            if time.monotonic() - self._git[0] > _GIT_FRESH:
                self._git = (time.monotonic(), git_state(self.root))
            return Environment(
                python=platform.python_version(),
                platform=f"{platform.system()}-{platform.machine()}",
                packages=imported_packages(self._versions),
                git=self._git[1],
                local_modules=local_modules(self.root, self._digests),
                seeds=seeds,
            )

    def warm(self) -> None:
        """Read once in the background, so that no cell waits for it."""
        threading.Thread(target=self.read, name="nbmlops-environment", daemon=True).start()


def imported_packages(known: dict[str, tuple[str, str] | None]) -> dict[str, str]:
    """Version by distribution for every imported installed package; `known` is the memory."""
    folders = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    unknown = []
    for name, module in list(sys.modules.items()):
        if "." in name or name in known or name.startswith("_") or name in sys.stdlib_module_names:
            continue
        if not _file(module).startswith(folders):
            continue
        known[name] = _distribution(_DISTRIBUTIONS.get(name, name))
        if known[name] is None:
            unknown.append(name)
    if unknown:
        owners = metadata.packages_distributions()
        for name in unknown:
            known[name] = _distribution(owners.get(name, [""])[0])
    return dict(sorted(found for found in known.values() if found))


def local_modules(root: Path, digests: dict[str, tuple[tuple[int, int], str]]) -> dict[str, str]:
    """BLAKE3-256 by path (relative to `root`) of the project's own imported modules."""
    found = {}
    prefix = f"{root}{os.sep}"
    for name, module in list(sys.modules.items()):
        file = _file(module)
        if name == "__main__" or not file.startswith(prefix) or "site-packages" in file:
            continue
        try:
            stat = os.stat(file)
            stamp = (stat.st_mtime_ns, stat.st_size)
            if digests.get(file, (None, ""))[0] != stamp:
                digests[file] = (stamp, digest_bytes(Path(file).read_bytes()))
        except OSError:
            continue  # deleted since its import: the slice's gaps say so
        found[file.removeprefix(prefix)] = digests[file][1]
    return found


def git_state(folder: Path) -> GitState | None:
    """The commit that `folder` stands on, or None outside a repository or without git."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and the project's own folder
            ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "-uno"],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    heads = dict(
        line[2:].split(" ", 1) for line in done.stdout.splitlines() if line.startswith("# branch.")
    )
    commit = heads.get("branch.oid", "")
    if not commit or commit == "(initial)":
        return None
    dirty = any(not line.startswith("#") for line in done.stdout.splitlines())
    return GitState(commit=commit, branch=heads.get("branch.head", ""), dirty=dirty)


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
