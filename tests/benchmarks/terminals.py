"""A terminal that only takes the time: what is painted when, and what a key takes.

Nothing is drawn here. A screen emulator would need more of the second core than what
is measured; bytes are searched as they come.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.benchmarks.measure import Command, FailedError

_TOLD = {b"\x1b[?2026$p": b"\x1b[?2026;1$y", b"\x1b[c": b"\x1b[?62;22c"}
"""What a terminal is asked, and says: that it takes whole frames, and what it is."""
_PAINTED = b"\x1b[?2026l"
"""The end of a frame, where a terminal says that it takes whole frames."""
_MARGIN = re.compile(rb"\x1b\[(\d+);(\d+)H(?:\x1b\[[0-9;]*m)*\xe2\x96\x8c")
"""A cursor's line being drawn: where, its colours, and the mark before it."""
_MOST = 1 << 16
ROWS, COLUMNS = 50, 160


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: Command, env: Mapping[str, str] | None = None) -> None:
        words = [str(word) for word in command]
        full = {
            **(env or os.environ),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        full = {key: full[key] for key in full if key not in {"COLUMNS", "LINES"}}
        self.begun = time.monotonic()
        """By the clock that all processes of this machine share."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execvpe(words[0], words, full)  # noqa: S606 - no shell is wanted
        self._words = words
        self._ended = False
        self.seen = bytearray()
        """All that was written so far."""
        self.paints = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.close(self._fd)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def press(self, keys: bytes) -> float:
        """Press a key; give the moment."""
        at = time.monotonic()
        os.write(self._fd, keys)
        return at

    def read(self, seconds: float) -> bytes:
        """Take in what comes within so long; nothing if nothing does."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            data = os.read(self._fd, _MOST)
        except OSError:
            data = b""
        if not data:
            self._ended = True
        for asked, told in _TOLD.items():
            if asked in data:
                os.write(self._fd, told)
        self.paints += data.count(_PAINTED)
        self.seen += data
        return data

    def until(self, shown: Callable[[bytes], bool], seconds: float = 120) -> float:
        """Wait until it has written something; give the moment. Raises FailedError.

        What is looked through is the last chunk with a little of what came before.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._ended:
            before = len(self.seen)
            if self.read(left) and shown(bytes(self.seen[max(0, before - 64) :])):
                return time.monotonic()
        why = "it ended" if self._ended else f"not within {seconds:g} s"
        msg = f"{' '.join(self._words)}: {why}: …{bytes(self.seen[-300:])!r}"
        raise FailedError(msg)

    def until_word(self, *words: bytes, seconds: float = 120) -> float:
        """Wait for the first of some words."""
        return self.until(lambda data: any(word in data for word in words), seconds)

    def until_so(self, so: Callable[[], bool], seconds: float) -> None:
        """Take in what comes until something is so. Raises FailedError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if so():
                return
            if self._ended:
                break
            self.read(0.05)
        msg = f"{' '.join(self._words)}: not so: …{bytes(self.seen[-600:])!r}"
        raise FailedError(msg)

    def drain(self, seconds: float) -> None:
        """Take in what comes for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._ended:
            self.read(left)

    def drain_until_quiet(self, quiet: float, seconds: float = 60) -> None:
        """Take in what comes until nothing has come for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.read(quiet):
            pass

    def cursor_line(self, data: bytes) -> int | None:
        """Find the line at which a cursor was drawn last."""
        found = _MARGIN.findall(data)
        return int(found[-1][0]) if found else None
