"""The program replaying a recording on a terminal, driven by keys and the mouse."""

from pathlib import Path

from tests.cli.programs import golden
from tests.program.programs import Processes
from tests.program.stages import NAMES, Stage
from tests.program.terminals import DOWN, END, ENTER, ESCAPE, HOME, TAB, Terminal

CONSOLE = "https://ap-northeast-1.console.aws.amazon.com/"
HELP = "How a call is matched"
PLAYER = 29
"""The row of the player, of 30."""
FILTERED = "4 lines, 4 left out"
VIEWS = (
    ("t", "elapsed"),
    ("e", "Where the time went"),
    ("r", "sfnwatch only reads"),
    ("?", HELP),
    (":", "Search for commands"),
    ("~", "tab  ~s"),
    (ENTER, "   console  "),
)
"""Whatever can be opened over the lanes, and what it then says."""


# -- player ----------------------------------------------------------------------------


def test_a_recording_plays_by_itself_to_its_end_and_then_again(stage: Stage) -> None:
    terminal = stage.start("--speed", "600")
    terminal.until("■ end", "S U C C E E D E D", "enter Its lines")
    terminal.press(" ", "▶ playing")
    terminal.until("■ end")
    terminal.quit()


# -- views -----------------------------------------------------------------------------


def test_views_come_and_go_and_the_cursor_stays(shown: Terminal) -> None:
    shown.press(HOME + DOWN + DOWN)
    shown.until_selected("submitted")
    for keys, words in (
        ("t", "▄ working  █ poll  ◀ learned by event"),
        ("e", "polled 5 times with DescribeTasks"),
        ("r", "sfnwatch only reads"),
    ):
        shown.press(keys, words, gone="STEP FUNCTIONS")
        shown.press(keys, "STEP FUNCTIONS", gone=words)
    shown.until_selected("submitted")
    shown.press(ENTER, "= request ID (req-run)", NAMES[0])
    shown.press(ESCAPE, gone="(req-run)")
    shown.press("?", HELP)
    shown.press(END, "Calls have whole seconds")
    shown.press(ESCAPE, "STEP FUNCTIONS", gone="Calls have whole seconds")
    shown.press(":", "Search for commands")
    shown.press("mask", "Mask names", gone="Back 1 min")
    shown.press(ENTER, "machine-1 › execution-1", gone="Mask names")
    shown.quit()


# -- filter and search -----------------------------------------------------------------


def test_keys_that_come_at_once_are_what_one_types(shown: Terminal) -> None:
    """As over a slow connection: a `q` in them must not quit."""
    shown.press("~~k cal", "call API calls")
    shown.press(TAB, "~k call", gone="Execution started")
    shown.press(ENTER, FILTERED, "t Timeline", gone="tab  call")
    shown.press(ESCAPE, "Execution started", gone="left out")
    shown.press("/request")
    shown.until_selected("= request ID")
    shown.press(f"{ESCAPE}", gone="search request")
    shown.quit()


# -- for a talk ------------------------------------------------------------------------


def test_a_presenter_shows_no_names_in_any_view(stage: Stage) -> None:
    terminal = stage.start("--present", "--speed", "600")
    terminal.until("machine-1 › execution-1", "■ end", "S U C C E E D E D")
    terminal.press(ESCAPE, "STEP FUNCTIONS", gone="S U C C E E D E D")
    for keys, words in (
        (HOME, "Execution 1 of machine-1 starts"),
        (DOWN, " ↓ "),
        ("y", "copied"),
        ("s", "saved"),
        ("b", "no browser here; masked"),
    ):
        terminal.press(keys, words)
    for keys, words in VIEWS:
        terminal.press(keys, words)
        terminal.press(ESCAPE, "STEP FUNCTIONS", gone=words)
    told = terminal.raw.decode(errors="ignore") + "".join(terminal.copied)
    assert [name for name in NAMES if name in told] == []
    terminal.press("p", "nightly-report › run-7f3a", "q Quit")
    terminal.quit()


# -- mouse -----------------------------------------------------------------------------


def test_the_mouse_selects_seeks_scrolls_and_presses_what_the_footer_names(
    shown: Terminal,
) -> None:
    shown.mouse(*shown.place("submitted"))
    shown.until_selected("submitted")
    shown.mouse(PLAYER, 3)
    shown.until("paused", "RUNNING", gone="Execution succeeded")
    shown.mouse(PLAYER, 38)
    shown.until("■ end", "Execution succeeded")
    shown.mouse(*shown.place("Timeline"))
    shown.until("elapsed")
    shown.press("t", "STEP FUNCTIONS")
    shown.resize(9, 100)
    shown.press(HOME, "Execution started", gone="Execution succeeded")
    for button, words, gone in (
        (65, "Execution succeeded", "Execution started"),
        (64, "Execution started", "Execution succeeded"),
    ):
        for _ in range(4):
            shown.mouse(4, 20, button=button)
        shown.until(words, gone=gone)
    shown.quit()


# -- the view that is kept -------------------------------------------------------------


def test_a_recording_opens_as_it_was_left_wherever_it_has_gone(stage: Stage) -> None:
    before = stage.recording.read_bytes()
    terminal = stage.at_end()
    terminal.press("~~k call", gone="Execution started")
    terminal.press(ENTER, FILTERED)
    terminal.press("t", "elapsed")
    terminal.quit()
    stage.recording = stage.recording.rename(stage.folder / "moved.jsonl")
    again = stage.start()
    again.until("elapsed", "filter ~k call")
    again.quit()
    assert stage.recording.read_bytes() == before


def test_a_file_may_come_through_a_pipe(program: Processes, tmp_path: Path) -> None:
    ended = program.shell(f"zcat {golden('demo-async')} | sfnwatch replay /dev/stdin")
    assert ended.code == 0
    assert "Execution succeeded" in ended.out


def test_what_is_piped_in_is_shown_on_a_screen_whose_keys_are_the_terminal_s(
    program: Processes,
) -> None:
    piped = f"import os; os.dup2(os.open({golden('demo-sync')!r}, os.O_RDONLY), 0)"
    terminal = program.terminal("replay", "-", "--speed", "600", fault=piped)
    terminal.until("STEP FUNCTIONS")
    terminal.press("e", "polled 5 times with DescribeTasks")
    terminal.quit()
