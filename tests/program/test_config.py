"""What is set in a file or the environment, as the program follows it."""

import json
from pathlib import Path

import pytest

from tests.program.programs import Program

FAST = ("--speed", "1000", "--drain", "0")


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SFNWATCH_CONFIG", str(path))
    return path


def rows(program: Program, *words: str, **env: str) -> dict[str, tuple[object, str]]:
    ended = program("config", "--json", *words, **env)
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)["settings"]
    return {row["key"]: (row["value"], row["from"]) for row in told}


def test_each_value_is_shown_with_where_it_came_from(
    program: Program, file: Path
) -> None:
    file.write_text('theme = "nord"\ndrain = "20m"\n[demo]\nspeed = 50\n')
    found = rows(program, SFNWATCH_PROFILE="dev", SFNWATCH_TIME="local")
    assert found["theme"] == ("nord", str(file))
    assert found["time"] == ("local", "SFNWATCH_TIME")
    assert found["drain"] == ("20m", str(file))
    assert found["profile"] == ("dev", "SFNWATCH_PROFILE")
    assert found["demo.speed"] == ("50", str(file))
    assert found["replay.speed"] == (None, "default")
    assert found["look-back"] == ("24h", "default")
    shown = program("config")
    (line,) = (each for each in shown.lines if each.startswith("drain "))
    assert line.split() == ["drain", "20m", str(file)]


def test_what_awss_own_variables_say_is_shown_as_theirs(program: Program) -> None:
    """A variable of ours overrules them, as an option does."""
    aws = {"AWS_PROFILE": "dev", "AWS_DEFAULT_REGION": "eu-west-3"}
    found = rows(program, AWS_ENDPOINT_URL="http://127.0.0.1:9", **aws)
    assert found["profile"] == ("dev", "AWS_PROFILE")
    assert found["watch.region"] == ("eu-west-3", "AWS_DEFAULT_REGION")
    assert found["athena-ddl.region"] == (None, "default"), "it asks nothing of AWS"
    assert found["endpoint-url"] == ("http://127.0.0.1:9", "AWS_ENDPOINT_URL")
    more = {**aws, "AWS_REGION": "eu-west-2", "SFNWATCH_PROFILE": "mine"}
    found = rows(program, "explain", **more)
    assert found["profile"] == ("mine", "SFNWATCH_PROFILE")
    assert found["region"] == ("eu-west-2", "AWS_REGION")
    found = rows(program, "watch", "--region", "eu-north-1", **more)
    assert found["region"] == ("eu-north-1", "option")


def test_of_a_command_line_it_shows_what_that_comes_to(
    program: Program, file: Path
) -> None:
    file.write_text('drain = "20m"\n')
    words = ("demo", "--speed", "7", "--theme", "nord")
    found = rows(program, *words, SFNWATCH_NO_RECORD="1")
    assert found["speed"] == (7.0, "option")
    assert found["theme"] == ("nord", "option")
    assert found["drain"] == ("20m", str(file))
    assert found["no-record"] == (True, "SFNWATCH_NO_RECORD")
    assert "profile" not in found


def test_the_place_of_the_file_is_told_though_it_is_wrong(
    program: Program, file: Path
) -> None:
    file.write_text("spede = 1")
    assert program("config", "--path").out == f"{file}\n"
    wrong = f"{file}: unknown key `spede`. Did you mean `speed`?"
    for words in (("config",), ("demo", "async"), ("replay", "x")):
        assert program(*words).said(2) == wrong
    for words in (("demo", "--help"), ("--version",), ("man",), ("completion", "zsh")):
        assert program(*words).code == 0


def test_the_command_line_overrules_the_variable_and_that_the_file(
    program: Program, file: Path
) -> None:
    file.write_text('plain = true\nspeed = 1000\ndrain = "0"\n')
    # A filter is for the screen; of a setting nothing is said where lines are printed.
    plain = program("demo", "async", SFNWATCH_FILTER="~e")
    assert "✔ Execution succeeded" in plain.out
    assert program("demo", "async", "--json").objects[-1]["kind"] == "end"
    slow = program("demo", "async", SFNWATCH_SPEED="nought")
    assert slow.said(2).startswith("SFNWATCH_SPEED: Invalid value for '--speed'")


def test_a_value_that_can_not_be_is_said_with_its_file(
    program: Program, file: Path
) -> None:
    file.write_text('drain = "soon"\n')
    said = program("demo", "async").said(2)
    assert said.startswith(f"{file}: Invalid value for '--drain': 'soon' is no")
    assert program("demo", "async", *FAST).code == 0


def test_a_variable_that_is_none_of_a_setting_is_told(program: Program) -> None:
    ended = program("config", SFNWATCH_DRIAN="3")
    assert ended.code == 0
    assert "SFNWATCH_DRIAN is no setting. Did you mean SFNWATCH_DRAIN?" in ended.err
