"""Inputs from a corpus that grows by what reaches code that nothing reached before."""

import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from msgspec import Struct, field

import sfnwatch
from tests.reliability.fuzz_targets import TARGETS

_FOLLOWED = 16
"""Of so many inputs one is followed line by line, which takes several times as long."""
_OURS = str(Path(sfnwatch.__file__).parent)
_LONGEST = 1 << 16
"""Bytes of an input that others are made from."""
_PATIENCE = 20.0
"""Seconds of the processor's time after which an input is said to have no end."""
_Step = tuple[str, int, int]
"""A file, and from which line to which."""


class Fuzzed(Struct):
    """What came of many inputs to one target."""

    target: str
    count: int = 0
    steps: int = 0
    """From one line to another, that any input took."""
    kept: int = 0
    """Inputs that took a step nobody took before."""
    crashes: dict[str, str] = field(default_factory=dict)
    """What it ended in and where, and the first input that did it."""


def fuzzed(target: str, seed: int, count: int) -> Fuzzed:
    """Put so many inputs into a target."""
    guide, result = Guide(target, seed), Fuzzed(target)
    while result.count < count:
        data = guide.next()
        try:
            with _patience():
                guide.put(data, followed=result.count % _FOLLOWED == 0)
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{target}: {type(error).__name__} at {place.name}:{place.lineno}"
            result.crashes.setdefault(told, f"{error!s:.100}: {data[:2000]!r}")
        result.count += 1
    result.steps, result.kept = len(guide.steps), guide.kept
    return result


class Guide:
    """Makes inputs for a target, of those before them that led anywhere new."""

    def __init__(self, target: str, seed: int) -> None:
        self._run = TARGETS[target].read
        self._dice = Random(f"{target} {seed}")  # noqa: S311 - a seed, not a secret
        self._pool: list[bytes] = []
        self._values: list[Any] = []
        """Those of the pool that are JSON."""
        self._fresh = list(TARGETS[target].corpus())
        self.steps: set[_Step] = set()
        self.kept = 0

    def next(self) -> bytes:
        """Give an input: the corpus as it is, and then what is made of it."""
        if self._fresh:
            return self._fresh[-1]
        if self._values and self._dice.random() < 0.5:
            return json.dumps(
                _swap(self._dice.choice(self._values), self._dice)
            ).encode()
        data = bytearray(self._dice.choice(self._pool))
        for _ in range(self._dice.choice((1, 1, 2, 3, 8))):
            _change(data, self._dice, self._pool)
        return bytes(data)

    def put(self, data: bytes, *, followed: bool) -> None:
        """Run the target; one that is followed is kept if it went where none went."""
        if self._fresh:
            self._keep(self._fresh.pop())
        elif not followed:
            self._run(data)
            return
        before, found = len(self.steps), self.steps
        with _following(found):
            self._run(data)
        if len(found) > before and data not in self._pool and len(data) < _LONGEST:
            self.kept += 1
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._pool.append(data)
        with suppress(ValueError, RecursionError):
            self._values.append(json.loads(data))


@contextmanager
def _following(found: set[_Step]) -> Iterator[None]:
    """Note each step that the program takes."""

    def entered(frame: FrameType, _: str, __: Any) -> Callable[..., Any] | None:
        name, last = frame.f_code.co_filename, 0
        if not name.startswith(_OURS):
            return None

        def passed(frame: FrameType, _: str, __: Any) -> Callable[..., Any]:
            nonlocal last
            found.add((name, last, frame.f_lineno))
            last = frame.f_lineno
            return passed

        return passed

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def _patience() -> Iterator[None]:
    """Raise TimeoutError in what has no end, by a timer that nobody else uses."""

    def give_up(*_: Any) -> None:
        msg = "no end"
        raise TimeoutError(msg)

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\t", b" ", b"\\"),
    *(b"null", b"true", b"-1", b"1e999", b"NaN", b"Infinity", b"0", b"9" * 400),
    *(b'"id"', b'"type"', b'"timestamp"', b'"data"', b'"at"', b'"execution"'),
    *(b"\x00", b"\x1b[2J", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae"),
    *(b'"\\ud800"', b"[" * 300, b'{"a":' * 300, b"arn:aws:", b"~", b"&", b"|", b"("),
    *(b"https://", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"[::"),
)


def _change(data: bytearray, dice: Random, seeds: list[bytes]) -> None:
    at = dice.randint(0, len(data))
    end = min(len(data), at + dice.choice((1, 2, 8, 64)))
    match dice.randint(0, 7):
        case 0 if at < len(data):
            data[at] ^= 1 << dice.randint(0, 7)
        case 1:
            del data[at:end]
        case 2:
            data[at:at] = data[at:end]
        case 3:
            del data[at:]
        case 4:
            other = dice.choice(seeds)
            start = dice.randint(0, len(other))
            data[at:end] = other[start : start + 200]
        case 5:
            data[at:end] = bytes(
                dice.randint(0, 255) for _ in range(dice.randint(1, 4))
            )
        case _:
            data[at : dice.choice((at, end))] = dice.choice(_TOKENS)


_STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e300, 10**40, "", "x", "\x1b[2J", "\ud800", "0" * 5000),
    *([], {}, [[]], {"": None}, ["x"], {"a": {"a": {"a": []}}}),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "1e400", 253402300800),
)


def _swap(value: Any, dice: Random) -> Any:
    """Put something strange in one place, or in several."""
    if dice.random() < 0.08:
        return dice.choice(_STRANGE)
    if isinstance(value, dict):
        return {
            key if dice.random() > 0.02 else "x": _swap(item, dice)
            for key, item in value.items()
            if dice.random() > 0.03
        }
    if isinstance(value, list):
        return [_swap(item, dice) for item in value]
    if isinstance(value, str) and value.startswith("{") and dice.random() < 0.5:
        with suppress(ValueError):
            return json.dumps(_swap(json.loads(value), dice))
    return value
