"""What shells are offered, and the schema that programs are given."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sfnwatch.recording.library import recordings_dir
from tests.cli.programs import Program, golden

ROOT = Path(__file__).parents[2]
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
    assert offer("sfnwatch watch nobody") == []
    assert offer("sfnwatch recordings path ") == ["torn", "one.sfnwatch.jsonl.gz"]


def test_bash_is_given_what_follows_the_last_colon(offer: Offer, recorded: str) -> None:
    (arn,) = offer("sfnwatch watch ")
    head, _, name = arn.rpartition(":")
    assert offer(f"sfnwatch {head}:", " =:") == [name]
    assert offer(f"sfnwatch {head}:", " =") == [arn]
    assert offer("sfnwatch --region=eu-west-1", " =:") == ["eu-west-1"]


@pytest.mark.parametrize("line", ["sfnwatch replay x", "sfnwatch explain ./x"])
def test_files_are_left_to_the_shell(offer: Offer, line: str) -> None:
    assert offer(line) == [line.rsplit(maxsplit=1)[-1]]
