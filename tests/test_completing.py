"""What a shell is offered: from files alone."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.shell_completion import get_completion_class

from sfnwatch import completing
from sfnwatch.cli import cli
from sfnwatch.completion_scripts import SHELLS, Bash, script
from sfnwatch.recording.naming import recordings_dir
from sfnwatch.recording.writer import Recorder
from sfnwatch.sources.region_names import region_names
from tests.builders import ARN

CREATED = datetime(2023, 11, 15, tzinfo=UTC)
Offer = Callable[..., list[str]]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Offer what follows a line of bash; give the values."""

    def offer(line: str, breaks: str = " ") -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_WORDBREAKS", breaks)
        made = Bash(cli, {}, "sfnwatch", "_SFNWATCH_COMPLETE").complete()
        return [each.partition(",")[2] for each in made.splitlines()]

    return offer


def record(*arns: str) -> Path:
    recorder = Recorder.create_in(recordings_dir(), arns, CREATED, "test")
    recorder.close()
    return recorder.path


def test_profiles_are_those_of_awss_files(
    offer: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(
        '[default]\nregion=x\n[profile dev]\n[profile "prod"]\n[profile two words]\n'
        "[sso-session mine]\n[services s]\n"
    )
    credentials.write_text("[dev]\naws_access_key_id=x\n[keys]\n[broken")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    assert offer("sfnwatch watch --profile ") == ["default", "dev", "prod"]
    credentials.write_text("[dev]\naws_access_key_id=x\n[keys]\n")
    assert offer("sfnwatch --profile ") == ["default", "dev", "keys", "prod"]
    assert offer("sfnwatch explain --trail-profile d") == ["default", "dev"]


def test_without_awss_files_there_are_no_profiles(offer: Offer) -> None:
    assert offer("sfnwatch --profile ") == []


def test_regions_come_without_botocore() -> None:
    code = (
        "import sys\n"
        "from sfnwatch.sources.region_names import region_names\n"
        "print(*region_names())\n"
        "assert not [m for m in sys.modules if m.startswith('botocore')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert {"eu-west-1", "us-gov-west-1", "cn-north-1"} <= {*done.stdout.split()}
    assert not [name for name in region_names() if name.endswith("global")]


def test_what_was_recorded_is_offered_the_last_first(offer: Offer) -> None:
    old = record(f"{ARN}-old")
    record(ARN, f"{ARN}-two")
    gone = recordings_dir() / "torn.sfnwatch.jsonl"
    gone.write_text('{"sfnwatch": 1')
    import os

    os.utime(old, (1, 1))
    arns = [ARN, f"{ARN}-two", f"{ARN}-old"]
    assert offer("sfnwatch watch ") == arns
    assert offer("sfnwatch arn:aws:states") == arns
    assert offer("sfnwatch explain arn:") == arns
    assert offer("sfnwatch watch nobody") == []


def test_bash_is_given_what_follows_the_last_colon(offer: Offer) -> None:
    record(ARN)
    head, _, name = ARN.rpartition(":")
    assert offer(f"sfnwatch {head}:", " =:") == [name]
    assert offer(f"sfnwatch {head}:", " =") == [ARN]
    assert offer("sfnwatch --region=eu-west-1", " =:") == ["eu-west-1"]


def test_commands_and_what_follows_watch_stand_first(offer: Offer) -> None:
    assert offer("sfnwatch re") == ["recordings", "redact", "replay"]
    assert "--profile" in offer("sfnwatch --")
    assert "--version" in offer("sfnwatch --")
    assert {"three-ways", "sync"} <= {*offer("sfnwatch demo ")}
    assert offer("sfnwatch demo sync --theme no") == ["nord"]
    assert offer("sfnwatch nosuchmachine --next --prof") == ["--profile"]
    assert offer("sfnwatch demoo --prof") == ["--profile"], "it is no time to complain"


@pytest.mark.parametrize("line", ["sfnwatch replay x", "sfnwatch explain ./x"])
def test_files_are_left_to_the_shell(offer: Offer, line: str) -> None:
    assert offer(line) == [line.rsplit(maxsplit=1)[-1]]


def test_names_that_are_no_words_are_left_out(tmp_path: Path) -> None:
    names = ["a b", "a;rm", "a$(x)", "a\x1b[0m", "a\nb", "a-b", "é"]
    for name in names:
        record(name)
    context = click.Context(cli)
    found = completing.executions(context, cli.params[0], "")
    assert {item.value for item in found} == {"a-b", "é"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script(shell: str) -> None:
    made = script(cli, shell)
    assert "_SFNWATCH_COMPLETE" in made
    assert get_completion_class(shell)


def test_a_shell_nobody_knows_has_none() -> None:
    with pytest.raises(ValueError, match="tcsh"):
        script(cli, "tcsh")
