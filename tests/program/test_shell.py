"""What shells and `man` are given, taken by the real ones."""

import json
import shutil
import subprocess

import pytest

from sfnwatch import __version__
from sfnwatch.cli import cli
from tests.program.programs import Program

NAME = "nightly-report"
_ASK = """
COMP_LINE="$1" COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n=:'
_sfnwatch_completion sfnwatch
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(program: Program, line: str) -> list[str]:
    """Complete a line as bash does."""
    whole = f"{program('completion', 'bash').out}\nset -- '{line}'\n{_ASK}"
    folder = program.state.parent / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    starter = folder / "sfnwatch"
    words = " ".join(program.words)
    starter.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    starter.chmod(0o700)
    return program.shell(f'PATH="{folder}:$PATH"; unset -f sfnwatch; {whole}').lines


def test_bash_completes_a_command_an_option_and_an_execution(program: Program) -> None:
    assert bash(program, "sfnwatch comp") == ["compare", "completion"]
    assert "--trail-profile" in bash(program, "sfnwatch --tr")
    program("demo", "async", "--plain", "--speed", "1000", "--drain", "0")
    (offered,) = bash(program, "sfnwatch explain arn:aws:states:")
    assert offered.startswith("ap-northeast-1:123456789012:execution:")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(program: Program, shell: str) -> None:
    made = program("completion", shell)
    assert made.code == 0
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=made.out, text=True, check=True)


def test_the_manual_has_every_command_and_every_option(program: Program) -> None:
    made = program("man")
    assert (made.code, made.err) == (0, "")
    assert made.out.isascii()
    plain = made.out.replace("\\-", "-").replace("\\e", "\\")
    assert f"sfnwatch {__version__}" in plain
    for name, command in cli.commands.items():
        assert f".SS sfnwatch {name}\n" in plain
        for param in command.params:
            for option in param.opts if param.param_type_name == "option" else []:
                assert option in plain
    assert ".SH EXIT STATUS" in plain


def test_groff_has_nothing_against_the_manual(program: Program) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    made = program("man").out
    words = ("groff", "-man", "-Tutf8", "-ww")
    done = subprocess.run(words, input=made, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "--trail-profile" in done.stdout.replace("\b", "")


@pytest.mark.parametrize("what", ["trace", "lines"])
def test_the_schema_is_printed(program: Program, what: str) -> None:
    made = json.loads(program("schema", what).out)
    assert made["title"].startswith("A ")
    assert made["$defs"]["line"]
