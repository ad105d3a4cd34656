"""A wheel and an sdist, built once, and an empty environment with the wheel in it."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import sfnwatch

ROOT = Path(sfnwatch.__file__).parents[1]
_LONG = 600
_UNREACHABLE = (
    "No matching distribution",
    "Could not find a version",
    "ConnectionError",
)


@dataclass(frozen=True)
class Built:
    """What was built, and where the wheel is installed."""

    wheel: Path
    sdist: Path
    python: Path

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the installed program, as a user has it: no path, no home of ours."""
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            words,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**kept, **env},
            cwd=self.wheel.parent,
            timeout=_LONG,
        )

    @property
    def program(self) -> str:
        return str(self.python.with_name("sfnwatch"))


def _pip(python: Path, *words: str) -> None:
    """Install with pip as it is configured; skip where there is no index to ask."""
    command = (str(python), "-m", "pip", "install", "-q", "--retries", "1", *words)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=env, timeout=_LONG
    )
    if done.returncode and any(words in done.stderr for words in _UNREACHABLE):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_LONG)
    return folder / "bin" / "python"


@pytest.fixture(name="built", scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build once, though several workers may run tests of these."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "packaging"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _build(folder)
            (folder / "done").touch()
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(wheel, sdist, folder / "empty" / "bin" / "python")


def _build(folder: Path) -> None:
    builder = _environment(folder / "builder")
    _pip(builder, "hatchling")
    subprocess.run(
        [builder, "-m", "hatchling", "build", "-d", folder / "dist"],
        check=True,
        capture_output=True,
        cwd=ROOT,
        timeout=_LONG,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    _pip(_environment(folder / "empty"), str(wheel))
