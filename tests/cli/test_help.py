"""What is said of the program: help, manual, version; and what saying it costs."""

import re

import click
import pytest

from sfnwatch.export import TARGETS
from tests.cli.programs import COMMANDS, Program
from tests.test_walls import HEAVY, loaded_after

CODES = ("0", "1", "10", "11", "12", "13", "14", "2", "3", "4", "130")


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


def test_every_command_is_in_the_help_with_a_line_of_its_own(program: Program) -> None:
    listed = program("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    names = {line.split()[0] for line in listed.splitlines()}
    assert names == {path[0] for path in COMMANDS}
    assert all(len(line.split()) > 2 for line in listed.splitlines())


def test_the_help_tells_every_exit_code(program: Program) -> None:
    codes = program("--help").out.partition("Exit codes:\n")[2]
    told = [line.split()[0] for line in codes.splitlines() if line.split()]
    assert tuple(told[: len(CODES)]) == CODES


def test_the_help_tells_what_each_format_is_for(program: Program) -> None:
    text = program("export", "--help").out
    assert all(target.words in text for target in TARGETS.values())


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


def test_without_anything_it_shows_how_it_is_used(program: Program) -> None:
    ended = program()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: sfnwatch ")


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
