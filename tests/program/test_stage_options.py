"""How the screen looks and answers by options, configuration and environment."""

import os
import signal
from pathlib import Path

import pytest

from tests.program.programs import Program
from tests.program.stages import (
    ENTER,
    ESCAPE,
    HOME,
    Stage,
    assert_restored,
    quit_with,
)
from tests.program.terminals import Terminal

PALETTE = {
    *(str(code) for code in (*range(10), *range(21, 30), 39, 49)),
    *(str(code) for start in (30, 40, 90, 100) for code in range(start, start + 8)),
}
"""Attributes, and the colours that a terminal of 16 has."""
EVERYWHERE = (
    ("t", "elapsed"),
    ("t", "STEP FUNCTIONS"),
    ("r", "sfnwatch only reads"),
    ("r", "STEP FUNCTIONS"),
    (HOME + ENTER, "event 1"),
    ("?", "to the first line"),
    (ESCAPE, "event 1"),
    (":", "Search for commands"),
)


@pytest.fixture
def stage(program: Program, tmp_path: Path) -> Stage:
    return Stage(program, tmp_path)


def look_everywhere(terminal: Terminal) -> None:
    for keys, words in EVERYWHERE:
        terminal.press(keys, words)
    terminal.press(ESCAPE, gone="Search for commands")
    terminal.press("p", "machine-1")


# -- options -------------------------------------------------------------------------


def test_in_ascii_not_one_other_byte_is_sent(stage: Stage) -> None:
    terminal = stage.at_end("--ascii")
    terminal.until("+ Execution succeeded", "--> RunTask")
    look_everywhere(terminal)
    quit_with(terminal)
    assert terminal.raw.isascii()


def test_a_demo_is_ascii_too(program: Program) -> None:
    terminal = program.terminal("demo", "failure", "--ascii", "--speed", "300")
    terminal.until("x Execution failed", "# CloudTrail ended", "at the end")
    terminal.press("q")
    assert terminal.wait() == 10
    assert terminal.raw.isascii()


def test_a_theme_is_chosen(stage: Stage) -> None:
    terminal = stage.at_end("--theme", "high-contrast")
    assert {b"48;2;0;0;0", b"38;2;255;255;255"} <= terminal.colours
    quit_with(terminal)


def test_options_are_for_one_screen(stage: Stage) -> None:
    options = ("--time", "local", "--filter", "~k call", "--present")
    terminal = stage.at_end(*options, TZ="Asia/Tokyo")
    terminal.until("JST", "09:28:25", "machine-1", "6 of 13 rows", gone="q Quit")
    quit_with(terminal)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--theme nonsense", "--theme: there is no theme `nonsense`. There are: "),
        ("--theme nrod", "--theme: there is no theme `nrod`. Did you mean `nord`?"),
        ("--filter ~q", "--filter '~q', at 1: unknown ~q"),
        ("--time mars", "Invalid value for '--time': 'mars' is not one of"),
    ],
)
def test_an_option_that_can_not_be_followed_is_said_instead_of_a_screen(
    stage: Stage, words: str, said: str
) -> None:
    terminal = stage.start(*words.split())
    assert terminal.wait() == 2
    assert terminal.raw.decode().startswith(f"sfnwatch: {said}")
    assert_untouched(terminal)


def assert_untouched(terminal: Terminal) -> None:
    assert b"\x1b" not in terminal.raw
    assert terminal.restored["modes"]


# -- configuration -------------------------------------------------------------------

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
    stage.configured(CONFIG)
    terminal = stage.at_end(TZ="Asia/Tokyo")
    terminal.until("09:28:24.102", "K Timeline", "^x Quit")
    assert b"48;2;1;2;3" in terminal.colours
    terminal.press("tq?", "to the first line")
    terminal.press(ESCAPE, "STEP FUNCTIONS", gone="to the first line")
    terminal.press("K", "JST", gone="STEP FUNCTIONS")
    quit_with(terminal, "\x18")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thme = 'nord'", ": unknown key `thme`. Did you mean `theme`?"),
        ("\ntheme = nord", ":2: Invalid value"),
        ("theme = 'nrod'", ": there is no theme `nrod`. Did you mean `nord`?"),
        ("[keys]\n'view.time' = 'v'", ": keys: there is no action `view.time`."),
        ("[keys]\n'view.timeline' = 'q'", ": keys: `q` is for both"),
        ("[themes.mine]\nprimary = 'octarine'", "mine.primary: `octarine` is no"),
    ],
)
def test_a_mistake_in_it_is_named_and_nothing_is_begun(
    stage: Stage, text: str, said: str
) -> None:
    stage.configured(text)
    terminal = stage.start()
    assert terminal.wait() == 2
    told = " ".join(terminal.raw.decode().split())
    assert told.startswith(f"sfnwatch: {stage.config}:")
    assert said in told
    assert_untouched(terminal)


# -- colours -------------------------------------------------------------------------


def test_without_colour_there_are_no_hues_and_attributes_remain(stage: Stage) -> None:
    terminal = stage.at_end(NO_COLOR="1")
    look_everywhere(terminal)
    quit_with(terminal)
    assert b"1" in terminal.colours
    mixed = [code.split(b";")[2:] for code in terminal.colours if b";2;" in code]
    assert not [code for code in mixed if len(set(code)) > 1]
    palette = {code.decode() for code in terminal.colours if b";" not in code}
    assert not palette - {str(code) for code in (*range(10), 39, 49)}


def test_without_colour_no_colour_is_sent(stage: Stage) -> None:
    terminal = stage.at_end(NO_COLOR="1")
    quit_with(terminal)
    assert not [code for code in terminal.colours if code[:2] in {b"38", b"48"}]


def test_a_terminal_of_16_colours_is_sent_its_own(stage: Stage) -> None:
    terminal = stage.at_end(TERM="xterm", COLORTERM="")
    look_everywhere(terminal)
    terminal.press("p", gone="machine-1")
    quit_with(terminal)
    codes = {code.decode() for code in terminal.colours}
    assert codes <= PALETTE
    assert codes & {"32", "92"}, "what is good is green"


# -- the terminal as it was ----------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "keys"),
    [
        (signal.SIGTERM, 143, ""),
        (signal.SIGTERM, 143, "?"),
        (signal.SIGHUP, 129, ""),
        (signal.SIGHUP, 129, "p"),
    ],
)
def test_a_signal_leaves_the_terminal_as_it_was(
    stage: Stage, number: signal.Signals, code: int, keys: str
) -> None:
    terminal = stage.start()
    terminal.until("REPLAY", "Execution started")
    terminal.press(keys)
    os.kill(terminal.child.pid, number)
    assert terminal.wait() == code
    assert_restored(terminal)
    assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("keys", ["?", ":", "~"])
def test_control_c_ends_it_wherever_one_is(stage: Stage, keys: str) -> None:
    terminal = stage.at_end()
    terminal.press(keys)
    quit_with(terminal, "\x03")


FAULT = """
from {module} import {name}
def broken(self, *_, **__):
    payload = "hunter" + "2"
    raise RuntimeError("it broke here")
{name}.{method} = broken
"""
FAULTS = (
    ("sfnwatch.tui.lanes", "LanesView", "render_line"),
    ("sfnwatch.tui.timeline", "TimelineView", "show"),
    ("sfnwatch.tui.playing", "Playing", "step_state"),
    ("sfnwatch.tui.intake", "Intake", "take"),
)
"""In drawing, in a view, in a key, in what comes in."""


@pytest.mark.parametrize(("module", "name", "method"), FAULTS)
def test_a_crash_leaves_the_terminal_usable_and_tells_no_data(
    stage: Stage, module: str, name: str, method: str
) -> None:
    fault = FAULT.format(module=module, name=name, method=method)
    terminal = stage.start(fault=fault)
    terminal.press("]t")
    assert terminal.wait() == 1
    assert_restored(terminal)
    assert "Traceback" in terminal.after
    assert "RuntimeError" in terminal.after
    assert "it broke here" in terminal.after
    assert "hunter2" not in terminal.after
    assert "123456789012" not in terminal.after


# -- a watch to its end --------------------------------------------------------------


def test_a_demo_runs_to_its_end_and_then_answers(program: Program) -> None:
    words = ("demo", "pipeline", "--speed", "300")
    terminal = program.terminal(*words, rows=30, columns=100)
    terminal.until("DEMO", "✔ SUCCEEDED", "■ CloudTrail ended", "◀── noticed")
    terminal.press("t", "▾ ✔ Prepare  Parallel", "↷ CardDeclined")
    terminal.press("t", "STEP FUNCTIONS", gone="elapsed")
    terminal.press("0", "l for live", gone="✔ SUCCEEDED")
    terminal.press("l", "✔ SUCCEEDED", gone="l for live")
    quit_with(terminal)
    assert "sfnwatch: recorded to" in terminal.after


@pytest.mark.parametrize(
    ("notify", "bells", "notices"), [("off", 0, 0), ("bell", 1, 0), ("desktop", 0, 1)]
)
def test_its_end_is_told_as_was_asked(
    stage: Stage, program: Program, notify: str, bells: int, notices: int
) -> None:
    stage.configured(f"notify = '{notify}'")
    terminal = program.terminal("demo", "sync", "--speed", "60")
    terminal.until("RUNNING")
    terminal.until("✔ SUCCEEDED")
    quit_with(terminal)
    assert terminal.bells == bells
    told = b"\x1b]9;sfnwatch: " + "✔ nightly-report succeeded".encode()
    assert terminal.raw.count(told) == notices


def test_a_presenter_s_help_shows_no_names(stage: Stage, program: Program) -> None:
    terminal = program.terminal("demo", "async", "--present", "--speed", "300")
    terminal.until("machine-1", "SUCCEEDED")
    terminal.press("?", "to the first line")
    terminal.press("\x1b[F", "Recorded in")
    assert "nightly-report" not in terminal.text
