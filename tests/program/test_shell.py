"""What shells and `man` are given, taken by the real ones."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.programs import keep
from tests.program.programs import PROGRAM, Processes
from tests.program.terminals import Terminal

_ASK = """
COMP_LINE="$1" COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n=:'
_sfnwatch_completion sfnwatch
printf '%s\\n' "${COMPREPLY[@]}"
"""
ARN = "arn:aws:states:"


@pytest.fixture(autouse=True)
def recorded(program: Processes) -> None:
    """A recording in its place, and a file whose name has a blank."""
    keep(program.state, "one", "demo-async")
    (program.state.parent / "one file.jsonl").touch()


@pytest.fixture(autouse=True)
def path_to(program: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the program on PATH, where shells look for it."""
    folder = program.state.parent / "bin"
    folder.mkdir(parents=True)
    starter = folder / "sfnwatch"
    starter.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    starter.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def test_bash_completes_a_command_an_option_and_an_execution(
    program: Processes,
) -> None:
    script = program("completion", "bash").out

    def bash(line: str) -> list[str]:
        """Complete a line as bash does."""
        whole = f"unset -f sfnwatch; {script}\nset -- '{line}'\n{_ASK}"
        return program.shell(whole).lines

    assert bash("sfnwatch comp") == ["compare", "completion"]
    assert "--trail-profile" in bash("sfnwatch --tr")
    (offered,) = bash(f"sfnwatch explain {ARN}")
    assert offered.startswith("ap-northeast-1:123456789012:execution:")


def test_fish_completes_with_what_each_is(program: Processes) -> None:
    needs("fish")
    script = program.state.parent / "sfnwatch.fish"
    script.write_text(program("completion", "fish").out)

    def fish(line: str) -> list[str]:
        """Complete as fish does: each word, and what is said of it behind a tab."""
        ask = f"source {script}; complete -C '{line}'"
        return program.shell(f'fish --no-config -c "{ask}"').lines

    commands = [line.split("\t") for line in fish("sfnwatch comp")]
    assert [name for name, _ in commands] == ["compare", "completion"]
    assert all(words for _, words in commands)
    (told,) = fish("sfnwatch --tr")
    assert told.startswith("--trail-profile\t")
    (offered,) = fish(f"sfnwatch explain {ARN}")
    assert ":execution:" in offered
    assert fish("sfnwatch --region eu-west-")[0] == "eu-west-1"
    file = program.state.parent / "one file.jsonl"
    assert fish(f"sfnwatch replay {file.parent}/one") == [f"{file}"]


@contextmanager
def zsh(program: Processes) -> Iterator[Terminal]:
    """Begin a zsh on a terminal, with the completion that a line of it has read."""
    env = program.env({})
    terminal = Terminal(("zsh", "-f", "-i"), env, cwd=program.state.parent)
    read = "source <(sfnwatch completion zsh)"
    start = f"PS1='> '; autoload -U compinit; compinit -D -u; {read}; echo READY-$?\r"
    terminal.press(start, "READY-0")
    try:
        yield terminal
    finally:
        terminal.kill()


def test_zsh_completes_what_is_begun(program: Processes) -> None:
    needs("zsh")
    with zsh(program) as terminal:
        for begun, whole in (
            ("sfnwatch compl", "> sfnwatch completion"),
            ("sfnwatch --trail", "> sfnwatch --trail-profile"),
            (f"sfnwatch {ARN}ap", ":execution:send-newsletter:async-"),
            ("sfnwatch watch --region=eu-no", "> sfnwatch watch --region=eu-north-1"),
            ("sfnwatch replay one", r"> sfnwatch replay one\ file.jsonl"),
            ("sfnwatch watch --record=one", r"--record=one\ file.jsonl"),
        ):
            terminal.press(f"\x15clear\r{begun}\t", whole)


def test_groff_has_nothing_against_the_manual(program: Processes) -> None:
    needs("groff")
    words = ("groff", "-man", "-Tutf8", "-ww")
    made = program("man").out
    done = subprocess.run(words, input=made, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "--trail-profile" in done.stdout.replace("\b", "")
