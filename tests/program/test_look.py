"""How the screen looks and answers by options, configuration and terminal."""

import pytest

from tests.program.stages import Stage
from tests.program.terminals import ENTER, ESCAPE, HOME, Terminal

PALETTE = {
    *(str(code) for code in (*range(10), *range(21, 30), 39, 49)),
    *(str(code) for start in (30, 40, 90, 100) for code in range(start, start + 8)),
}
"""Attributes, and the colors that a terminal of 16 has."""
EVERYWHERE = (
    ("t", "elapsed"),
    ("e", "Where the time went"),
    ("r", "sfnwatch only reads"),
    ("r", "STEP FUNCTIONS"),
    (HOME + ENTER, "   console  "),
    ("?", "How a call is matched"),
    (ESCAPE, "   console  "),
    (":", "Search for commands"),
)


def look_everywhere(terminal: Terminal) -> None:
    for keys, words in EVERYWHERE:
        terminal.press(keys, words)
    terminal.press(ESCAPE, gone="Search for commands")
    terminal.press("p", "machine-1")
    terminal.quit()


# -- what a terminal can do ------------------------------------------------------------


def test_in_ascii_not_one_other_byte_is_sent(stage: Stage) -> None:
    terminal = stage.start("--ascii", "--speed", "600")
    # What is found comes last, and moves all lines by one.
    terminal.until("S U C C E E D E D", "# end", "complete to", "completion detected")
    terminal.press(ESCAPE, "Execution succeeded", "--> RunTask", "SUCCEEDED")
    look_everywhere(terminal)
    assert terminal.raw.isascii()


def test_without_color_no_color_is_sent_and_attributes_remain(stage: Stage) -> None:
    terminal = stage.at_end(NO_COLOR="1")
    look_everywhere(terminal)
    codes = {code.decode() for code in terminal.colors}
    assert "1" in codes
    assert codes <= {str(code) for code in (*range(10), *range(21, 30), 39, 49)}


def test_a_terminal_of_16_colors_is_sent_its_own(stage: Stage) -> None:
    terminal = stage.at_end(TERM="xterm", COLORTERM="")
    look_everywhere(terminal)
    codes = {code.decode() for code in terminal.colors}
    assert codes <= PALETTE
    assert codes & {"32", "92"}, "what is good is green"


def test_a_dumb_terminal_gets_lines(stage: Stage) -> None:
    terminal = stage.start(TERM="dumb")
    assert terminal.wait() == 0
    assert terminal.is_untouched
    assert "✔ Execution succeeded" in terminal.raw.decode()


# -- options and configuration ---------------------------------------------------------

CONFIG = """
theme = "mine"
time = "local"

[keys]
"view.timeline" = "K"
"program.quit" = ["ctrl+x", "Q"]

[themes.mine]
primary = "#abcdef"
background = "#010203"
"""


def test_keys_and_a_theme_of_one_s_own_are_in_the_configuration(stage: Stage) -> None:
    stage.configure(CONFIG)
    terminal = stage.at_end(TZ="Asia/Tokyo")
    terminal.until("JST", "09:28:24.102", "K Timeline", "ctrl+x Quit")
    assert b"48;2;1;2;3" in terminal.colors
    terminal.press("tq?", "How a call is matched")
    terminal.press(ESCAPE, "STEP FUNCTIONS", gone="How a call is matched")
    terminal.press("u", "UTC", "00:28:24.102")
    terminal.press("K", "elapsed", gone="STEP FUNCTIONS")
    terminal.quit("\x18")


def test_options_are_for_one_screen_and_overrule_it(stage: Stage) -> None:
    stage.configure(CONFIG)
    options = ("--time", "utc", "--filter", "~k call", "--theme", "high-contrast")
    terminal = stage.at_end(*options, "--present", TZ="Asia/Tokyo")
    terminal.until("00:28:25", "machine-1", "4 lines, 4 left out", gone="Quit")
    assert {b"48;2;0;0;0", b"38;2;255;255;255"} <= terminal.colors
    terminal.quit("Q")


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("", "--theme nrod", "--theme: there is no theme `nrod`. Did you mean `nord`?"),
        ("[keys]\n'view.timeline' = 'q'", "", ": keys: `q` is for both"),
    ],
)
def test_what_can_not_be_followed_is_said_instead_of_a_screen(
    stage: Stage, text: str, words: str, said: str
) -> None:
    stage.configure(text)
    terminal = stage.start(*words.split())
    assert terminal.wait() == 2
    told = " ".join(terminal.raw.decode().split())
    assert told.startswith("sfnwatch: ")
    assert said in told
    assert terminal.is_untouched
