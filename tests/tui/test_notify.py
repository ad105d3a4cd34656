"""Terminals are made to notify, and nothing in AWS's text can make them do more."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.tui.notify import BELL, notification
from tests.tui.conftest import harmless

TEXTS = st.text(st.characters(codec=None), max_size=300)
TERMINALS = st.sampled_from(
    [
        {"TERM": "xterm-kitty"},
        {"TERM": "foot"},
        {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"},
        {"TERM": "tmux-256color", "TMUX": "default,1,0"},
        {"TERM": "tmux-256color", "TMUX": "x", "LC_TERMINAL": "WezTerm"},
        {},
    ]
)


@pytest.mark.parametrize(
    ("environ", "written"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b]9;run-7f3a: succeeded\x1b\\"),
        (
            {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"},
            "\x1b]9;run-7f3a: succeeded\x1b\\",
        ),
        (
            {"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"},
            "\x1b]777;notify;run-7f3a;succeeded\x1b\\",
        ),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;run-7f3a;succeeded\x1b\\"),
        ({"TERM": "xterm-ghostty"}, "\x1b]777;notify;run-7f3a;succeeded\x1b\\"),
        (
            {"TERM": "tmux-256color", "TMUX": "x"},
            "\x1bPtmux;\x1b\x1b]9;run-7f3a: succeeded\x1b\x1b\\\x1b\\",
        ),
        ({"TERM": "screen", "STY": "1234.pts-0"}, BELL),
        ({"TERM": "linux"}, BELL),
        ({"TERM": "dumb"}, BELL),
    ],
)
def test_each_terminal_is_spoken_to_in_its_own_way(
    environ: dict[str, str], written: str
) -> None:
    assert notification("run-7f3a", "succeeded", environ) == written


@given(TEXTS, TEXTS, TERMINALS)
def test_no_text_can_end_the_sequence_or_begin_another(
    title: str, body: str, environ: dict[str, str]
) -> None:
    written = notification(title, body, environ)
    inner = written
    if "TMUX" in environ:
        assert written.startswith("\x1bPtmux;")
        inner = written[len("\x1bPtmux;") : -2].replace("\x1b\x1b", "\x1b")
    match = re.fullmatch(r"\x1b\](9;|777;notify;)(.*)\x1b\\", inner, re.DOTALL)
    assert match is not None
    assert harmless(match[2])
    assert match[2].count(";") == (match[1] != "9;")
    assert len(match[2]) <= 60 + 160 + 2
    assert match[2].encode()


def test_a_long_text_is_cut_and_says_so() -> None:
    written = notification("x" * 100, "y" * 1000, {"TERM": "foot"})
    assert f";{'x' * 59}…;{'y' * 159}…\x1b" in written
