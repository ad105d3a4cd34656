"""A terminal with the program on it: keys go in, and what is to be seen comes out."""

import base64
import re
import termios
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pyte

DEADLINE = 150.0
"""Seconds after which what is waited for is not coming."""
DOWN, HOME = "\x1b[B", "\x1b[H"
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"
_SGR = re.compile(rb"\x1b\[([0-9;]*)m")
_COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\a|\x1b\\)")
_OSC = re.compile(rb"\x1b\][^\a\x1b]*(?:\a|\x1b\\)")
_SWITCHES = {
    "main screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse motion": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
}
_CURSOR = "15283c"
"""The ground under the cursor in the theme that a screen has by itself."""
_LOOK = 0.02


def eventually(condition: Callable[[], Any], what: str | Callable[[], str]) -> Any:
    """Wait until something is so, and give it; what it was is asked for at the end."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        threading.Event().wait(_LOOK)
    told = what if isinstance(what, str) else what()
    raise AssertionError(f"{told}: not within {DEADLINE:g} s")


class Screen(pyte.Screen):
    """Pyte's screen, which knows no sequence with a `>` or `=` in it."""

    def report_device_attributes(self, *_: Any, **__: Any) -> None:
        """Answer nothing: who asks is not a terminal's user."""

    def restore_cursor(self, *_: Any, **__: Any) -> None:
        """Not for `CSI > u`, which is about the keyboard."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """The program on a terminal of its own, and what is to be seen there."""

    def __init__(
        self,
        words: tuple[str, ...],
        env: Mapping[str, str],
        *,
        rows: int = 30,
        columns: int = 120,
        cwd: Path | None = None,
    ) -> None:
        self.screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        """All bytes that came."""
        self.child = pexpect.spawn(
            words[0],
            list(words[1:]),
            env=dict(env),
            dimensions=(rows, columns),
            cwd=cwd and str(cwd),
        )
        # Python takes longer to start than this line.
        self._modes = termios.tcgetattr(self.child.child_fd)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read(self, seconds: float = _LOOK) -> bool:
        """Take in what has come; False at the end."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    @property
    def selected(self) -> str:
        """What the cursor is on, in one line; nothing if it is not in view."""
        grounds = [self.screen.buffer[row][1].bg for row in range(self.screen.lines)]
        shown = zip(self.screen.display, grounds, strict=True)
        return " ".join(line for line, ground in shown if ground == _CURSOR)

    def until(self, *words: str, gone: str | None = None) -> None:
        """Wait until all of this is on the screen, and something else is not."""

        def shown() -> bool:
            if gone is not None and gone in self.text:
                return False
            return all(word in self.text for word in words)

        self.until_so(shown, f"{words} on the screen, {gone!r} not")

    def until_selected(self, words: str) -> None:
        self.until_so(lambda: words in self.selected, f"{words!r} selected")

    def until_so(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the screen is as it should be; it is looked at when it changes."""
        looked_at = -1

        def so() -> bool:
            nonlocal looked_at
            assert self.read(), f"over too soon: {what}:\n{self.text}"
            before, looked_at = looked_at, len(self.raw)
            return before != looked_at and condition()

        eventually(so, lambda: f"{what}:\n{self.text}")

    def press(self, keys: str, *words: str, gone: str | None = None) -> None:
        """Press keys, and wait for what comes of them, if that is told."""
        self.child.send(keys)
        if words or gone is not None:
            self.until(*words, gone=gone)

    def wait(self) -> int:
        """Take in the rest and give the exit code; -n for signal n."""
        eventually(lambda: not self.read(), lambda: f"the end of\n{self.text}")
        self._modes_after = termios.tcgetattr(self.child.child_fd)
        self.child.close(force=False)
        if self.child.signalstatus is not None:
            return -int(self.child.signalstatus)
        return int(self.child.exitstatus)

    def quit(self, keys: str = "q", code: int = 0) -> None:
        """Quit by keys: with the code of the outcome, and the terminal as it was."""
        self.press(keys)
        self.ends_with(code)

    def ends_with(self, code: int) -> None:
        """Hold that it ends so, without a crash, and leaves the terminal as it was."""
        assert self.wait() == code, self.text
        assert b"Traceback" not in self.raw
        assert set(self.restored.values()) == {True}, self.restored

    @property
    def colors(self) -> set[bytes]:
        """What was asked for in colors and attributes: `1`, `38;2;0;0;0`."""
        found = set()
        for match in _SGR.finditer(self.raw):
            codes = iter(match[1].split(b";"))
            for code in codes:
                more = []
                if code in {b"38", b"48"}:
                    more.append(next(codes))
                    count = 3 if more == [b"2"] else 1
                    more += [next(codes) for _ in range(count)]
                found.add(b";".join([code, *more]))
        return found

    @property
    def copied(self) -> list[str]:
        """What the terminal was asked to put into the clipboard."""
        found = _COPIED.finditer(self.raw)
        return [base64.b64decode(match[1]).decode() for match in found]

    @property
    def bells(self) -> int:
        """How often its bell was rung; the same byte ends other sequences."""
        return _OSC.sub(b"", self.raw).count(b"\a")

    @property
    def after(self) -> str:
        """What it wrote when the screen was the shell's again."""
        return self.raw[self.raw.rindex(b"\x1b[?1049l") :].decode()

    @property
    def restored(self) -> dict[str, bool]:
        """Whether each thing the screen had switched is switched back."""
        back = {
            name: self.raw.rfind(undo) > self.raw.rfind(do) >= 0
            for name, (do, undo) in _SWITCHES.items()
        }
        return {**back, "modes": self._modes_after == self._modes}

    @property
    def is_untouched(self) -> bool:
        """True if no screen was begun at all."""
        return b"\x1b" not in self.raw and self.restored["modes"]

    def kill(self) -> None:
        with suppress(OSError):
            self.child.close(force=True)
