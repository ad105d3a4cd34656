"""What every row measures with: editions of the program, files, servers, terminals."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

import sfnwatch
from tests.benchmarks import made
from tests.benchmarks.processes import (
    PATIENCE,
    Command,
    FailedError,
    Sample,
    Terminal,
    run,
)
from tests.benchmarks.stub import ENDED

TOLD = "BENCHMARK_TOLD"
"""Names the file in which a program on a terminal is to tell what it measured."""
_WHICH = "import pathlib, sfnwatch; print(pathlib.Path(sfnwatch.__file__).parents[1])"


class Edition(Struct, frozen=True):
    """One edition of the program, with the interpreter and the tree it is run from."""

    name: str
    python: str
    tree: Path

    @classmethod
    def own(cls) -> Self:
        tree = Path(sfnwatch.__file__).parents[1]
        return cls("sfnwatch", sys.executable, tree)

    @classmethod
    def of(cls, python: Path) -> Self:
        """Ask another interpreter for the edition that it has."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        told = run((python, "-c", _WHICH), kept, keep=True, cwd=Path("/"))
        tree = told.out.strip()
        return cls(f"sfnwatch in {tree}", str(python), Path(tree))

    def command(self, *words: object) -> Command:
        return (self.python, "-m", "sfnwatch", *map(str, words))

    def driver(self, *words: object) -> Command:
        """Run what measures within the program: each edition has its own."""
        return (self.python, "-m", "tests.benchmarks.inside", *map(str, words))


class Bench(Struct, frozen=True):
    """One run of the suite: how much, and where its files are."""

    scratch: Path
    runs: int = 5
    quick: bool = False
    by_cpu: bool = False
    """True where CPU time is taken: a busy machine makes all else wait, but that."""

    def seconds(self, sample: Sample) -> float:
        """Give what a program took."""
        return sample.cpu if self.by_cpu else sample.wall

    def so_far(self, terminal: Terminal) -> float:
        """Give what a program on a terminal took until now."""
        if self.by_cpu:
            return terminal.cpu()
        return time.monotonic() - terminal.begun

    @property
    def events(self) -> int:
        """As many as a history has at most."""
        return 400 if self.quick else 25_000

    @property
    def some_calls(self) -> int:
        return 200 if self.quick else 10_000

    @property
    def many_calls(self) -> int:
        return 800 if self.quick else 100_000

    @property
    def eased(self) -> float:
        """Seconds after which polls have eased off, and for which it is watched."""
        return 0.2 if self.quick else 12.0

    @property
    def keys(self) -> int:
        return 4 if self.quick else 40

    @property
    def patience(self) -> float:
        """Seconds after which what is waited for is not coming."""
        return 150.0 if self.quick else PATIENCE

    def folder(self, name: str) -> Path:
        path = self.scratch / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def recording(self, events: int, calls: int = 0) -> Path:
        name = f"{events}-events-{calls}-calls.sfnwatch.jsonl"
        return made.record(self.folder("recordings") / name, events, calls)

    def env(self, edition: Edition) -> dict[str, str]:
        """Give an environment with keys in it, and nothing of the user's own."""
        own = {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_DEFAULT_REGION": "ap-northeast-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(self.folder("home")),
            # Compiled once, as what is installed is.
            "PYTHONPYCACHEPREFIX": str(self.folder("compiled")),
            "PYTHONPATH": str(edition.tree),
            "XDG_CONFIG_HOME": str(self.folder("config")),
            # What a screen remembers of a recording is not for the other edition.
            "XDG_STATE_HOME": tempfile.mkdtemp(dir=self.folder("state")),
        }
        foreign = ("AWS_", "SFNWATCH_", "NO_COLOR", "PYTHON", "TEXTUAL")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {**kept, **own}

    def run(self, edition: Edition, command: Command, **more: Any) -> Sample:
        """Run a command of an edition to its end."""
        env = self.env(edition)
        return run(command, env, cwd=self.scratch, patience=self.patience, **more)

    def inside(self, edition: Edition, *words: object) -> dict[str, Any]:
        """Run what measures within the program, without a terminal."""
        done = self.run(edition, edition.driver(*words), keep=True)
        told: dict[str, Any] = json.loads(done.out.splitlines()[-1])
        return told

    @contextmanager
    def terminal(
        self, edition: Edition, command: Command, **env: str
    ) -> Iterator[Terminal]:
        full = {**self.env(edition), **env}
        with Terminal(command, full, self.scratch, self.patience) as terminal:
            yield terminal

    def shown_live(self, edition: Edition, url: str, count: int) -> float:
        """Watch until so many records are on the screen; give the seconds."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            path = Path(folder) / "told.json"
            command = edition.driver("live", url, count)
            with self.terminal(edition, command, **{TOLD: str(path)}) as terminal:
                terminal.until(path.exists, f"{count} records taken in")
                told = json.loads(path.read_text())
                if "shown" not in told:
                    # All has been taken in: what is painted next has it.
                    told["shown"] = terminal.until_painted(told["taken_in"])
                    told["cpu"] = terminal.cpu()
                whole = float(told["shown"]) - terminal.begun
                return float(told["cpu"]) if self.by_cpu else whole

    @contextmanager
    def served(self, events: int, calls: int, *, ended: bool) -> Iterator[str]:
        """Serve an execution that long; give the URL."""
        own = Edition.own()
        words = (str(events), str(calls), *([ENDED] if ended else []))
        with subprocess.Popen(
            (sys.executable, "-m", "tests.benchmarks.stub", *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.env(own),
            cwd=self.scratch,
            text=True,
        ) as stub:
            assert stub.stdout is not None
            try:
                ready, _, _ = select.select([stub.stdout], [], [], self.patience)
                if not ready or not (url := stub.stdout.readline().strip()):
                    raise FailedError("the stub of AWS: no URL, or not in time")
                yield url
            finally:
                stub.terminate()
