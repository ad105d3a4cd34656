"""Strangers write a part of what is said: none of it acts on the terminal it is on."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnwatch.narration import CleanStream
from sfnwatch.recording.naming import recordings_dir
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import From, HealthState, Received
from tests.builders import START, sync_run
from tests.program.programs import KEYS, Program
from tests.reliability.outlets import leaks
from tests.reliability.saying import console_url, parameters, said
from tests.trace.test_text import anything

HEAD = "arn:aws:states:eu-west-1:123456789012:execution:machine:"
ARN = f"{HEAD}run"
ATTACKS = {
    "clipboard": "\x1b]52;c;aGk=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "colour": "\x1b[31;1m",
    "C1": "\x9b31m\x9d0;owned\x9c\x85",
    "bidi": "\u202eowned\u2066",
    "zero width": "\u200b\u2060\ufeff\u00ad",
    "lines": "\nsfnwatch: forged\r\u2028\u2029\x0b\x0c\t\x08\x7f",
    "surrogate": "\udcff",
}
EVIL = "evil" + "".join(ATTACKS.values()) + "end"
SHAPES = {
    "bare": EVIL,
    "arn": HEAD + EVIL,
    "console": console_url(HEAD + EVIL),
    "http": f"http://{EVIL}",
    "s3": f"s3://{EVIL}",
    "file": f"no/such/{EVIL}.jsonl",
}
RECORDING = "run.jsonl"
ASKING = (ARN, "--drain", "0")
REST: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("watch",): (*ASKING, "--plain", "--no-record"),
    ("demo",): ("async", "--plain", "--no-record", "--speed", "10000", "--drain", "0"),
    ("replay",): (RECORDING, "--plain"),
    ("wait",): (ARN,),
    ("export",): (*ASKING, "--to", "csv"),
    ("explain",): ASKING,
    ("compare",): (f"{ARN}-2", *ASKING),
    ("redact",): (RECORDING,),
    ("recordings", "open"): ("1", "--plain"),
    ("recordings", "path"): ("1",),
    ("recordings", "export"): ("1", "--to", "text"),
    ("recordings", "redact"): ("1",),
    ("recordings", "prune"): ("--dry-run", "--older-than", "1d"),
    ("web",): ("replay", "--speed", "fast"),
    ("athena-ddl",): ("bucket", "--account", "123456789012", "--region", "eu-west-1"),
    ("completion",): ("bash",),
}
"""What a command takes to get far, beside what is tried with it."""
POSITIONAL = {
    ("watch",): ("--plain", "--no-record", "--drain", "0"),
    ("export",): ("--to", "csv"),
    ("recordings", "export"): ("--to", "text"),
    ("athena-ddl",): ("--account", "123456789012", "--region", "eu-west-1"),
}


@pytest.fixture(autouse=True)
def _folder(no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a recording, and one more where recordings lie."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    recordings_dir().mkdir(parents=True)
    for path in (Path(RECORDING), recordings_dir() / "run.sfnwatch.jsonl"):
        recorder = Recorder.create(path, [ARN], START, "sfnwatch 0")
        recorder(tuple(sync_run()))
        recorder.close()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("command", "option"), list(parameters()), ids=str)
def test_whatever_is_typed(command: tuple[str, ...], option: str, shape: str) -> None:
    if option:
        words = (*command, *REST.get(command, ()), option, SHAPES[shape])
    elif command == ("web",):
        words = (*command, "replay", "--speed", SHAPES[shape])
    else:
        words = (*command, SHAPES[shape], *POSITIONAL.get(command, ()))
    ended = said(words)
    assert ended.acts == []
    assert "\nsfnwatch: forged" not in ended.err


# -- files, and what is in them ----------------------------------------------------

READERS: Mapping[str, tuple[str, ...]] = {
    "replay": ("replay", "{}", "--plain"),
    "replay --json": ("replay", "{}", "--json"),
    "explain": ("explain", "{}"),
    "explain --format markdown": ("explain", "{}", "--format", "markdown"),
    "export": ("export", "{}", "--to", "text"),
    "export --to csv": ("export", "{}", "--to", "csv"),
    "compare": ("compare", "{}", RECORDING),
    "redact": ("redact", "{}"),
}
FILES: Mapping[str, str] = {
    "nothing": "",
    "no JSON": EVIL,
    "another JSON": json.dumps({EVIL: [EVIL]}),
    "a bad line": '{"sfnwatch_recording": 1, "created": "2023-11-15T00:28:24Z"}\n'
    + json.dumps({EVIL: EVIL}),
    "a history": json.dumps({"events": [{"id": EVIL, "type": EVIL}]}),
    "a version to come": json.dumps({"sfnwatch_recording": 99, "tool": EVIL}),
}


def read_with(command: str, file: str) -> list[str]:
    return [word.format(file) for word in READERS[command]]


@pytest.mark.parametrize("content", FILES)
@pytest.mark.parametrize("command", READERS)
def test_whatever_a_file_is_called_and_holds(command: str, content: str) -> None:
    name = f"{EVIL}.jsonl"
    Path(name).write_text(FILES[content], errors="surrogateescape")
    assert said(read_with(command, name)).acts == []


def recorded(path: Path, message: str, arn: str = ARN) -> str:
    """Record an execution that AWS would not show, with its words for it."""
    recorder = Recorder.create(path, [arn], START, "sfnwatch 0")
    for lane in ("history", "lookup", message):
        data = {"lane": lane, "state": str(HealthState.REFUSED), "message": message}
        recorder((Received(START, From.HEALTH, arn, data),))
    recorder.close()
    return str(path)


@pytest.mark.parametrize("command", READERS)
def test_what_aws_once_said_when_it_is_read_from_a_recording(command: str) -> None:
    ended = said(read_with(command, recorded(Path("refused.jsonl"), EVIL)))
    assert ended.acts == []
    if command in {"replay", "explain", "export", "compare"}:
        assert ended.code == (2 if command == "compare" else 3)
        assert "evil␛]52;c;aGk=␇" in ended.err
        assert len(ended.err.splitlines()) <= 4, "no line of it is forged"


@pytest.mark.parametrize("listed", [(), ("path",), ("open", "--plain"), ("redact",)])
def test_recordings_with_any_name(listed: tuple[str, ...]) -> None:
    folder = recordings_dir()
    recorded(folder / f"{EVIL.replace('/', '')}.sfnwatch.jsonl", EVIL, HEAD + EVIL)
    (folder / f"x{EVIL}.sfnwatch.jsonl").write_text(EVIL, errors="surrogateescape")
    for name in (("1",), ("2",), ("evil",), (EVIL,)) if listed else ((),):
        ended = said(["recordings", *listed[:1], *name, *listed[1:]])
        if listed != ("path",):
            assert ended.acts == []
    assert said(["recordings", "prune", "--older-than", "0s", "--yes"]).acts == []


# -- settings ----------------------------------------------------------------------

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
@pytest.mark.parametrize("command", ["config", "config --json", "demo none", "wait x"])
def test_whatever_is_set(setting: str, command: str, tmp_path: Path) -> None:
    escaped = "".join(f"\\U{ord(c):08X}" for c in EVIL.replace("\udcff", ""))
    file = tmp_path / f"{EVIL}.toml"
    file.write_text(setting.replace("{}", escaped))
    assert said(command.split(), {"SFNWATCH_CONFIG": str(file)}).acts == []
    file.write_text(setting.replace("{}", EVIL), errors="surrogateescape")
    assert said(command.split(), {"SFNWATCH_CONFIG": str(file)}).acts == []


def test_whatever_the_environment_says() -> None:
    strange = EVIL.replace("=", "")
    for name in ("THEME", "DRAIN", "PROFILE", "ENDPOINT_URL", "DEPTH", strange):
        for command in ("config", "demo none --plain", f"wait {ARN}"):
            ended = said(command.split(), {f"SFNWATCH_{name}": EVIL})
            assert ended.acts == []
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL"):
        for command in ("config", f"wait {ARN}", "explain machine"):
            assert said(command.split(), {name: EVIL}).acts == []


@pytest.mark.parametrize("profile", ["[profile {}]", "[{}", "[default]\nregion = {}"])
def test_whatever_the_configuration_of_aws_says(profile: str, tmp_path: Path) -> None:
    file = tmp_path / f"config{EVIL}"
    for text in (EVIL, EVIL.replace("\n", "")):
        file.write_text(profile.replace("{}", text), errors="surrogateescape")
        env = {"AWS_CONFIG_FILE": str(file)}
        for words in (["wait", ARN], ["wait", ARN, "--profile", "x"], ["explain", "m"]):
            assert said(words, env).acts == []


def test_the_folder_of_the_recordings(tmp_path: Path) -> None:
    folder = tmp_path / EVIL.replace("/", "")
    env = {"XDG_STATE_HOME": str(folder)}
    assert said(["recordings"], env).acts == []
    words = ["demo", "async", "--plain", "--speed", "10000", "--drain", "0"]
    ended = said(words, env)
    assert ended.acts == []
    assert "recorded to " in ended.err
    folder.with_name("taken").write_text("")
    ended = said(words, {"XDG_STATE_HOME": str(folder.with_name("taken") / EVIL)})
    assert ended.acts == []
    assert "not recording" in ended.err


# -- what AWS answers --------------------------------------------------------------


@contextmanager
def answering(code: str, message: str) -> Iterator[str]:
    """Refuse whatever is asked for, in these words."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            body = json.dumps({"__type": code, "message": message}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ASKERS: Mapping[str, tuple[str, ...]] = {
    "watch": ("watch", ARN, "--plain", "--no-record", "--drain", "0"),
    "watch --json": ("watch", ARN, "--json", "--no-record", "--drain", "0"),
    "a machine": ("watch", "machine", "--plain", "--no-record"),
    "wait": ("wait", ARN),
    "wait for a machine": ("wait", "machine"),
    "explain": ("explain", ARN, "--drain", "0"),
    "export": ("export", ARN, "--to", "text", "--drain", "0"),
    "compare": ("compare", ARN, f"{ARN}-2", "--drain", "0"),
}


@pytest.mark.parametrize("command", ASKERS)
def test_whatever_aws_answers(command: str) -> None:
    for code in ("AccessDeniedException", "ExecutionDoesNotExist"):
        with answering(code, EVIL) as url:
            ended = said([*ASKERS[command], "--endpoint-url", url], KEYS)
        assert ended.acts == []
        assert "evil" in ended.err
        assert "\nsfnwatch: forged" not in ended.err


# -- any text, by each way in ------------------------------------------------------


def typed(text: str) -> str:
    """Put what no command line can hold into what it can."""
    return text.encode(errors="replace").decode().replace("\0", "")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(anything)
def test_any_text_by_each_way_in(tmp_path: Path, text: str) -> None:
    word = typed(text)
    file = tmp_path / "refused.jsonl"
    file.unlink(missing_ok=True)
    for words in (
        ["wait", HEAD + word],
        ["wait", console_url(HEAD + text)],
        ["explain", f"no/such/{word}.jsonl"],
        ["replay", RECORDING, "--plain", "--filter", word],
        ["replay", RECORDING, f"--{word}"],
        ["demo", word],
        ["recordings", "path", word or "x"],
        ["explain", recorded(file, text)],
        ["replay", str(file), "--plain"],
    ):
        assert said(words).acts == []


# -- what others write on stderr ---------------------------------------------------

OTHERS: Mapping[str, str] = {
    "a warning": "warnings.warn(EVIL)",
    "a logger": "logging.getLogger('some.library').warning('%s', EVIL)",
    "a logger with a traceback": "logging.getLogger('x').error('', exc_info=ValueError"
    "(EVIL))",
    "print": "print(EVIL, file=sys.stderr)",
    "a crash": "raise ValueError(EVIL)",
    "a crash of several": "raise ExceptionGroup(EVIL, [ValueError(EVIL)])",
    "an error of click's": "raise click.ClickException(EVIL)",
    "an abandoned task": "asyncio.run(abandon())",
    "an error in the end": "gone = Gone(); del gone",
}
RUN_OTHERS = """
import asyncio, click, logging, sys, warnings
from sfnwatch import cli
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
    {statement}
cli.cli.commands["lab"].callback = evil
sys.argv = ["sfnwatch", "lab"]
cli.main()
"""


@pytest.mark.parametrize("what", OTHERS)
def test_what_others_write_is_clean_as_well(what: str, no_aws: None) -> None:
    code = RUN_OTHERS.format(evil=EVIL, statement=OTHERS[what])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=60
    )
    err = done.stderr.decode()
    assert "evil␛]52;c;aGk=␇" in err
    assert leaks("stderr", err) == []


@given(st.lists(anything))
def test_a_stream_that_cleans_keeps_its_lines_and_nothing_that_acts(
    texts: list[str],
) -> None:
    out = io.StringIO(newline="")
    stream = CleanStream(out)
    for text in texts:
        assert stream.write(text) == len(text)
    whole = "".join(texts)
    assert leaks("stderr", out.getvalue()) == []
    assert out.getvalue().count("\n") == whole.count("\n")


# -- on a terminal -----------------------------------------------------------------


def test_a_path_is_data_for_a_pipe_and_words_for_a_terminal(
    program: Program, tmp_path: Path
) -> None:
    folder = program.state / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{EVIL}.sfnwatch.jsonl"
    recorded(path, "no")
    piped = program("recordings", "path", "evil")
    assert piped.code == 0
    terminal = program.terminal("recordings", "path", "evil", columns=1000)
    assert terminal.wait() == 0
    shown = terminal.raw.decode().replace("\r\n", "\n")
    assert leaks("terminal", shown) == []
    assert "evil␛]52;c;aGk=␇" in shown


def test_what_is_said_when_the_screen_is_gone(program: Program, tmp_path: Path) -> None:
    file = recorded(tmp_path / f"{EVIL}.jsonl", EVIL)
    terminal = program.terminal("replay", file, "--record", str(tmp_path / f"{EVIL}2"))
    terminal.until("evil")
    terminal.press("q")
    assert terminal.wait() == 3
    after = terminal.after.rpartition("\x1b[?1006l")[2].replace("\r\n", "\n")
    assert "sfnwatch: evil␛]52;c;aGk=␇" in after
    assert leaks("terminal", after) == []


def test_what_aws_answers_a_screen(program: Program) -> None:
    with answering("ExecutionDoesNotExist", EVIL) as url:
        keys: Mapping[str, Any] = KEYS
        terminal = program.terminal(ARN, "--endpoint-url", url, **keys)
        terminal.until("evil")
        terminal.press("q")
        assert terminal.wait() == 3
    after = terminal.after.rpartition("\x1b[?1006l")[2].replace("\r\n", "\n")
    assert "ExecutionDoesNotExist. evil" in after
    assert leaks("terminal", after) == []


def test_a_line_on_a_terminal(program: Program, tmp_path: Path) -> None:
    file = recorded(tmp_path / "refused.jsonl", EVIL)
    for words in (
        ("replay", file, "--plain"),
        ("explain", file),
        ("wait", HEAD + EVIL),
    ):
        terminal = program.terminal(*words, columns=1000)
        assert terminal.wait() == 3
        assert leaks("terminal", terminal.raw.decode().replace("\r\n", "\n")) == []
