"""Other programs, had from the package registries when they are first measured.

Each in a virtual environment of its own in the scratch folder, which is kept for the
next run; lnav's package is unpacked there, so nothing is installed on the machine.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT = 600
_VENVS = {
    "aws": ("awscli", "boto3", "aiohttp", "orjson"),
    "stail": ("stail",),
    "toolong": ("toolong",),
}
"""The environments, and what is in each; the floor's libraries are in the first."""


class MissingError(Exception):
    """A program that can't be had; the text says why."""


class Peers:
    """Finds other programs, or gets them."""

    def __init__(self, folder: Path, *, wanted: bool) -> None:
        self._folder, self._wanted = folder, wanted
        self._missing: dict[str, str] = {}

    def find(self, name: str, program: str) -> Path:
        """Give the path of a program of a peer; raises MissingError."""
        if not self._wanted:
            msg = "not asked for in a quick run"
            raise MissingError(msg)
        if name in self._missing:
            raise MissingError(self._missing[name])
        try:
            return self._lnav() if name == "lnav" else self._of_venv(name, program)
        except (OSError, subprocess.SubprocessError) as error:
            why = self._missing[name] = _why(error)
            raise MissingError(why) from error

    def _of_venv(self, name: str, program: str) -> Path:
        venv = self._folder / name
        path = venv / "bin" / program
        if not path.exists():
            shutil.rmtree(venv, ignore_errors=True)
            _do(sys.executable, "-m", "venv", venv)
            pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet")
            _do(*pip, "--disable-pip-version-check", *_VENVS[name])
        return path

    def _lnav(self) -> Path:
        installed = shutil.which("lnav")
        if installed:
            return Path(installed)
        folder = self._folder / "lnav"
        path = folder / "usr" / "bin" / "lnav"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _do("apt-get", "download", "lnav", cwd=folder)
            (package,) = folder.glob("lnav_*.deb")
            _do("dpkg", "-x", package, folder)
            _do(path, "-V")
        return path


def _do(*words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(
        [str(word) for word in words],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=_TIMEOUT,
    )


def _why(error: Exception) -> str:
    said: Sequence[str] = ()
    if isinstance(error, subprocess.CalledProcessError):
        said = str(error.stderr).strip().splitlines()[-1:]
    return " ".join([str(error)[:120], *said])[:300]
