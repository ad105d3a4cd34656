"""What is printed: completion, templates, help, the manual; and what that costs."""

import json
import re
import shutil
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest

from sfnwatch.recording.library import recordings_dir
from tests.cli.programs import COMMANDS, Program, golden
from tests.test_walls import HEAVY, loaded_after

EXECUTION = "arn:aws:states:ap-northeast-1:123456789012:execution:send-newsletter"
Offer = Callable[..., list[str]]


@pytest.fixture
def offer(program: Program) -> Offer:
    """Offer what follows a line of bash; give the values."""

    def offer(line: str, breaks: str = " ") -> list[str]:
        told = program(
            _SFNWATCH_COMPLETE="bash_complete", COMP_LINE=line, COMP_WORDBREAKS=breaks
        )
        assert (told.code, told.err) == (0, "")
        return [each.partition(",")[2] for each in told.lines if each]

    return offer


@pytest.fixture
def recorded() -> str:
    """A recording in its place; the ARN of its execution."""
    path = recordings_dir() / "one.sfnwatch.jsonl.gz"
    path.parent.mkdir(parents=True)
    shutil.copy(golden("demo-async"), path)
    (path.parent / "torn.sfnwatch.jsonl").write_text('{"sfnwatch": 1')
    (path.parent / "a b;$(rm).sfnwatch.jsonl").touch()
    return EXECUTION


def test_commands_and_what_follows_watch_stand_first(offer: Offer) -> None:
    assert offer("sfnwatch re") == ["recordings", "redact", "replay"]
    assert {"--profile", "--version"} <= {*offer("sfnwatch --")}
    assert {"three-ways", "sync"} <= {*offer("sfnwatch demo ")}
    assert offer("sfnwatch demo sync --theme no") == ["nord"]
    assert offer("sfnwatch nosuchmachine --next --prof") == ["--profile"]
    assert offer("sfnwatch demoo --prof") == ["--profile"], "it is no time to complain"
    assert "eu-west-1" in offer("sfnwatch --region eu-w")
    assert offer("sfnwatch --region=eu-west-1", " =:") == ["eu-west-1"]


def test_profiles_are_those_of_awss_files(
    offer: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(
        '[default]\nregion=x\n[profile dev]\n[profile "prod"]\n[profile two words]\n'
        "[sso-session mine]\n[services s]\n"
    )
    credentials.write_text("[dev]\naws_access_key_id=x\n[keys]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    assert offer("sfnwatch --profile ") == ["default", "dev", "keys", "prod"]
    assert offer("sfnwatch explain --trail-profile d") == ["default", "dev"]
    credentials.write_text("[broken")
    assert offer("sfnwatch watch --profile ") == ["default", "dev", "prod"]


def test_what_was_recorded_is_offered(offer: Offer, recorded: str) -> None:
    (arn,) = offer("sfnwatch watch ")
    assert arn.startswith(recorded)
    assert offer("sfnwatch explain arn:aws:states") == [arn]
    assert offer("sfnwatch explain ./x") == ["./x"], "files are left to the shell"
    assert offer("sfnwatch watch nobody") == []
    assert offer("sfnwatch recordings path ") == ["torn", "one.sfnwatch.jsonl.gz"]


# -- what to set up --------------------------------------------------------------------

TABLE = ("athena-ddl", "s3://my-trail/logs/", "--region", "eu-west-1")


def lint(text: str) -> list[str]:
    """Ask cfn-lint; a wish for more prose is none of its errors.

    To ask for all Regions takes four times as long.
    """
    if find_spec("cfnlint") is None:
        pytest.skip("cfn-lint is not installed")
    api, regions = import_module("cfnlint.api"), ["us-east-1", "ap-northeast-1"]
    asked = api.ManualArgs(
        include_checks=["I"], include_experimental=True, regions=regions
    )
    found = api.lint(text, config=asked)
    return [str(match) for match in found if match.rule.id != "I4010"]


@pytest.mark.parametrize(
    "words",
    [("setup-queue", "glue"), ("lab", "--with-queue")],
)
def test_a_linter_has_nothing_against_a_template(
    program: Program, words: tuple[str, ...]
) -> None:
    ended = program(*words)
    assert (ended.code, ended.err) == (0, "")
    assert lint(ended.out) == []


def rules(program: Program, *services: str) -> dict[str, dict[str, Any]]:
    made = program("setup-queue", *services).json["Resources"]
    found = {name: r for name, r in made.items() if r["Type"] == "AWS::Events::Rule"}
    policy = made["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = policy[0]["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert [each["Fn::GetAtt"][0] for each in allowed] == list(found), "and no others"
    return {name: each["Properties"] for name, each in found.items()}


def test_the_queue_gets_calls_that_only_read_of_the_services_named(
    program: Program,
) -> None:
    wide = rules(program)
    assert wide["CallsRule"]["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert "eventSource" not in wide["CallsRule"]["EventPattern"]["detail"]
    assert set(wide) == {"CallsRule", "TasksRule"}
    narrow = rules(program, "glue", "glue.amazonaws.com")["CallsRule"]
    assert narrow["EventPattern"]["detail"]["eventSource"] == ["glue.amazonaws.com"]


def test_the_lab_runs_one_task_in_four_ways(program: Program) -> None:
    made = program("lab").json["Resources"]
    machines = [
        each["Properties"]["Definition"]["States"]["ECS RunTask"]["Resource"]
        for each in made.values()
        if each["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    head = "arn:aws:states:::"
    assert sorted(machines) == [
        f"{head}aws-sdk:ecs:runTask",
        f"{head}ecs:runTask",
        *[f"{head}ecs:runTask.sync"] * 2,
    ]
    polls = json.dumps(made["RunTaskRole"]).count("ecs:DescribeTasks")
    assert (polls, "ecs:DescribeTasks" in json.dumps(made["DeniedRole"])) == (1, False)
    assert "Queue" in program("lab", "--with-queue").json["Resources"]


def test_the_policy_allows_what_options_ask_for(program: Program) -> None:
    more = program("iam-policy", "--with", "queue", "--with", "athena").out
    assert "sqs:ReceiveMessage" in more
    assert "athena:StartQueryExecution" in more
    assert "sqs:DeleteMessage" not in more


def test_the_table_is_one_that_athena_can_read(program: Program) -> None:
    made = program(*TABLE, "--account", "123456789012", "--since", "2026-01-01").out
    assert made.startswith("CREATE EXTERNAL TABLE cloudtrail_logs (")
    assert "LOCATION 's3://my-trail/logs/AWSLogs/'" in made
    assert "'projection.timestamp.range' = '2026/01/01,NOW'" in made
    assert "${account}/CloudTrail/${region}/${timestamp}'" in made
    parse = pytest.importorskip("sqlglot").parse_one
    assert parse(made, read="athena").kind == "TABLE"
    wide = program(*TABLE, "--organization", "o-abcdefghij", "--table", "t").out
    assert "'projection.account.type' = 'injected'" in wide
    assert "/logs/AWSLogs/o-abcdefghij/" in wide


# -- help ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself_with_an_example(
    program: Program, path: tuple[str, ...], option: str
) -> None:
    ended = program(*path, option)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: sfnwatch {' '.join(path)} ")
    text = ended.out.partition("\nOptions:")[0].partition("\n")[2]
    examples = re.findall(r"^  .*sfnwatch (\S+)", text, re.MULTILINE)
    assert path[0] in examples or path == ("watch",)
    assert examples


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("help",), ("--help",)),
        (("help", "watch"), ("watch", "--help")),
        (("help", "recordings", "open"), ("recordings", "open", "--help")),
        (("version",), ("--version",)),
        (("-V",), ("--version",)),
    ],
)
def test_what_is_asked_in_words_is_answered_as_the_option_is(
    program: Program, words: tuple[str, ...], same: tuple[str, ...]
) -> None:
    ended = program(*words)
    assert ended == program(*same)
    assert (ended.code, ended.err) == (0, "")


def test_help_for_what_is_no_command_names_what_is_meant(program: Program) -> None:
    assert "Did you mean demo?" in program("help", "demoo").said(2)
    assert "There is no command 'nightly'." in program("help", "nightly").said(2)


def test_without_anything_it_says_what_is_missing(program: Program) -> None:
    assert program().said(2).startswith("No execution is named. Give an execution's")


def test_the_manual_has_every_command_and_every_option(program: Program) -> None:
    made = program("man")
    assert (made.code, made.err) == (0, "")
    assert made.out.isascii()
    plain = made.out.replace("\\-", "-").replace("\\e", "\\")
    for path, command in COMMANDS.items():
        assert f".SS sfnwatch {' '.join(path)}\n" in plain
        for param in command.params:
            for option in param.opts if isinstance(param, click.Option) else []:
                assert option in plain
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "ENVIRONMENT", "FILES"):
        assert f".SH {section}\n" in plain


# -- what it costs ---------------------------------------------------------------------


def test_a_shell_is_answered_without_loading_anything_heavy() -> None:
    env = {"_SFNWATCH_COMPLETE": "bash_complete", "COMP_LINE": "sfnwatch demo "}
    code = f"import os\nos.environ.update({env!r})\nimport sfnwatch.cli.main as program"
    assert not loaded_after(f"{code}\nprogram.main()") & HEAVY
