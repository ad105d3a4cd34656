"""What is typed: answered in a sentence, or in the help."""

import pytest

from sfnwatch import __version__
from tests.program.programs import Program

HEAD = "arn:aws:states:eu-west-1:123456789012"
ARN = f"{HEAD}:execution:machine:run"
CODES = ("0", "1", "10", "11", "12", "13", "14", "2", "3", "4", "130")


def test_it_tells_its_version(program: Program) -> None:
    assert program("--version").out == f"sfnwatch {__version__}\n"


def test_the_help_tells_every_exit_code(program: Program) -> None:
    ended = program("--help")
    assert ended.code == 0
    _, _, codes = ended.out.partition("Exit codes:\n")
    told = [line.split()[0] for line in codes.splitlines() if line.split()]
    assert tuple(told[: len(CODES)]) == CODES


@pytest.mark.parametrize(
    "command", ["watch", "demo", "replay", "export", "explain", "compare", "redact"]
)
def test_every_command_explains_itself(program: Program, command: str) -> None:
    ended = program(command, "-h")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: sfnwatch {command} ")


def test_without_anything_it_shows_how_it_is_used(program: Program) -> None:
    ended = program()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: sfnwatch ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((f"{HEAD}:activity:machine",), "activity"),
        ((f"{HEAD}:execution:machine",), "the execution's name is missing"),
        (("demoo",), "There is no command 'demoo'. Did you mean demo?"),
        (("no/such.json",), "'no/such.json'"),
        ((f"\x1b[31m{HEAD}",), "'␛[31marn:aws"),
        ((ARN, "--endpoint-url", "here"), "--endpoint-url 'here' is no URL."),
        ((ARN, "--endpoint-url", "ftp://x"), "Write it as http://"),
        ((ARN, "--plain", "--json"), "--plain and --json exclude each other."),
        ((ARN, "--record", "x", "--no-record"), "--record and --no-record exclude"),
        ((ARN, "--drain", "soon"), "'soon' is no duration; write 90s, 15m or 1h"),
        ((ARN, "--unheard-of"), "No such option"),
        ((ARN, "another:one"), "'another:one'"),
        ((ARN, "--consume"), "--consume is for --queue URL."),
        ((ARN, "--sql", "--archive", "s3://b"), "--sql is for --archive PATH."),
        ((ARN, "--athena-output", "s3://b/"), "--athena-output is for --athena TABLE."),
        ((ARN, "--athena", "a;b"), "athena-ddl"),
        ((ARN, "--athena", "t", "--athena-output", "here"), "s3://BUCKET/PREFIX/"),
        ((ARN, "--athena", "t", "--athena-partitions", "day"), "day"),
        ((ARN, "--lake", "store"), "store"),
        ((ARN, "--log-group", "a b"), "neither the name nor the ARN of a log group"),
        ((ARN, "--live-tail"), "--live-tail is for --log-group NAME."),
        ((ARN, "--queue", "https://example.com/q"), "https://sqs.REGION.amazonaws.com"),
        (("watch", "--next"), "No execution is named."),
        (("watch", "m", "--pick"), "--pick is for the screen, and lines are printed."),
        (("watch", "m", "--pick", "--next"), "--pick and --next exclude each other."),
        (("setup-queue", "ecs;drop"), "not the name of a service's events"),
        (("athena-ddl", "b"), "Name at least one, with --region."),
        (
            ("iam-policy", "--with", "all"),
            "There are: children, start, express, ",
        ),
        (("demo", "none"), "scenario 'none'. There are: three-ways, sync, "),
        (("demo", "--speed", "0"), "0.1<=x<=10000"),
        (("demo", "--plain", "--json"), "--plain and --json exclude each other."),
        (("demo", "--serve", "--port", "70000"), "0<=x<=65535"),
        (("web", "explain", "x"), "'explain' has no screen to show."),
        (("web", "recordings"), "'recordings' has no screen to show."),
        (("web", "demo", "--plain"), "'--plain' has no screen to show."),
        (("web", "demo", "--speed", "fast"), "'fast' is not a valid float range"),
        (("replay",), "Missing argument 'FILES...'"),
        (("export", "x"), "Missing option '--to'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(
    program: Program, words: tuple[str, ...], sentence: str
) -> None:
    said = program(*words, AWS_REGION="eu-west-1").said(2)
    assert sentence in said
    assert said.isprintable()
    assert program.recordings == []


def test_a_console_url_is_as_good_as_an_arn(program: Program) -> None:
    url = (
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"
        f"#/v2/executions/details/{ARN}"
    )
    ended = program(url, "--plain", "--no-record")
    assert ended.code == 3
    assert f"DescribeExecution on {ARN}: Unable to locate credentials." in ended.err


def test_a_port_that_is_taken_is_named(program: Program) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = program("demo", "--serve", "--port", port).said(2)
    assert said.startswith(f"Can't serve on port {port}: Address already in use")
    assert said.endswith("Choose another --port.")


def test_the_policy_is_json_that_allows_reading_alone(program: Program) -> None:
    import json

    policy = json.loads(program("iam-policy").out)
    actions = [action for each in policy["Statement"] for action in each["Action"]]
    assert actions
    assert all(
        a.split(":")[1].startswith(("Get", "Describe", "List", "Lookup"))
        for a in actions
    )


@pytest.mark.parametrize(
    "option",
    [("--present",), ("--theme", "nord"), ("--filter", "~k call"), ("--ascii",)],
)
def test_what_is_for_the_screen_is_refused_where_lines_are_printed(
    program: Program, option: tuple[str, ...]
) -> None:
    ended = program("demo", "async", "--plain", *option)
    assert ended.code == 2
    assert f"{option[0]} is for the screen" in ended.err
    assert ended.out == ""


def test_a_filter_that_can_not_be_read_is_refused_with_its_place(
    program: Program,
) -> None:
    ended = program("demo", "async", "--filter", "~q")
    assert ended.code == 2
    assert "at 1: unknown ~q" in ended.err
