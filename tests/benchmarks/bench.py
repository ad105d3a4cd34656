"""What every row measures with: programs run to their end, in turn, or on a terminal.

Of a terminal only the time is taken: what is painted when, and what a key takes.
Nothing is drawn here. A screen emulator would need more of the second core than what
is measured; bytes are searched as they come. A `Bench` runs editions of the program so,
on files and servers of its own.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import pexpect
from msgspec import Struct

import sfnwatch
from tests.benchmarks import made
from tests.benchmarks.inside import TOLD
from tests.benchmarks.stub import ENDED

T = TypeVar("T")
Command = Sequence[str | Path]
_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")))


PATIENCE = 1800.0
"""Seconds that one program may take at most."""


class FailedError(Exception):
    """A program that did not end well; the text is what it said."""


class Sample(Struct, frozen=True):
    """One run of a program, as the operating system accounts for it."""

    wall: float
    cpu: float
    rss: float
    """Bytes at most."""
    out: str


def run(
    command: Command,
    env: Mapping[str, str] | None = None,
    *,
    keep: bool = False,
    cwd: Path | None = None,
    patience: float = PATIENCE,
) -> Sample:
    """Run a program to its end; what it says is thrown away unless it is to be kept.

    Raises FailedError.
    """
    words = [str(word) for word in command]
    told, tell = os.pipe()
    with os.fdopen(told, "rb") as telling:
        try:
            process = subprocess.Popen(
                [*_LAUNCHER, str(tell), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
                pass_fds=(tell,),
                start_new_session=True,
            )
        finally:
            os.close(tell)
        try:
            said, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired as error:
            # The launcher and what it has launched.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            late = f"{' '.join(words)}: not over within {patience:g} s"
            raise FailedError(late) from error
        usage = telling.read().split()
    if not usage or int(usage[3]):
        why = usage[3].decode() if usage else "not started"
        trouble = errors.decode(errors="replace").strip()[-400:]
        raise FailedError(f"{' '.join(words)}: {why}: {trouble}")
    wall, cpu, rss = (float(word) for word in usage[:3])
    return Sample(wall, cpu, rss * 1024, (said or b"").decode(errors="replace"))


def in_turn(count: int, measures: Mapping[str, Callable[[], T]]) -> Iterator[list[T]]:
    """Measure A B A B …; yield each round, after one that warms up and is no part.

    So a machine that gets slower, or busier, does so for all of a round.
    """
    if count > 1:
        for measure in measures.values():
            measure()
    for _ in range(count):
        yield [measure() for measure in measures.values()]


# -- on a terminal ---------------------------------------------------------------------

_ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;1$y", b"\x1b[c": b"\x1b[?62;22c"}
"""What a terminal is asked, and says: that it takes whole frames, and what it is."""
_PAINTED = b"\x1b[?2026l"
"""The end of a frame, where a terminal says that it takes whole frames."""
_MOST = 1 << 16
_OVERLAP = 64
"""Bytes that what is waited for may lie in before the last chunk."""
_PRESSED = 0.1
"""Seconds from one time to the next."""
ROWS, COLUMNS = 50, 160


class Terminal:
    """A program on a terminal of its own."""

    def __init__(
        self,
        command: Command,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._words = [str(word) for word in command]
        self._patience = patience
        own = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        full = {**(env or os.environ), **own}
        full = {key: full[key] for key in full if key not in {"COLUMNS", "LINES"}}
        self.begun = time.monotonic()
        """By the clock that all processes of this machine share."""
        words, size = self._words, (ROWS, COLUMNS)
        self._child = pexpect.spawn(
            words[0], words[1:], env=full, cwd=cwd and str(cwd), dimensions=size
        )
        # Else each key would wait, as people do.
        self._child.delaybeforesend = None
        self.pid = self._child.pid
        self._ended = False
        self.seen = bytearray()
        """All that was written so far."""
        self.painted_at = 0.0
        """When the last whole frame was painted."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill(signal.SIGKILL)
        with suppress(pexpect.ExceptionPexpect):
            self._child.wait()
        self._child.close()

    def press(self, keys: bytes) -> float:
        """Press a key; give the moment."""
        at = time.monotonic()
        self._child.send(keys)
        return at

    def read(self, seconds: float) -> bytes:
        """Take in what comes within so long; nothing if nothing does."""
        data = b""
        try:
            data = self._child.read_nonblocking(_MOST, timeout=max(0.0, seconds))
        except pexpect.TIMEOUT:
            return data
        except pexpect.EOF:
            self._ended = True
        for asked, answer in _ANSWERS.items():
            if asked in data:
                self._child.send(answer)
        if _PAINTED in data:
            self.painted_at = time.monotonic()
        self.seen += data
        return data

    def until_word(self, word: str, *, key: bytes = b"") -> float:
        """Wait for a word; give the moment. Raises FailedError.

        A key that leads there is pressed again and again, until it does.
        """
        looked, pressed = 0, time.monotonic()

        def shown() -> bool:
            nonlocal looked, pressed
            part = self.seen[max(0, looked - _OVERLAP) :]
            looked = len(self.seen)
            if key and time.monotonic() - pressed > _PRESSED:
                pressed = self.press(key)
            return word.encode() in part

        self.until(shown, f"the word {word}")
        return time.monotonic()

    def until(self, so: Callable[[], bool], what: str) -> None:
        """Take in what comes until something is so. Raises FailedError."""
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if so():
                return
            if self._ended:
                break
            self.read(0.05)
        why = "it ended" if self._ended else f"not within {self._patience:g} s"
        told = bytes(self.seen[-600:])
        raise FailedError(f"{' '.join(self._words)}: {what}: {why}: …{told!r}")

    def until_painted(self, since: float) -> float:
        """Wait for the first frame after a moment; give its own. Raises FailedError."""
        self.until(lambda: self.painted_at > since, "a frame")
        return self.painted_at

    def drain(self, seconds: float) -> None:
        """Take in what comes for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._ended:
            self.read(left)

    def memory(self) -> float:
        """Give the bytes that the program has had at most."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return float(line.split()[1]) * 1024

    def cpu(self) -> float:
        """Give the seconds of CPU time that it has used so far."""
        told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


# -- what every row measures with ------------------------------------------------------

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


QUICK: Mapping[str, Any] = {
    "runs": 1,
    "events": 400,
    "some_calls": 200,
    "many_calls": 800,
    "eased": 0.2,
    "keys": 4,
    "patience": 150.0,
}
"""Small sizes, and one run."""


class Bench(Struct, frozen=True):
    """One run of the suite: how much, and where its files are."""

    scratch: Path
    runs: int = 5
    by_cpu: bool = False
    """True where CPU time is taken: a busy machine makes all else wait, but that."""
    events: int = 25_000
    """As many as a history has at most."""
    some_calls: int = 10_000
    many_calls: int = 100_000
    eased: float = 12.0
    """Seconds after which polls have eased off, and for which it is watched."""
    keys: int = 40
    patience: float = PATIENCE
    """Seconds after which what is waited for is not coming."""

    def seconds(self, sample: Sample) -> float:
        """Give what a program took."""
        return sample.cpu if self.by_cpu else sample.wall

    def so_far(self, terminal: Terminal) -> float:
        """Give what a program on a terminal took until now."""
        if self.by_cpu:
            return terminal.cpu()
        return time.monotonic() - terminal.begun

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
