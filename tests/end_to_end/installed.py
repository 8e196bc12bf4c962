"""The project as a user has it: the wheel, in an environment of its own, with no Node in reach."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "nbmlops" / "labextension"
NODE = {"node", "nodejs", "npm", "npx", "corepack", "yarn", "yarnpkg", "jlpm"}
SOURCES = ROOT / "labextension"
BESIDE = "notebook>=7.4"  # Jupyter Notebook, which the project does not need and works in


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel and what it depends on."""

    folder: Path

    @property
    def path(self) -> str:
        """The PATH that its programs see: their own folder, and the system's without Node."""
        return os.pathsep.join((str(self.folder / "bin"), str(self.folder / "system")))

    def program(self, name: str) -> str:
        """An installed program."""
        return str(self.folder / "bin" / name)


def install_wheel(cache: Path) -> Installed:
    """Build the wheel and install it below `cache`, unless that very wheel is installed there."""
    wheel = _build(cache / "dist")
    key = hashlib.sha256(wheel.read_bytes() + BESIDE.encode()).hexdigest()[:16]
    installed = Installed(cache / key)
    if not (installed.folder / "complete").exists():
        for old in cache.iterdir():
            if old.name not in ("dist", key):
                shutil.rmtree(old)
        _install(wheel, installed)
        _link_system(installed.folder / "system")
        (installed.folder / "complete").touch()
    if shutil.which("node", path=installed.path):
        raise AssertionError("Node is in reach of the installed programs; the test proves nothing.")
    return installed


def _build(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    if _is_stale():
        # The packaging hook keeps a panel that is there; this one is older than its sources.
        shutil.rmtree(BUILT)
    uv = shutil.which("uv")
    if uv:
        command = [
            uv,
            "build",
            "--quiet",
            "--wheel",
            "--python",
            sys.executable,
            f"--out-dir={folder}",
        ]
    else:
        command = [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={folder}"
        ]  # fmt: skip
    # The build brings its own jlpm; the one of this environment serves where the hook asks for it.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    _run([*command, str(ROOT)], os.environ | {"PATH": path})
    (wheel,) = folder.glob("*.whl")
    return wheel


def _is_stale() -> bool:
    manifest = BUILT / "package.json"
    if not manifest.exists():
        return False
    sources = [SOURCES / "package.json", SOURCES / "yarn.lock"]
    for name in ("src", "style", "schema"):
        sources += [p for p in (SOURCES / name).rglob("*") if p.is_file()]
    return max(p.stat().st_mtime for p in sources) > manifest.stat().st_mtime


def _install(wheel: Path, installed: Installed) -> None:
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(installed.folder)])
        python = installed.program("python")
        _run([uv, "pip", "install", "--quiet", "--python", python, str(wheel), BESIDE])
    else:
        _run([sys.executable, "-m", "venv", "--clear", str(installed.folder)])
        # Most of it is never imported; what is, is compiled then.
        pip = [installed.program("python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        _run([*pip, str(wheel), BESIDE])


def _link_system(folder: Path) -> None:
    folder.mkdir()
    for place in (Path("/usr/bin"), Path("/bin")):
        for program in place.iterdir():
            link = folder / program.name
            if program.name not in NODE and not link.is_symlink():
                link.symlink_to(program)


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
