"""Options of the command line, set in a file and by the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from sfnwatch.cli import cli
from sfnwatch.config import SIMPLE, load_config
from sfnwatch.config_options import (
    WITHOUT,
    Setting,
    commands,
    key_of,
    known,
    options,
    read,
)
from sfnwatch.config_words import variable
from sfnwatch.errors import UsageError

Read = Callable[..., dict[tuple[str, ...], dict[str, Setting]]]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture(name="reading")
def _reading(file: Path) -> Read:
    def reading(text: str = "", **environ: str) -> dict[tuple[str, ...], object]:
        file.write_text(text)
        return dict(
            read(cli, load_config(file, {}, options=lambda: known(cli)), environ)
        )

    return reading  # type: ignore[return-value]


def every_option() -> list[tuple[tuple[str, ...], str, click.Option]]:
    return [
        (path, key, option)
        for path, command in commands(cli)
        for key, option in options(command).items()
    ]


def test_every_option_of_every_command_can_be_set() -> None:
    settable = {(path, key) for path, key, _ in every_option()}
    for name, command in cli.commands.items():
        if name in WITHOUT or isinstance(command, click.Group):
            continue
        for param in command.params:
            if isinstance(param, click.Option):
                key = key_of(param)
                assert key in {*SIMPLE, "help", "yes"} or ((name,), key) in settable


def test_a_key_is_of_one_kind_in_all_commands() -> None:
    """One variable and one line of a file are for all of them."""
    kinds: dict[str, set[bool]] = {}
    for _, key, option in every_option():
        kinds.setdefault(key, set()).add(bool(option.is_flag))
    assert not [key for key, found in kinds.items() if len(found) > 1]


def samples(option: click.Option) -> tuple[str, Any, str, Any]:
    """Give a value as a file has it, what it comes to, and the same of a variable."""
    if option.is_flag:
        return "true", True, "no", False
    if option.multiple:
        return '["a", "b"]', ["a", "b"], "c,d", ["c", "d"]
    return "7", "7", "8", "8"


def test_every_one_is_set_by_its_name_in_each_place(reading: Read, file: Path) -> None:
    for path, key, option in every_option():
        written, value, told, other = samples(option)
        own = reading(f"[{'.'.join(path)}]\n{key} = {written}")
        assert own[path][key] == Setting(value, str(file))
        assert not [p for p, found in own.items() if p != path and found]
        name = variable(key)
        environment = reading(f"[{'.'.join(path)}]", **{name: told})
        assert environment[path][key] == Setting(other, name)
        # A list is for those commands alone that take several.
        shared = "true" if option.is_flag else "7"
        value = True if option.is_flag else ["7"] if option.multiple else "7"
        assert reading(f"{key} = {shared}")[path][key] == Setting(value, str(file))


def test_a_commands_own_table_overrules_what_holds_for_all(reading: Read) -> None:
    found = reading("speed = 3\n[demo]\nspeed = 5")
    assert found["demo",]["speed"].value == "5"
    assert found["replay",]["speed"].value == "3"


def test_a_command_and_an_option_of_the_same_name_are_told_apart(reading: Read) -> None:
    found = reading("redact = true")
    assert found["explain",]["redact"].value is True
    assert found["redact",] == {}
    found = reading("[redact]\nkeep-state-names = true")
    assert found["redact",]["keep-state-names"].value is True
    assert "redact" not in found["explain",]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dran = 1", "unknown key `dran`. Did you mean `drain`?"),
        ("endpoint_url = 'x'", "Did you mean `endpoint-url`?"),
        ("[demo]\nsped = 1", "unknown key `demo.sped`. Did you mean `speed`?"),
        ("[demo]\nto = 'x'", "unknown key `demo.to`. There are: "),
        ("plain = 1", "`plain` must be true or false, without quotes."),
        ("[watch]\nplain = 'yes'", "`watch.plain` must be true or false"),
        ("profile = true", "`profile` must be a text in quotes, or a number."),
        ("trail-profile = [[]]", "`trail-profile` must be a text in quotes"),
        ("demo = 1", "`demo` must be a table: [demo]."),
        ("yes = true", "unknown key `yes`"),
        ("[demo]\ntheme = 'nord'", "unknown key `demo.theme`"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(
    reading: Read, file: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as error:
        reading(text)
    assert str(error.value).startswith(f"{file}: ")
    assert said in str(error.value)


def test_a_variable_that_is_neither_yes_nor_no_is_refused(reading: Read) -> None:
    with pytest.raises(UsageError, match="SFNWATCH_PLAIN: `maybe` is none of 1, true"):
        reading(SFNWATCH_PLAIN="maybe")
    assert reading(SFNWATCH_PLAIN="TRUE")["watch",]["plain"].value is True
    assert reading(SFNWATCH_PLAIN="")["watch",] == {}
