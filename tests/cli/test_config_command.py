"""What is set in a file or the environment, as the program follows and shows it."""

from pathlib import Path
from typing import Any

import click
import pytest

from sfnwatch.cli.options import SettableOption
from sfnwatch.cli.settings import settable
from tests.builders import ARN
from tests.cli.programs import COMMANDS, Program

EVERY = {path: each for path, each in COMMANDS.items() if settable(each)}


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SFNWATCH_CONFIG", str(path))
    path.touch()
    return path


def rows(program: Program, *words: str, **env: str) -> dict[str, tuple[object, str]]:
    ended = program("config", "--json", *words, **env)
    assert ended.code == 0, ended.err
    return {row["key"]: (row["value"], row["from"]) for row in ended.json["settings"]}


# -- where a value came from -----------------------------------------------------------


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
    assert found["notify"] == ("off", "default")
    (line,) = (each for each in program("config").lines if each.startswith("drain "))
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
    found = rows(program, "watch", ARN, "--record", "run.jsonl", "--since", "24h")
    assert found["record"] == ("run.jsonl", "option")
    assert found["since"] == ("1 day, 0:00:00", "option")
    assert "'man' has no settings." in program("config", "man").said(2)


def test_themes_and_keys_are_shown_with_their_files(
    program: Program, file: Path
) -> None:
    file.write_text('keymap = "mine"\n[keys]\n"player.loop" = "O"\n')
    (file.parent / "themes").mkdir()
    (file.parent / "themes" / "mine.toml").write_text('primary = "teal"')
    found = rows(program, SFNWATCH_NOTIFY="bell")
    assert found["notify"] == ("bell", "SFNWATCH_NOTIFY")
    assert found["keymap"] == ("mine", str(file))
    assert found["keys"] == (["player.loop"], str(file))
    assert found["themes"] == (["mine"], f"{file.parent}/themes/mine.toml")


@pytest.mark.parametrize("path", EVERY, ids=".".join)
def test_every_option_is_set_by_its_name_in_each_place(
    program: Program, file: Path, path: tuple[str, ...]
) -> None:
    options = settable(EVERY[path])
    told = {key: samples(option) for key, option in options.items()}
    lines = [f"{key} = {written}" for key, (written, *_) in told.items()]
    file.write_text("\n".join((f"[{'.'.join(path)}]", *lines)))
    found = rows(program)
    named = {key: f"SFNWATCH_{key.upper().replace('-', '_')}" for key in told}
    other = rows(program, **{named[key]: said for key, (_, _, said, _) in told.items()})
    for key, (_, value, _, overruled) in told.items():
        whole = ".".join((*path, key))
        assert found.get(whole, found.get(key)) == (value, str(file))
        assert other.get(whole, other.get(key)) == (overruled, named[key])


URLS = "http://127.0.0.1:1", "http://127.0.0.1:2"
SAMPLES = {
    "otlp": URLS,
    "endpoint-url": URLS,
    "account": ("1" * 12, "2" * 12),
    "organization": ("o-" + "1" * 10, "o-" + "2" * 10),
    "region": ("eu-west-1", "eu-west-2"),
}
"""Of options that take no other text."""


def samples(option: SettableOption) -> tuple[str, Any, str, Any]:
    """Give a value as a file has it, what it comes to, and the same of a variable."""
    if option.is_flag:
        return "true", True, "no", False
    if isinstance(option.type, click.Choice):
        one, other = option.type.choices[:2]
    elif option.key in SAMPLES:
        one, other = SAMPLES[option.key]
    else:
        one, other = ("a", "b") if option.multiple else ("7", "8")
    if option.multiple:
        # A variable is for all commands, and most take one Region alone.
        more = [other] if option.key == "region" else [other, one]
        return f'["{one}", "{other}"]', [one, other], ",".join(more), more
    return f'"{one}"', one, other, other


def test_every_option_can_be_set_but_what_must_be_meant_each_time() -> None:
    for path, command in EVERY.items():
        for param in command.params:
            if isinstance(param, click.Option) and param.name != "yes":
                assert isinstance(param, SettableOption), (path, param)


def test_a_key_is_of_one_kind_in_all_commands() -> None:
    """One variable and one line of a file are for all of them."""
    kinds: dict[str, set[bool]] = {}
    for command in EVERY.values():
        for key, option in settable(command).items():
            kinds.setdefault(key, set()).add(bool(option.is_flag))
    assert not [key for key, found in kinds.items() if len(found) > 1]


# -- who overrules whom ----------------------------------------------------------------


def test_the_command_line_overrules_the_variable_and_that_the_file(
    program: Program, file: Path
) -> None:
    file.write_text('plain = true\nspeed = 2000\ndrain = "0"\nno-record = true\n')
    # A filter is for the screen; of a setting nothing is said where lines are printed.
    plain = program("demo", "async", SFNWATCH_FILTER="~e", SFNWATCH_THEME="nord")
    assert "✔ Execution succeeded" in plain.out
    assert program.recordings == []
    assert program("demo", "async", "--json").objects[-1]["kind"] == "end"
    assert program("demo", "async", SFNWATCH_PLAIN="0").code == 0
    recorded = program("demo", "async", "--record", "run.jsonl")
    assert recorded.recording == Path("run.jsonl")


def test_a_command_s_own_table_overrules_what_holds_for_all(
    program: Program, file: Path
) -> None:
    file.write_text("speed = 3\nredact = true\n[demo]\nspeed = 5\n")
    assert rows(program, "demo")["speed"] == ("5", str(file))
    assert rows(program, "replay")["speed"] == ("3", str(file))
    assert rows(program, "explain")["redact"] == (True, str(file))
    file.write_text("[redact]\nkeep-state-names = true\n[recordings.prune]\nyes = true")
    assert "unknown key `recordings.prune.yes`" in program("recordings").said(2)


# -- what is wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spede = 1", "unknown key `spede`. Did you mean `speed`?"),
        ("[demo]\nto = 'x'", "unknown key `demo.to`. There are: "),
        ("plain = 1", "`plain`: Expected `bool`, got `int`."),
        ("[drain]", "`drain`: Expected `int | float | str`, got `object`."),
        ("yes = true", "unknown key `yes`"),
        ('"a\\u001b]0;x\\u0007\\u202e" = 1', "unknown key `a␛]0;x␇"),
        ("theem = 1", "unknown key `theem`. Did you mean `theme`?"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(
    program: Program, file: Path, text: str, said: str
) -> None:
    file.write_text(text)
    for words in (("config",), ("demo", "async"), ("replay", "x")):
        told = program(*words).said(2)
        assert told.startswith(f"{file}")
        assert said in told
    for words in (("demo", "--help"), ("--version",), ("man",), ("completion", "zsh")):
        assert program(*words).code == 0
    assert program("config", "--path").out == f"{file}\n"


@pytest.mark.parametrize("words", [("demo", "async"), ("config",), ("config", "demo")])
def test_a_value_that_can_not_be_is_said_with_who_set_it(
    program: Program, file: Path, words: tuple[str, ...]
) -> None:
    for option, value in (("drain", "soon"), ("record", "a\\u0000b"), ("time", "x")):
        file.write_text(f'{option} = "{value}"')
        said = program(*words).said(2)
        assert said.startswith(f"{file}: Invalid value for '--{option}': ")
    file.write_text("")
    said = program(*words, SFNWATCH_SPEED="nought").said(2)
    assert said.startswith("SFNWATCH_SPEED: Invalid value for '--speed'")
    said = program(*words, SFNWATCH_PLAIN="maybe").said(2)
    assert said.startswith("SFNWATCH_PLAIN: Invalid value for '--plain'")


@pytest.mark.parametrize(
    "words",
    [
        ("watch", ARN, "--consume"),
        ("watch", ARN, "--queue", "here"),
        ("watch", ARN, "--region", "b d"),
        ("watch", ARN, "--endpoint-url", "http://a.example"),
        ("watch", ARN, "--plain", "--json"),
        ("watch", ARN, "--record", "x", "--no-record"),
        ("watch", ARN, "--unheard-of"),
        ("watch", ARN, "--drain", "soon"),
        ("watch", ARN, "--filter", "~q"),
        ("watch", ARN, "--plain", "--theme", "nord"),
        ("wait", ARN, "--region", "b d"),
        ("list", "--status", "x"),
        ("demo", "--speed", "0"),
        ("export", "--to", "nothing", ARN),
        ("iam-policy", "--with", "all"),
        ("athena-ddl", "b", "--account", "12"),
        ("athena-ddl", "b", "--region", "x"),
        ("athena-ddl", "B_", "--region", "eu-west-1"),
        ("watch", ARN, "--log-group", "a b"),
        ("watch", ARN, "--otlp", "env"),
        ("watch", ARN, "--record", "/dev/../etc/passwd"),
        ("redact", "-", "-"),
        ("recordings", "open", "1", "--speed", "0"),
        ("recordings", "unheard-of"),
        ("demo", "none"),
        ("list", "a b"),
        ("explain", "machine:PROD"),
        ("recordings", "--unheard-of"),
    ],
    ids=" ".join,
)
def test_what_a_command_would_refuse_is_refused_in_the_same_words(
    program: Program, words: tuple[str, ...]
) -> None:
    assert program("config", *words).said(2) == program(*words).said(2)


def test_a_theme_or_a_key_map_that_is_not_there_is_refused(program: Program) -> None:
    said = program("config", "demo", "--theme", "nrod").said(2)
    assert "there is no theme `nrod`. Did you mean `nord`?" in said
    said = program("config", "watch", "--keymap", "vi").said(2)
    assert "there is no key map `vi`. Did you mean `vim`?" in said
    assert rows(program, "watch", "--keymap", "vim")["keymap"] == ("vim", "option")


def test_a_variable_that_is_no_setting_is_told(program: Program) -> None:
    ended = program("config", SFNWATCH_DRIAN="3")
    assert ended.code == 0
    assert "SFNWATCH_DRIAN is no setting. Did you mean SFNWATCH_DRAIN?" in ended.err
