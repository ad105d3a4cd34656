"""What a terminal gets, byte for byte, while somebody walks through hostile data."""

import re
from pathlib import Path

from tests.builders import ARN
from tests.program.programs import Program
from tests.program.stages import assert_restored, recorded
from tests.program.terminals import Terminal
from tests.reliability.outlets import leaks
from tests.reliability.test_outlets import MARK, records

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


def walk(terminal: Terminal) -> None:
    """Go through every view, open a record, copy it, search and filter."""
    terminal.until(MARK)
    terminal.press("l", "at the end")
    terminal.press("\x1b[H\x1b[B\x1b[B\r", MARK)
    terminal.press("y", "copied")
    terminal.press("\x1b")
    terminal.press("t", MARK)
    terminal.press("t")
    terminal.press("e", MARK)
    terminal.press("e")
    terminal.press("r")
    terminal.press("r", MARK)
    terminal.press(f"/{MARK}", " of 17")
    terminal.press("\r")


def test_no_view_hands_a_control_of_theirs_to_the_terminal(tmp_path: Path) -> None:
    program = Program(tmp_path)
    path = recorded(tmp_path, records(EVIL), ARN)
    hostile = path.rename(tmp_path / f"{MARK}\x1b]0;owned\x07\u202e.sfnwatch.jsonl")
    terminal = program.terminal("replay", str(hostile), "--speed", "1000")
    try:
        walk(terminal)
        terminal.press("\x03")
        terminal.wait()
    finally:
        program.close()
    assert_restored(terminal)
    assert [attack for attack in FORBIDDEN if attack in terminal.raw] == []
    assert b"Traceback" not in terminal.raw
    assert terminal.copied, "it was copied"
    assert all(leaks("clipboard", text) == [] for text in terminal.copied)
    assert all(b"owned" not in title for title in TITLE.findall(terminal.raw))
