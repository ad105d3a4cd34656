"""What is typed wrong, or is missing: said in a sentence, whatever is put into it."""

import importlib.util
import pwd
import shlex
import socket
import sys
import unicodedata
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import to_install
from sfnwatch.sources.live_options import CallOptions
from sfnwatch.view.signs import to_ascii
from tests.cli.programs import COMMANDS, Ended, Program, golden

HEAD = "arn:aws:states:eu-west-1:123456789012"
ARN = f"{HEAD}:execution:machine:run"


GROUPS = {path[:1] for path in COMMANDS}
NAMES = {"ARN": ARN, "HEAD": HEAD, "HUGE": "9" * 400, "LONG": "x" * 81}


OF_OPTIONS = [
    ("ARN --endpoint-url here", "--endpoint-url': 'here' is no URL; write http://"),
    ("ARN --endpoint-url ftp://a:b@x", "'ftp://…@x' is no URL; write"),
    ("ARN --endpoint-url http://a.example", "is neither this machine nor"),
    ("ARN --region 'b d'", "'b d' is no Region; write eu-west-1"),
    ("ARN --otlp here", "--otlp': 'here' is no URL; write http://"),
    ("ARN --otlp http://[::1]:45@", "is no URL; write http://"),
    ("ARN --otlp http://u:p@a.example", "…@a.example/v1/traces is neither this"),
    ("ARN --plain --json", "--plain and --json can't be combined."),
    ("ARN --record x --no-record", "--record and --no-record can't be combined"),
    ("ARN --drain soon", "'soon' is no duration; write 90s, 15m or 1h"),
    ("ARN --unheard-of", "No such option"),
    ("ARN --consume", "--consume is for --queue URL."),
    ("ARN --sql --archive s3://b", "--sql is for --archive PATH."),
    ("ARN --athena-output s3://b/", "--athena-output is for --athena TABLE."),
    ("ARN --athena 'a;b'", "athena-ddl"),
    ("ARN --athena t --athena-partitions day", "day"),
    ("ARN --lake store", "store"),
    ("ARN --log-group 'a b'", "'a b' is no log group; write /aws/"),
    ("ARN --live-tail", "--live-tail is for --log-group NAME."),
    ("ARN --queue https://example.com/q", "https://sqs.REGION.amazonaws.com"),
    ("ARN --depth 99", "99 is not in the range 0<=x<=20"),
    ("ARN --drain HUGEd", "is no duration; write 90s"),
    ("ARN --endpoint-url https://x:99999", "is no URL; write http://"),
    ("ARN --record ''", "'' is no path"),
    ("list --status BROKEN", "'BROKEN' is not one of 'running', "),
    ("list --since soon", "'soon' is no time; write 90m, 24h, 7d or 20"),
    ("list --since 99999999999d", "is no time; write 90m"),
    ("athena-ddl B_ --region eu-west-1", "no bucket of a trail; write BUCK"),
    ("athena-ddl b --region x", "'x' is no Region; write eu-west-1"),
    ("iam-policy --with all", "is not one of 'children', 'start', 'exp"),
    ("demo none", "'none' is not one of 'three-ways', 'sync', "),
    ("demo --speed 0", "'0' is no speed; write a number from 0.1 to 10000"),
    ("demo --speed nan", "'nan' is no speed; write"),
    ("demo --speed inf", "'inf' is no speed; write"),
    ("demo --serve --port 70000", "0<=x<=65535"),
    ("demo --filter '~q'", "--filter '~q', at 1: unknown"),
    ("demo --plain --present", "--present is for the screen, and lines are"),
    ("demo --plain --theme nord", "--theme is for the screen, and lines are"),
    ("demo --plain --filter ~e", "--filter is for the screen, and lines are"),
    ("demo --plain --ascii", "--ascii is for the screen, and lines are printed."),
    ("demo --time mars", "'mars' is not one of 'utc', 'local'"),
    ("replay - x -", "stdin can be read once. Name - once."),
    ("compare - -", "stdin can be read once. Name - once."),
    ("explain ''", "No execution is named."),
    ("wait ' '", "No execution is named."),
    ("wait x --timeout soon", "'soon' is no duration"),
    ("recordings prune --older-than old", "'old' is no duration"),
    ("recordings prune --larger-than HUGE", "is no size; write 500"),
    ("recordings prune --larger-than big", "'big' is no size; write"),
    ("ARN --otlp env", "There is no endpoint in OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("ARN --record /dev/../etc/passwd", "exists"),
    ("ARN --filter '~q'", "--filter '~q', at 1: unknown"),
    ("wait ARN --region 'b d'", "'b d' is no Region"),
    ("export --to nothing ARN", "'nothing' is not one of"),
    ("athena-ddl b --account 12", "'12' is no ID"),
    ("recordings open 1 --speed 0", "'0' is no speed; write"),
    ("recordings unheard-of", "No such command 'unheard-of'."),
    ("recordings --unheard-of", "No such option"),
    ("list 'a b'", "is no name of a state machine"),
    ("explain machine:PROD", "is no name of a state machine"),
]
"""What `config` refuses of a command line as the command does, in the same words."""
OTHERS = [
    ("HEAD:activity:machine", "activity"),
    ("HEAD:execution:machine", "the execution's name is missing"),
    ("demoo", "There is no command 'demoo'. Did you mean demo?"),
    ("no/such.json", "'no/such.json'"),
    ("'\x1b[31mHEAD'", "'␛[31marn:aws"),
    ("arn:aws:s3:::bucket/key", "no ARN of Step Functions in it"),
    ("https://example.com/a", "no ARN of Step Functions in it"),
    ("machine:PROD", "is no name of a state machine"),
    ("LONG", "is no name of a state machine"),
    ("watch --next", "No execution is named."),
    ("watch m --pick", "--pick is for the screen, and lines are printed."),
    ("watch m --pick --next", "--pick and --next can't be combined."),
    ("ARN --status FAILED", "--status is for a list to choose from."),
    ("ARN --since 24h", "--since is for a list to choose from."),
    ("web demo --theme nrod", "no theme `nrod`. Did you mean `nord`?"),
    ("setup-queue 'ecs;drop'", "'ecs;drop' is no service with events; write ecs"),
    ("athena-ddl bucket", "Missing option '--region'."),
    ("web explain x", "'explain' has no screen to show."),
    ("web recordings", "'recordings' has no screen to show."),
    ("web recordings prune", "'recordings' has no screen to show."),
    ("web demo --plain", "'--plain' has no screen to show."),
    ("web demo --speed fast", "'fast' is no speed; write"),
    ("replay", "Missing argument 'FILES...'"),
    ("export x", "Missing option '--to'"),
    ("wait x --summary", "GITHUB_STEP_SUMMARY names, and it is not set."),
    ("recordings prune", "Say which to remove."),
    ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
]


@pytest.mark.parametrize(("line", "sentence"), [*OF_OPTIONS, *OTHERS])
def test_what_can_not_be_done_is_said_in_a_sentence(
    program: Program, line: str, sentence: str
) -> None:
    is_alike = (line, sentence) in OF_OPTIONS
    for name, meant in NAMES.items():
        line = line.replace(name, meant)
    words = shlex.split(line)
    said = program(*words).said(2)
    assert sentence in said
    assert program.recordings == []
    if is_alike:
        named = words if (words[0],) in GROUPS else ["watch", *words]
        assert program("config", *named).said(2) == said


def test_every_option_of_calls_can_be_given() -> None:
    given = {param.name for param in COMMANDS["watch",].params} | {"lookup"}
    missing = {*CallOptions.__struct_fields__} - given
    assert not missing, f"add to aws_options in sfnwatch/cli/options.py: {missing}"


def test_what_names_nothing_is_told_alike_everywhere(program: Program) -> None:
    arn = f"{HEAD}:activity:machine"
    for command in (("explain",), ("export", "--to", "json"), ("compare",), ("wait",)):
        assert program(*command, arn).said(2) == program(arn).said(2)
    said = program("explain", "no/such.jsonl").said(4)
    assert said == "no/such.jsonl: can't be read: No such file or directory"
    said = program("explain", "calls").said(2)
    assert said.startswith("No Region is set in which to look for state machines.")


def test_a_console_url_is_as_good_as_an_arn(program: Program) -> None:
    page = "states/home?region=eu-west-1#/v2/executions/details"
    url = f"https://eu-west-1.console.aws.amazon.com/{page}/{ARN}"
    ended = program(f" {url} ", "--plain", "--no-record")
    assert ended.code == 3
    assert "AWS credentials: Unable to locate credentials." in ended.err


def test_a_port_that_is_taken_is_named(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = program("web", "--port", port, "demo").said(2)
        assert f"Can't serve on port {port}: Address already in use" in said


# -- hostile text ----------------------------------------------------------------------

BAD = "\x1b]52;c;x\x07\x9b31m\u202e\u200b\n\r"
"""What a terminal would act on: escapes of both kinds, bidi, zero-width, lines."""


def assert_clean(ended: Ended) -> None:
    """Hold that nothing a terminal acts on was printed, and no line was made up."""
    for line in (*ended.err.splitlines(), *ended.lines):
        assert line.isprintable(), line
    assert all(each.startswith("sfnwatch: ") for each in ended.err.splitlines())


PLACES = {
    param.opts[-1]: (*path, param.opts[-1])
    for path, command in COMMANDS.items()
    for param in command.params
    if isinstance(param, click.Option) and not param.is_flag
}
"""Every option that takes a value, at one of the commands that have it."""
NEEDED = {"export": ("--to", "json"), "prune": ("--older-than", "1d")}


@pytest.mark.parametrize("place", PLACES.values(), ids=" ".join)
def test_no_option_s_value_reaches_the_terminal(
    program: Program, place: tuple[str, ...]
) -> None:
    *path, option = place
    names = {"watch": (ARN,), "wait": (ARN,), "compare": ("a", "b"), "demo": ("x",)}
    rest = names.get(path[-1], ("no/such",) if path[-1] != "prune" else ("--dry-run",))
    if path == ["iam-policy"]:
        rest = ()
    more = NEEDED.get(path[-1], ()) if option not in NEEDED.get(path[-1], ()) else ()
    for value in (BAD, f"https://{BAD}", f"s3://{BAD}", f"arn:aws:logs:{BAD}"):
        ended = program(*path, option, value, *more, *rest)
        # 1: it names a file that can't be written.
        assert ended.code in {0, 1, 2, 3, 4}
        assert_clean(ended)


@pytest.mark.parametrize(
    "path",
    # What web is given goes to a program that a browser shows.
    [path for path in COMMANDS if path != ("web",)],
    ids=" ".join,
)
def test_no_argument_reaches_the_terminal(
    program: Program, path: tuple[str, ...]
) -> None:
    more = NEEDED.get(path[-1], ())
    for value in (BAD, f"x{BAD}.jsonl", f"{HEAD}:execution:m:{BAD}", f"-{BAD}"):
        ended = program(*path, *more, value)
        assert ended.code in {2, 3, 4}
        assert_clean(ended)


def test_the_login_of_a_url_is_not_shown(program: Program) -> None:
    secret = "https://user:word@collector.example"
    shown = program("config", SFNWATCH_OTLP=secret)
    assert "https://…@collector.example" in shown.out
    told = program("watch", ARN, "--queue", f"{secret}/x").said(2)
    told += program("doctor", "--endpoint-url", "http://user:word@127.0.0.1:1").out
    assert "user" not in told
    assert "word" not in told


# -- how an extra that is missing is installed -----------------------------------------


@pytest.mark.parametrize(
    ("pip", "how"),
    [
        ("pip", "/env/bin/python -m pip install"),
        (None, "uv pip install --python /env/bin/python"),
    ],
)
def test_it_is_installed_where_the_program_is(
    pip: str | None, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: pip)
    monkeypatch.setattr(sys, "executable", "/env/bin/python")
    assert to_install("web") == f"{how} 'sfnwatch[web]'"


# -- without a home, and where there are but letters -----------------------------------

FAILED = golden("demo-failure")
UNICODE: tuple[dict[str, str], ...] = (
    {},
    {"LANG": "ja_JP.UTF-8"},
    {"LANG": "en_US"},
    {"LANG": "C.UTF-8"},
    {"LANG": "C", "LC_ALL": "en_US.utf8"},
    {"LANG": "", "LC_CTYPE": "UTF-8"},
    {"LANG": "de_DE.UTF-8@euro"},
)
ASCII: tuple[dict[str, str], ...] = (
    {"LANG": "C"},
    {"LANG": "POSIX"},
    {"LC_ALL": "C", "LANG": "en_US.UTF-8"},
    {"LC_CTYPE": "C"},
    {"LANG": "de_DE.ISO-8859-1@euro"},
    {"LANG": "ja_JP.eucJP"},
    # What Python makes of LANG=C when it starts.
    {"LANG": "C", "LC_CTYPE": "C.UTF-8"},
)


@pytest.mark.parametrize("locale", UNICODE)
def test_signs_are_shown_where_there_are_some(
    program: Program, locale: dict[str, str]
) -> None:
    ended = program("replay", FAILED, "--plain", "--no-record", **locale)
    assert "✘ failed" in ended.out


@pytest.mark.parametrize("locale", ASCII)
def test_a_locale_without_signs_gets_ascii(
    program: Program, locale: dict[str, str]
) -> None:
    for line in (("replay", FAILED, "--plain", "--no-record"), ("explain", FAILED)):
        ended = program(*line, **locale)
        assert ended.out.isascii()
        assert ended.err.isascii()
    assert not program("export", FAILED, "--to", "text", **locale).out.isascii(), (
        "an export is data"
    )


@pytest.mark.parametrize(
    "line",
    [
        "replay {} --plain --no-record",
        "replay {} --plain --record here.jsonl",
        "explain {}",
        "recordings",
        "config",
        "redact {}",
    ],
)
def test_who_has_no_home_is_missing_a_folder_and_no_more(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    without_home(monkeypatch)
    ended = program(*line.format(FAILED).split())
    assert ended.code in {0, 10}
    assert "Traceback" not in ended.err
    assert not (tmp_path / "~").exists()


def test_without_a_home_a_watch_goes_on_without_a_recording(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_home(monkeypatch)
    ended = program("demo", "sync", "--plain", "--speed", "2000", "--drain", "1s")
    assert ended.code == 0
    assert "not recording: There is no home directory to record in." in ended.err
    assert list(tmp_path.iterdir()) == []


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the environment's word for a home away, and the system's."""

    def unknown(*_: object) -> None:
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@given(st.text())
def test_letters_of_any_script_stay(text: str) -> None:
    letters = [c for c in text if unicodedata.category(c)[0] in "LMN"]
    assert [c for c in to_ascii(text) if c in letters] == letters
