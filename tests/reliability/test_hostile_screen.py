"""What a terminal gets, byte for byte, while somebody walks through hostile data."""

import re
from pathlib import Path

from tests.program.conftest import program
from tests.program.programs import Processes
from tests.program.terminals import DOWN, ENTER, ESCAPE, HOME
from tests.recording.files import record
from tests.reliability.outlets import leaks
from tests.reliability.test_outlets import MARK, hostile

__all__ = ["program"]
EVIL = (
    f"{MARK}\x1b]0;owned\x07\x1b[31;1m\x1b[2J\x9b31m\x9d0;owned\x9c\x00\x08\x7f"
    f"\r\n\u202e\u2066\u200b\u2060\ufeff\u2028[@click=app.quit]x[/]{MARK}"
)
FORBIDDEN = (
    *(b"\x1b]0;owned", b"\x1b[31;1m", b"\x1b[2J" + MARK.encode(), b"\x00", b"\x7f"),
    *(b"\xc2\x9b", b"\xc2\x9d", b"\xc2\x9c", b"\x08"),
    *(c.encode() for c in "\u202e\u2066\u200b\u2060\ufeff\u2028"),
)
TITLE = re.compile(rb"\x1b\][012];([^\a\x1b]*)")


def test_no_view_hands_a_control_of_theirs_to_the_terminal(
    program: Processes, tmp_path: Path
) -> None:
    name = f"{MARK}\x1b]0;owned\x07\u202e.sfnwatch.jsonl"
    path = record(tmp_path / name, hostile(EVIL))
    terminal = program.terminal("replay", str(path), "--speed", "1000")
    terminal.until(MARK)
    terminal.press("l", " end ")
    terminal.press(f"{HOME}{DOWN}{DOWN}{ENTER}", MARK)
    terminal.press("y", "copied")
    # A letter right behind escape is one key with it.
    terminal.press(ESCAPE, gone="Input and output")
    # The bars of several executions stand folded, and bear their names alone.
    terminal.press("t", "elapsed")
    terminal.press("e", "working", MARK, gone="elapsed")
    terminal.press("r", "only reads", MARK)
    terminal.press("c")
    terminal.press("C", MARK, gone="only reads")
    terminal.press(f"/{MARK}{ENTER}", MARK)
    terminal.press("\x03")
    terminal.wait()
    assert [attack for attack in FORBIDDEN if attack in terminal.raw] == []
    assert b"Traceback" not in terminal.raw
    assert set(terminal.restored.values()) == {True}
    assert terminal.copied, "it was copied"
    assert all(leaks("clipboard", text) == [] for text in terminal.copied)
    assert all(b"owned" not in title for title in TITLE.findall(terminal.raw))
