"""Strangers write a part of what is said: none of it acts on the terminal it is on.

What is typed, and what a file holds, is in the tests of the command line.
"""

import io
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnwatch
from sfnwatch.cli.narration import CleanStream
from sfnwatch.model.source_health import HealthState
from tests import examples
from tests.builders import HEAD, health
from tests.cli.programs import KEYS
from tests.cli.programs import Program as Here
from tests.program.conftest import program
from tests.program.programs import Processes
from tests.program.terminals import DEADLINE
from tests.recording.files import record
from tests.reliability.outlets import acts, leaks
from tests.reliability.servers import answering

__all__ = ["program"]
MACHINE = f"{HEAD}:execution:machine:"
ARN = f"{MACHINE}run"
EVIL = (
    "evil\x1b]52;c;aGk=\x07\x1b]0;owned\x1b\\\x1b[31;1m\x9b31m\x9d0;owned\x9c\x85"
    "\u202eowned\u2066\u200b\u2060\ufeff\u00ad\nsfnwatch: forged\r\u2028\u2029"
    "\x0b\x0c\t\x08\x7f\udcffend"
)
SHOWN = "evil␛]52;c;aGk=␇"
NO_SURROGATE = EVIL.replace("\udcff", "")
anything = st.text(st.characters() | st.sampled_from(EVIL), max_size=30)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The program in this process, with a Region and no credentials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return Here(tmp_path / "state", monkeypatch)


# -- recordings ------------------------------------------------------------------------


def refused(path: Path, message: str, arn: str = ARN) -> Path:
    """Record an execution that AWS would not show, with its words for it."""
    lanes = ("history", "lookup", message)
    said = [
        health(lane, HealthState.REFUSED, 0, arn=arn, message=message) for lane in lanes
    ]
    return record(path, said, arns=[arn])


@pytest.mark.parametrize(
    "command", ["replay {} --plain", "replay {} --json", "explain {}"]
)
def test_what_aws_once_said_is_clean_when_it_is_read_again(
    command: str, here: Here, tmp_path: Path
) -> None:
    path = refused(tmp_path / "refused.jsonl", EVIL)
    ended = here(*command.format(path).split())
    assert acts(ended) == []
    assert (ended.code, SHOWN in ended.err) == (3, True)
    assert len(ended.err.splitlines()) <= 4, "no line of it is forged"


def test_recordings_may_have_any_name(here: Here) -> None:
    folder = here.state / "recordings"
    refused(folder / f"{EVIL.replace('/', '')}.sfnwatch.jsonl", EVIL, MACHINE + EVIL)
    for text in (f'{{"{EVIL}": 1}}', f'{{"sfnwatch": "{EVIL}"}}', EVIL):
        file = folder / f"x{EVIL}.sfnwatch.jsonl"
        file.write_text(text, errors="surrogateescape")
        for command in ("replay", "explain", "redact"):
            ended = here(command, str(file))
            assert (ended.code, acts(ended)) == (4, [])
    for words in ((), ("open", "1", "--plain"), ("redact", "2"), ("open", EVIL)):
        assert acts(here("recordings", *words)) == []
    assert acts(here("recordings", "prune", "--older-than", "0s", "--yes")) == []


# -- settings --------------------------------------------------------------------------

SETTINGS = (
    'theme = "{}"',
    '"{}" = 1',
    'profile = "{}"',
    'endpoint-url = "{}"',
    '[keys]\n"{}" = "x"',
    '[keys]\n"app.quit" = "{}"',
    '[themes."{}"]\nprimary = "{}"',
    '[demo]\ndrain = "{}"',
    'keymap = "{}"',
    "{}",
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_whatever_is_set(setting: str, here: Here, tmp_path: Path) -> None:
    escaped = "".join(f"\\U{ord(c):08X}" for c in NO_SURROGATE)
    file = tmp_path / f"{EVIL}.toml"
    for text in (escaped, EVIL):
        file.write_text(setting.replace("{}", text), errors="surrogateescape")
        for command in ("config", "config --json", "demo none", "wait x"):
            ended = here(*command.split(), SFNWATCH_CONFIG=str(file))
            assert acts(ended) == []


@pytest.mark.parametrize(
    "name",
    [
        *(f"SFNWATCH_{name}" for name in ("THEME", "DRAIN", "PROFILE", "DEPTH", EVIL)),
        *("AWS_PROFILE", "AWS_REGION", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL"),
    ],
    ids=ascii,
)
def test_whatever_the_environment_says(name: str, here: Here) -> None:
    for command in ("config", f"wait {ARN}", "explain machine"):
        ended = here(*command.split(), **{name.replace("=", ""): EVIL})
        assert acts(ended) == []


@pytest.mark.parametrize("profile", ["[profile {}]", "[{}", "[default]\nregion = {}"])
def test_whatever_the_configuration_of_aws_says(
    profile: str, here: Here, tmp_path: Path
) -> None:
    file = tmp_path / f"config{EVIL}"
    for text in (EVIL, EVIL.replace("\n", "")):
        file.write_text(profile.replace("{}", text), errors="surrogateescape")
        for words in (["wait", ARN], ["wait", ARN, "--profile", "x"], ["explain", "m"]):
            assert acts(here(*words, AWS_CONFIG_FILE=str(file))) == []


def test_whatever_the_folder_of_the_recordings_is_called(
    here: Here, tmp_path: Path
) -> None:
    words = ("demo", "async", "--plain", "--speed", "10000", "--drain", "0")
    folder = tmp_path / EVIL.replace("/", "")
    ended = here(*words, XDG_STATE_HOME=str(folder))
    assert acts(ended) == []
    assert "recorded to " in ended.err
    (tmp_path / "taken").write_text("")
    ended = here(*words, XDG_STATE_HOME=str(tmp_path / "taken" / EVIL))
    assert acts(ended) == []
    assert "not recording" in ended.err


# -- what AWS answers ------------------------------------------------------------------

ASKERS: Mapping[str, tuple[str, ...]] = {
    "watch": (ARN, "--plain", "--no-record", "--drain", "0"),
    "watch --json": (ARN, "--json", "--no-record", "--drain", "0"),
    "a machine": ("machine", "--plain", "--no-record"),
    "wait": ("wait", ARN),
    "wait for a machine": ("wait", "machine"),
    "explain": ("explain", ARN, "--drain", "0"),
    "compare": ("compare", ARN, f"{ARN}-2", "--drain", "0"),
}


def saying(code: str) -> Callable[[Any], tuple[int, Any]]:
    return lambda _: (400, {"__type": code, "message": EVIL})


@pytest.mark.parametrize("command", ASKERS)
def test_whatever_aws_answers(command: str, here: Here) -> None:
    for code in ("AccessDeniedException", "ExecutionDoesNotExist"):
        with answering(saying(code)) as url:
            ended = here(*ASKERS[command], "--endpoint-url", url, **KEYS)
        assert acts(ended) == []
        assert "evil" in ended.err


# -- what others write on stderr -------------------------------------------------------

OTHERS: Mapping[str, Sequence[str]] = {
    "what ends nothing": (
        "warnings.warn(EVIL)",
        "logging.getLogger('some.library').warning('%s', EVIL)",
        "print(EVIL, file=sys.stderr)",
        "asyncio.run(abandon())",
        "gone = Gone(); del gone",
    ),
    "a crash": ("raise ValueError(EVIL)",),
    "an error of click's": ("raise click.ClickException(EVIL)",),
}
RUN_OTHERS = """
import asyncio, click, logging, sys, warnings
from sfnwatch.cli import main
EVIL = {evil!r}
class Gone:
    def __del__(self):
        raise ValueError(EVIL)
async def fail():
    raise ValueError(EVIL)
async def abandon():
    asyncio.get_running_loop().create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
def evil(**_):
    {statements}
main.cli.get_command(click.Context(main.cli), "lab").callback = evil
sys.argv = ["sfnwatch", "lab"]
main.main()
"""


@pytest.mark.parametrize("what", OTHERS)
def test_what_others_write_is_clean_as_well(what: str, program: Processes) -> None:
    code = RUN_OTHERS.format(evil=EVIL, statements="\n    ".join(OTHERS[what]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        timeout=DEADLINE,
        env=program.env({}),
    )
    err = done.stderr.decode()
    assert err.count(SHOWN) >= len(OTHERS[what])
    assert leaks("stderr", err) == []


@examples(100)
@given(st.lists(anything))
def test_a_stream_that_cleans_keeps_its_lines_and_nothing_that_acts(
    texts: list[str],
) -> None:
    out = io.StringIO(newline="")
    stream = CleanStream(out)
    for text in texts:
        assert stream.write(text) == len(text)
    assert leaks("stderr", out.getvalue()) == []
    assert out.getvalue().count("\n") == "".join(texts).count("\n")


# -- on a terminal ---------------------------------------------------------------------


def test_a_path_is_data_for_a_pipe_and_words_for_a_terminal(program: Processes) -> None:
    refused(program.state / "recordings" / f"{EVIL}.sfnwatch.jsonl", "no")
    assert program("recordings", "path", "evil").code == 0
    terminal = program.terminal("recordings", "path", "evil", columns=1000)
    assert terminal.wait() == 0
    shown = terminal.raw.decode().replace("\r\n", "\n")
    assert leaks("terminal", shown) == []
    assert SHOWN in shown


def test_what_aws_answers_a_screen(program: Processes) -> None:
    with answering(saying("ExecutionDoesNotExist")) as url:
        keys: Any = KEYS
        terminal = program.terminal(ARN, "--endpoint-url", url, **keys)
        terminal.until("evil")
        terminal.quit(code=3)
    after = terminal.after.rpartition("\x1b[?1006l")[2].replace("\r\n", "\n")
    assert "ExecutionDoesNotExist. evil" in after
    assert leaks("terminal", after) == []


# -- one door --------------------------------------------------------------------------

PACKAGE = Path(sfnwatch.__file__).parent
WRITE = (
    *(f"sys.{name}" for name in ("stdout", "stderr", "__stdout__", "__stderr__")),
    *("sys.displayhook", "sys.excepthook", "sys.unraisablehook", "getpass", "pprint"),
    *("warnings.showwarning", "os.write", "os.writev", "os.open", "os.dup2"),
    *("os.fdopen", "pty", "curses", "faulthandler", "rich.print", "logging.Handler"),
    *("logging.basicConfig", "logging.config", "logging.lastResort"),
    *("logging.StreamHandler", "logging.FileHandler", "logging.handlers"),
    *("traceback.print_exc", "traceback.print_exception", "traceback.print_stack"),
    *("traceback.print_tb", "traceback.print_last", "click.clear", "click.confirm"),
    *("click.echo", "click.edit", "click.pause", "click.progressbar", "click.prompt"),
    "click.secho",
)
"""What writes to a stream, or to a terminal, or can; and all that is in it."""
DOOR = "cli/narration.py"
EXCEPTIONS: Mapping[str, set[str]] = {
    # Files, by their descriptors. What streams are is asked: no line goes out.
    "cli/debug_file.py": {"os.open", "os.write", "logging.Handler"},
    "cli/commands/doctor.py": {"sys.stdout"},
    "cli/browser_server.py": {"logging.Handler"},  # it hands each line to the door
    "cli/output.py": {"sys.stdout"},
    "recording/recorded_file.py": {"os.open"},
    "recording/recorder.py": {"os.open", "os.fdopen"},
    # Keys come from the terminal where stdin is a file.
    "cli/display.py": {"sys.stdout", "sys.__stderr__"},
    "cli/show.py": {"os.open", "os.dup2"},
}
"""Who may name what would write elsewhere, and why."""


def written_with() -> Mapping[str, set[str]]:
    """Have ruff name what of that each file has, under whatever name."""
    banned = ",".join(f'"{name}".msg=""' for name in WRITE)
    words = "ruff check --isolated --ignore-noqa --select T10,T20,TID251 --config"
    api = f"lint.flake8-tidy-imports.banned-api={{{banned}}}"
    done = subprocess.run(
        (sys.executable, "-m", *words.split(), api, "--output-format=json", PACKAGE),
        capture_output=True,
        check=False,
    )
    found = defaultdict[str, set[str]](set)
    for each in json.loads(done.stdout):
        name = Path(each["filename"]).relative_to(PACKAGE).as_posix()
        found[name].add(each["message"].split("`")[1])
    return found


def test_no_line_of_the_package_writes_to_a_stream_but_those_of_the_door() -> None:
    found = written_with()
    assert "click.echo" in found[DOOR]
    for name, names in found.items():
        assert name == DOOR or names <= EXCEPTIONS.get(name, set()), name
    files = PACKAGE.rglob("*.py")
    texts = {each.relative_to(PACKAGE).as_posix(): each.read_text() for each in files}
    opened = re.compile(r"[\"']/dev/(tty|std|fd)")
    assert {name for name in texts if opened.search(texts[name])} == {"cli/display.py"}
    asked = re.compile(r"(?<![\w.])input\(")
    assert not [name for name in texts if asked.search(texts[name])]
