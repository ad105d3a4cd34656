"""What shells and `man` are given, taken by the real ones."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sfnwatch
from sfnwatch import __version__
from sfnwatch.cli import cli
from tests.program.programs import Program
from tests.program.terminals import Terminal

ROOT = Path(sfnwatch.__file__).parents[1]
NAME = "nightly-report"
_ASK = """
COMP_LINE="$1" COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n=:'
_sfnwatch_completion sfnwatch
printf '%s\\n' "${COMPREPLY[@]}"
"""


def path_to(program: Program) -> str:
    """Give a PATH on which the program is found, as shells look for it."""
    folder = program.state.parent / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    starter = folder / "sfnwatch"
    words = " ".join(program.words)
    starter.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    starter.chmod(0o700)
    return f"{folder}:{os.environ['PATH']}"


def bash(program: Program, line: str) -> list[str]:
    """Complete a line as bash does."""
    whole = f"{program('completion', 'bash').out}\nset -- '{line}'\n{_ASK}"
    return program.shell(f"unset -f sfnwatch; {whole}", PATH=path_to(program)).lines


def fish(program: Program, line: str) -> list[str]:
    """Complete a line as fish does: each word, and what is said of it behind a tab."""
    script = program.state.parent / "sfnwatch.fish"
    path = path_to(program)
    script.write_text(program("completion", "fish").out)
    ask = f"source {script}; complete -C '{line}'"
    return program.shell(f'fish --no-config -c "{ask}"', PATH=path).lines


@contextmanager
def zsh(program: Program) -> Iterator[Terminal]:
    """Begin a zsh on a terminal, with the completion that a line of it has read."""
    env = {**os.environ, "PATH": path_to(program), "TERM": "xterm-256color"}
    env |= {"XDG_STATE_HOME": str(program.state.parent), "PYTHONPATH": str(ROOT)}
    terminal = Terminal(("zsh", "-f", "-i"), env, cwd=program.state.parent)
    read = "source <(sfnwatch completion zsh)"
    start = f"PS1='> '; autoload -U compinit; compinit -D -u; {read}; echo READY-$?\r"
    terminal.press(start, "READY-0")
    try:
        yield terminal
    finally:
        terminal.kill()


def test_bash_completes_a_command_an_option_and_an_execution(program: Program) -> None:
    assert bash(program, "sfnwatch comp") == ["compare", "completion"]
    assert "--trail-profile" in bash(program, "sfnwatch --tr")
    program("demo", "async", "--plain", "--speed", "1000", "--drain", "0")
    (offered,) = bash(program, "sfnwatch explain arn:aws:states:")
    assert offered.startswith("ap-northeast-1:123456789012:execution:")


def test_fish_completes_with_what_each_is(program: Program) -> None:
    needs("fish")
    assert fish(program, "sfnwatch comp") == [
        "compare\tSay how two executions differ.",
        "completion\tPrint a shell's completion script.",
    ]
    (told,) = fish(program, "sfnwatch --tr")
    assert told.endswith(", where calls land there."), "commas and all"
    program("demo", "async", "--plain", "--speed", "1000", "--drain", "0")
    (offered,) = fish(program, "sfnwatch explain arn:aws:states:")
    assert ":execution:" in offered
    assert fish(program, "sfnwatch watch --region=eu-west-")[0] == "--region=eu-west-1"
    assert fish(program, "sfnwatch --region eu-west-")[0] == "eu-west-1"
    file = program.state.parent / "one file.jsonl"
    file.touch()
    for before in ("", "--record="):
        asked = f"sfnwatch watch {before}{file.parent}/one"
        line = asked if before else asked.replace("watch", "replay")
        assert fish(program, line) == [f"{before}{file}"]


def test_zsh_completes_what_is_begun(program: Program) -> None:
    needs("zsh")
    program("demo", "async", "--plain", "--speed", "1000", "--drain", "0")
    (program.state.parent / "one file.jsonl").touch()
    with zsh(program) as terminal:
        for begun, whole in (
            ("sfnwatch compl", "> sfnwatch completion"),
            ("sfnwatch --trail", "> sfnwatch --trail-profile"),
            ("sfnwatch arn:aws:states:ap", ":execution:send-newsletter:async-"),
            ("sfnwatch watch --region=eu-no", "> sfnwatch watch --region=eu-north-1"),
            ("sfnwatch replay one", r"> sfnwatch replay one\ file.jsonl"),
            ("sfnwatch watch --record=one", r"--record=one\ file.jsonl"),
        ):
            terminal.press(f"\x15clear\r{begun}\t", whole)


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(program: Program, shell: str) -> None:
    made = program("completion", shell)
    assert made.code == 0
    needs(shell)
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
    needs("groff")
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
