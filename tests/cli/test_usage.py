"""What is typed wrong: refused in one sentence, whatever strangers put into it."""

import shlex
import socket

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.programs import COMMANDS, Ended, Program

HEAD = "arn:aws:states:eu-west-1:123456789012"
ARN = f"{HEAD}:execution:machine:run"


NAMES = {"ARN": ARN, "HEAD": HEAD, "HUGE": "9" * 400, "LONG": "x" * 81}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("HEAD:activity:machine", "activity"),
        ("HEAD:execution:machine", "the execution's name is missing"),
        ("demoo", "There is no command 'demoo'. Did you mean demo?"),
        ("no/such.json", "'no/such.json'"),
        ("'\x1b[31mHEAD'", "'␛[31marn:aws"),
        ("arn:aws:s3:::bucket/key", "an ARN of s3, not of Step Functions"),
        ("https://example.com/a", "an address with no ARN in it"),
        ("machine:PROD", "may be a version, an alias or an execution"),
        ("LONG", "They have at most 80 characters"),
        ("ARN --endpoint-url here", "--endpoint-url': 'here' is no URL; write http://"),
        ("ARN --endpoint-url ftp://a:b@x", "'ftp://…@x' is no URL; write"),
        ("ARN --endpoint-url http://a.example", "is neither this machine nor"),
        ("ARN --region 'b d'", "'b d' is no Region; write eu-west-1"),
        ("ARN --otlp here", "--otlp': 'here' is no URL; write http://"),
        ("ARN --plain --json", "--plain and --json exclude each other."),
        ("ARN --record x --no-record", "--record and --no-record exclude"),
        ("ARN --drain soon", "'soon' is no duration; write 90s, 15m or 1h"),
        ("ARN --unheard-of", "No such option"),
        ("ARN --consume", "--consume is for --queue URL."),
        ("ARN --sql --archive s3://b", "--sql is for --archive PATH."),
        ("ARN --athena-output s3://b/", "--athena-output is for --athena TABLE."),
        ("ARN --athena 'a;b'", "athena-ddl"),
        ("ARN --athena t --athena-output here", "s3://BUCKET/PREFIX/"),
        ("ARN --athena t --athena-partitions day", "day"),
        ("ARN --lake store", "store"),
        ("ARN --log-group 'a b'", "'a b' is no log group; write /aws/"),
        ("ARN --live-tail", "--live-tail is for --log-group NAME."),
        ("ARN --queue https://example.com/q", "https://sqs.REGION.amazonaws.com"),
        ("ARN --depth 99", "99 is not in the range 0<=x<=20"),
        ("watch --next", "No execution is named."),
        ("watch m --pick", "--pick is for the screen, and lines are printed."),
        ("watch m --pick --next", "--pick and --next exclude each other."),
        ("ARN --status FAILED", "--status is for a list to choose from."),
        ("ARN --since 24h", "--since is for a list to choose from."),
        ("ARN --drain HUGEd", "is no duration; write 90s"),
        ("ARN --endpoint-url https://x:99999", "is no URL; write http://"),
        ("ARN --record ''", "'' is no path"),
        ("web demo --theme nrod", "no theme `nrod`. Did you mean `nord`?"),
        ("list --status BROKEN", "'BROKEN' is not one of 'running', "),
        ("list --since soon", "'soon' is no time; write 90m, 24h, 7d or 20"),
        ("list --since 99999999999d", "is no time; write 90m"),
        ("setup-queue 'ecs;drop'", "'ecs;drop' is no service with events; write ecs"),
        ("athena-ddl bucket", "Missing option '--region'."),
        ("athena-ddl B_ --region eu-west-1", "no bucket of a trail; write BUCK"),
        ("athena-ddl b --region x", "'x' is no Region; write eu-west-1"),
        ("iam-policy --with all", "is not one of 'children', 'start', 'exp"),
        ("demo none", "scenario 'none'. There are: three-ways, sync, "),
        ("demo --speed 0", "0.1<=x<=10000"),
        ("demo --speed nan", "'nan' is no speed."),
        ("demo --speed inf", "0.1<=x<=10000"),
        ("demo --serve --port 70000", "0<=x<=65535"),
        ("demo --filter '~q'", "--filter '~q', at 1: unknown"),
        ("demo --time mars", "'mars' is not one of 'utc', 'local'"),
        ("web explain x", "'explain' has no screen to show."),
        ("web recordings", "'recordings' has no screen to show."),
        ("web recordings prune", "'recordings' has no screen to show."),
        ("web demo --plain", "'--plain' has no screen to show."),
        ("web demo --speed fast", "'fast' is not a valid float range"),
        ("replay", "Missing argument 'FILES...'"),
        ("export x", "Missing option '--to'"),
        ("replay - x -", "stdin can be read once. Name - once."),
        ("compare - -", "stdin can be read once. Name - once."),
        ("explain ''", "Neither a file nor an execution is named."),
        ("wait ' '", "No execution is named."),
        ("wait x --timeout soon", "'soon' is no duration"),
        ("wait x --summary", "GITHUB_STEP_SUMMARY names, and it is not set."),
        ("recordings prune", "Nothing is said of which to remove."),
        ("recordings prune --older-than old", "'old' is no duration"),
        ("recordings prune --larger-than HUGE", "is no size; write 500"),
        ("recordings prune --larger-than big", "'big' is no size; write"),
        ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(
    program: Program, line: str, sentence: str
) -> None:
    for name, meant in NAMES.items():
        line = line.replace(name, meant)
    assert sentence in program(*shlex.split(line)).said(2)
    assert program.recordings == []


@pytest.mark.parametrize(
    "option",
    [("--present",), ("--theme", "nord"), ("--filter", "~k call"), ("--ascii",)],
)
def test_what_is_for_the_screen_is_refused_where_lines_are_printed(
    program: Program, option: tuple[str, ...]
) -> None:
    said = program("demo", "async", "--plain", *option).said(2)
    assert said.startswith(f"{option[0]} is for the screen, and lines are printed.")


def test_what_names_nothing_is_told_alike_everywhere(program: Program) -> None:
    arn = f"{HEAD}:activity:machine"
    for command in (("explain",), ("export", "--to", "json"), ("compare",), ("wait",)):
        assert program(*command, arn).said(2) == program(arn).said(2)
    said = program("explain", "no/such.jsonl").said(4)
    assert said == "no/such.jsonl: can't be read: No such file or directory"
    said = program("explain", "calls").said(2)
    assert said.startswith("No Region is set in which to look for state machines.")
    assert said.endswith("There is no file calls here either.")


def test_a_console_url_is_as_good_as_an_arn(program: Program) -> None:
    page = "states/home?region=eu-west-1#/v2/executions/details"
    url = f"https://eu-west-1.console.aws.amazon.com/{page}/{ARN}"
    ended = program(f" '{url}' ", "--plain", "--no-record")
    assert ended.code == 3
    assert "AWS credentials: Unable to locate credentials." in ended.err


def test_a_port_that_is_taken_is_named(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words in (("demo", "--serve"), ("web", "--port", port, "demo")):
            said = program(*words, *(("--port", port) if words[0] == "demo" else ()))
            assert f"Can't serve on port {port}: Address already in use" in said.err
            assert said.code == 2


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_whatever_is_named_is_answered_in_clean_sentences(
    program: Program, text: str
) -> None:
    ended = program("watch", "--plain", "--no-record", "--", text)
    assert ended.code == 2
    assert_clean(ended)


def test_the_login_of_a_url_is_not_shown(program: Program) -> None:
    secret = "https://user:word@collector.example"
    shown = program("config", SFNWATCH_OTLP=secret)
    assert "https://…@collector.example" in shown.out
    told = program("watch", ARN, "--queue", f"{secret}/x").said(2)
    told += program("doctor", "--endpoint-url", "http://user:word@127.0.0.1:1").out
    assert "user" not in told
    assert "word" not in told
