"""The program replaying a recording on a terminal, driven by keys and the mouse."""

import json
from pathlib import Path
from stat import S_IMODE

from tests.builders import ARN
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
    terminal.until("■ end", "Execution succeeded")
    assert b"RUNNING" in terminal.raw, "it began before the end"
    terminal.press(" ", "▶ playing")
    terminal.until("■ end")
    terminal.quit()


def test_it_is_paused_and_stepped_through_by_keys(stage: Stage) -> None:
    # As slow as it gets, so that it is still playing when it is to be paused.
    terminal = stage.at_end("--speed", "0.1")
    terminal.press("0", "paused", "RUNNING", gone="ECS RunTask")
    terminal.press(" ", "▶ playing")
    terminal.press(" 0", "paused", gone="ECS RunTask")
    terminal.press("]", "ECS RunTask", gone="submitted")
    terminal.press("...", "submitted")
    terminal.press(",,,", gone="submitted")
    terminal.press("}", "DescribeTasks #1")
    terminal.press("[", gone="DescribeTasks")
    terminal.press("c", "event time")
    terminal.press("l", "■ end", "Execution succeeded")
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
    shown.press(ENTER, "its request ID req-run", NAMES[0])
    shown.press(ESCAPE, gone="its request ID")
    shown.press("?", HELP)
    shown.press(END, "Calls have whole seconds")
    shown.press(ESCAPE, "STEP FUNCTIONS", gone="Calls have whole seconds")
    shown.press(":", "Search for commands")
    shown.press("mask", "Mask names", gone="Back 1 min")
    shown.press(ENTER, "machine-1 › execution-1", gone="Mask names")
    shown.quit()


def test_a_finding_is_followed_to_what_it_rests_on(shown: Terminal) -> None:
    shown.press("e", "How Step Functions learned", "5 calls")
    shown.press(HOME + DOWN)
    shown.until_selected("The task started by")
    shown.press(ENTER, "→ 00:30:19")
    shown.press(DOWN + DOWN)
    shown.until_selected("DescribeTasks #2")
    shown.press(ENTER, "STEP FUNCTIONS", gone="How Step Functions learned")
    shown.until_selected("DescribeTasks #2")
    shown.quit()


def test_several_executions_stand_side_by_side_and_are_compared(
    program: Processes,
) -> None:
    terminal = program.terminal("replay", golden("demo-three-ways"), columns=150)
    terminal.until("▶ playing")
    terminal.press("l", "■ end", "sync", "async", "sdk", "denied", "AccessDenied")
    terminal.press("v", "only A waits")
    terminal.press("X", "only B waits")
    terminal.press("V", gone="only B waits")
    terminal.press(ESCAPE, "three-ways", gone="only A")
    terminal.press("a", "aligned")
    terminal.quit()


# -- filter and search -----------------------------------------------------------------


def test_lines_are_filtered_and_words_found_as_one_types(shown: Terminal) -> None:
    shown.press("~", "tab  ~s")
    shown.press("~k cal", "call API calls")
    shown.press(TAB, "~k call", gone="Execution started")
    shown.press(ENTER, FILTERED, "t Timeline", gone="tab  call")
    shown.press("~ & ~q", "✘ at 11: unknown operator ~q")
    shown.press(ESCAPE, FILTERED, gone="unknown")
    shown.press(ESCAPE, "Execution started", gone="left out")
    # Over a slow connection several keys come at once: a `q` in them must not quit.
    shown.press("/request")
    shown.until_selected("= request ID")
    shown.press("\x15", gone="search request")
    shown.press("describet", "search describet")
    shown.until_selected("DescribeTasks #1")
    shown.press(ENTER, "n next")
    shown.press("n")
    shown.until_selected("3 more polls")
    shown.press("N")
    shown.until_selected("DescribeTasks #1")
    shown.press(ESCAPE, gone="n next")
    shown.quit()


# -- records ---------------------------------------------------------------------------


def test_records_are_copied_opened_and_saved_for_their_owner_only(
    shown: Terminal, stage: Stage
) -> None:
    shown.press(HOME)
    shown.until_selected("Execution started")
    shown.press("y", "copied")
    (text,) = shown.copied
    assert json.loads(text)["type"] == "ExecutionStarted"
    shown.press("b", "no browser here")
    assert shown.copied[1].startswith(CONSOLE)
    assert shown.copied[1].endswith(ARN)
    shown.press(DOWN + DOWN)
    shown.until_selected("submitted")
    shown.press("s", "sfnwatch-run-7f3a-")
    (path,) = stage.folder.glob("*.json")
    assert S_IMODE(path.stat().st_mode) == 0o600
    event, call = json.loads(path.read_text())
    assert (event["type"], call["eventName"]) == ("TaskSubmitted", "RunTask")
    shown.quit()


# -- for a talk ------------------------------------------------------------------------


def test_a_presenter_shows_no_names_in_any_view(stage: Stage) -> None:
    terminal = stage.start("--present", "--speed", "600")
    terminal.until("machine-1 › execution-1", "■ end", gone="q Quit")
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


# -- size ------------------------------------------------------------------------------

SIZES = ((12, 99), (1, 1), (3, 200), (60, 10), (5, 20))


def test_every_view_fits_any_size_and_comes_back(shown: Terminal) -> None:
    shown.press(HOME)
    shown.until_selected("Execution started")
    for keys, words in VIEWS:
        shown.press(keys, words)
        for rows, columns in SIZES:
            shown.resize(rows, columns)
            shown.read()
        shown.resize(30, 100)
        # Drawn again: an escape amid what a terminal says of its size is none.
        shown.until(words)
        shown.press(ESCAPE, "STEP FUNCTIONS", "■ end", "t Timeline", gone=words)
    shown.until_selected("Execution started")
    shown.quit()


def test_it_plays_on_while_its_size_changes(stage: Stage) -> None:
    terminal = stage.at_end("--speed", "0.25")
    terminal.press("0", "paused", gone="ECS RunTask")
    terminal.press(" ", "▶ playing")
    for rows, columns in SIZES:
        terminal.resize(rows, columns)
        terminal.read()
    terminal.resize(30, 100)
    terminal.until("▶ playing")
    terminal.press("l", "■ end", "Execution succeeded")
    terminal.quit()


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
