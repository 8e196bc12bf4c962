"""What a cell runs on: imported packages with versions, local modules, and the git revision."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType

from nbmlops.records import Environment, GitState, digest_bytes

__all__ = ["EnvironmentReader", "git_state", "imported_packages"]

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
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._packages: dict[str, tuple[str, str] | None] = {}
        self._local: set[str] = set()
        self._digests: dict[str, tuple[tuple[int, int], str]] = {}
        self._git: GitState | None = None
        self._git_read = float("-inf")

    def read(self, seeds: tuple[str, ...] = ()) -> Environment:
        """The environment as it is now; the git state may be a few seconds old."""
        with self._lock:
            self._look_at_new_modules()
            if time.monotonic() - self._git_read > _GIT_FRESH:
                self._git, self._git_read = git_state(self.root), time.monotonic()
            return Environment(
                python=platform.python_version(),
                platform=f"{platform.system()}-{platform.machine()}",
                packages=dict(sorted(found for found in self._packages.values() if found)),
                git=self._git,
                local_modules=self._local_digests(),
                seeds=seeds,
            )

    def warm(self) -> None:
        """Read in the background what has grown old, so that no cell waits for it."""
        if time.monotonic() - self._git_read > _GIT_FRESH:
            threading.Thread(target=self.read, name="nbmlops-environment", daemon=True).start()

    def _look_at_new_modules(self) -> None:
        new = sys.modules.keys() - self._seen
        if not new:
            return
        self._seen |= new
        imported_packages(self._packages, new)
        prefix = f"{self.root}{os.sep}"
        for name in new - {"__main__"}:
            file = _file(sys.modules.get(name))
            if file.startswith(prefix) and "site-packages" not in file:
                self._local.add(file)

    def _local_digests(self) -> dict[str, str]:
        found = {}
        for file in sorted(self._local):
            try:
                stat = os.stat(file)
                stamp = (stat.st_mtime_ns, stat.st_size)
                if self._digests.get(file, (None, ""))[0] != stamp:
                    self._digests[file] = (stamp, digest_bytes(Path(file).read_bytes()))
            except OSError:
                continue  # deleted since its import
            found[file.removeprefix(f"{self.root}{os.sep}")] = self._digests[file][1]
        return found


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
