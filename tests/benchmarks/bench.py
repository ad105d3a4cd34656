"""What every row measures with: files, servers and programs, made once for a run."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sfnwatch
from tests.benchmarks import made
from tests.benchmarks.measure import Command, Sample, run
from tests.benchmarks.peers import Peers
from tests.benchmarks.terminals import Terminal
from tests.benchmarks.told import TOLD

_ROOT = Path(sfnwatch.__file__).parents[1]
OURS: Command = (sys.executable, "-m", "sfnwatch")
INSIDE: Command = (sys.executable, "-m", "tests.benchmarks.inside")
MS, MB = "ms", "MB"
_SCALES = {MS: 1e3, MB: 1e-6}


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured of one program, on one size."""

    row: str
    who: str
    values: tuple[float, ...]
    unit: str = MS
    size: int | None = None
    growing: bool = True
    """True for what is ours, and may grow no more than in proportion."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row is to reach, and what it does."""

    row: str
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured, and why."""

    row: str
    who: str
    why: str


Result = Figure | Verdict | Skipped


def figure(
    row: str, who: str, values: Sequence[float], unit: str = MS, **more: Any
) -> Figure:
    """Make a figure of seconds, bytes or plain numbers, in its unit."""
    scale = _SCALES.get(unit, 1.0)
    return Figure(row, who, tuple(value * scale for value in values), unit, **more)


def at_most(row: str, what: str, got: float, most: float, unit: str = "×") -> Verdict:
    """Judge what is to be no more than so much."""
    return Verdict(row, f"{what} ≤ {most:g} {unit}", f"{got:.3g} {unit}", got <= most)


@dataclass
class Bench:
    """One run of the suite."""

    scratch: Path
    sizes: Sequence[int] = (1_000, 5_000, 25_000)
    runs: int = 5
    quick: bool = False
    peers: Peers = field(init=False)

    def __post_init__(self) -> None:
        self.peers = Peers(self.scratch / "peers", wanted=not self.quick)

    @property
    def env(self) -> dict[str, str]:
        """Give an environment with keys in it, and nothing of the user's own."""
        own = {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_DEFAULT_REGION": "ap-northeast-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(self.folder("home")),
            "PYTHONPATH": str(_ROOT),
            # Compiled once, as what is installed is; and what is set here, such as
            # output without a buffer, is not how it is used.
            "PYTHONPYCACHEPREFIX": str(self.folder("compiled")),
            "XDG_CONFIG_HOME": str(self.folder("config")),
            "XDG_STATE_HOME": str(self.folder("state")),
        }
        foreign = ("AWS_", "SFNWATCH_", "NO_COLOR", "PYTHON", "TEXTUAL")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {**kept, **own}

    def folder(self, name: str) -> Path:
        path = self.scratch / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def recording(self, events: int, calls: int = 0) -> Path:
        name = f"{events}-events-{calls}-calls.sfnwatch.jsonl"
        return made.record(self.folder("recordings") / name, events, calls)

    def run(self, command: Command, *, url: str = "", **more: Any) -> Sample:
        """Run a program to its end; one without an option for it is told a URL."""
        told = {"AWS_ENDPOINT_URL": url} if url else {}
        return run(command, {**self.env, **told}, **more)

    def inside(self, *words: object) -> dict[str, Any]:
        """Run what measures within the program, without a terminal."""
        done = self.run((*INSIDE, *map(str, words)), keep=True)
        told: dict[str, Any] = json.loads(done.out.splitlines()[-1])
        return told

    @contextmanager
    def terminal(self, *words: object) -> Iterator[tuple[Terminal, Path]]:
        """Run what measures within the program on a terminal; it tells in a file."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            told = Path(folder) / "told.json"
            env = {**self.env, TOLD: str(told)}
            with Terminal((*INSIDE, *map(str, words)), env) as terminal:
                yield terminal, told

    def inside_terminal(self, *words: object, seconds: float = 180) -> dict[str, Any]:
        """Run it so to its end."""
        with self.terminal(*words) as (terminal, path):
            told = told_by(terminal, path, seconds)
            told["begun"] = terminal.begun
            return told

    @contextmanager
    def served(self, events: int, calls: int, *, ended: bool) -> Iterator[str]:
        """Serve an execution that long; give the URL."""
        words = (*(["ended"] if ended else []),)
        command = (sys.executable, "-m", "tests.benchmarks.stub", str(events))
        with subprocess.Popen(
            (*command, str(calls), *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.env,
            text=True,
        ) as stub:
            assert stub.stdout is not None
            try:
                yield json.loads(stub.stdout.readline())["url"]
            finally:
                stub.terminate()


def told_by(terminal: Terminal, path: Path, seconds: float) -> dict[str, Any]:
    """Wait for what is told in a file, with a terminal that takes all in."""
    terminal.until_so(path.exists, seconds)
    told: dict[str, Any] = json.loads(path.read_text())
    return told
