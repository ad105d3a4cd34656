"""Make the golden files, or compare two programs: `python -m tests.golden`.

    --program sfnwatch [--fixtures DIR]           make all golden files with it
    --compare --program A --against B [FILE…]     say where they differ

A FILE is one that the program opens, a recording or another, or the name of a case of
the golden files (a part of one will do). Without any all cases are compared. A program
is a path, or a command such as "python -m sfnwatch". Exit code 1: they differ.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.golden.answers import Answer, Program, ask, differences, run
from tests.golden.files import write_codes, write_digests, write_whole
from tests.golden.inputs import (
    FIXTURES,
    Case,
    fixture_cases,
    own_cases,
    raw_files,
)

_AT_ONCE = 2


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--program", required=True, type=_command)
    parser.add_argument("--fixtures", type=Path, default=FIXTURES, metavar="DIR")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--against", type=_command, metavar="PROGRAM")
    parser.add_argument(
        "--together", action="store_true", help="FILEs make one trace, not one each"
    )
    parser.add_argument("files", nargs="*", metavar="FILE")
    asked = parser.parse_args()
    if asked.compare == (asked.against is None):
        parser.error("--compare needs --against, and --against needs --compare")
    if not asked.fixtures.is_dir():
        _say(f"no folder {asked.fixtures}: recordings of others are left out")
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(_AT_ONCE) as pool:
        if asked.compare:
            cases = _chosen(asked.files, asked.fixtures, together=asked.together)
            compared = partial(_compare, asked.program, asked.against, Path(name))
            differing = [_told(*each) for each in pool.map(compared, cases)]
            return int(any(differing))
        _make(asked.program, asked.fixtures, Path(name), pool)
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _command(text: str) -> Program:
    """Split a command; a path is made absolute, as it is started elsewhere."""
    first, *words = shlex.split(text)
    path = Path(first)
    return partial(run, (str(path.absolute()) if path.exists() else first, *words))


# -- making ----------------------------------------------------------------------


def _make(
    program: Program, fixtures: Path, folder: Path, pool: ThreadPoolExecutor
) -> None:
    own = own_cases()
    answers = pool.map(partial(_answer, program, folder), own.items())
    write_whole(dict(zip(own, answers, strict=True)))
    if fixtures.is_dir():
        others = _others(fixtures)
        answers = pool.map(partial(_answer, program, folder), others.items())
        write_digests(dict(zip(others, answers, strict=True)))
        names = raw_files(fixtures)
        codes = pool.map(partial(exit_code, program, fixtures, folder), names)
        write_codes(dict(zip(names, codes, strict=True)))


def exit_code(program: Program, fixtures: Path, folder: Path, name: str) -> int:
    words = ("export", str(fixtures / name), "--to", "json")
    return program(words, folder).returncode


def _others(fixtures: Path) -> dict[str, Case]:
    cases = fixture_cases() if fixtures.is_dir() else {}
    return {name: partial(case, fixtures) for name, case in cases.items()}


def _answer(program: Program, folder: Path, named: tuple[str, Case]) -> Answer:
    name, case = named
    here = folder / name
    here.mkdir()
    return ask(program, case(here), here)


# -- comparing -------------------------------------------------------------------


def _chosen(
    words: list[str], fixtures: Path, *, together: bool
) -> Iterator[tuple[str, Case]]:
    every = own_cases() | _others(fixtures)
    paths = [Path(word).absolute() for word in words if Path(word).exists()]
    parts = [word for word in words if not Path(word).exists()]
    for part in parts:
        if not any(part in name for name in every):
            raise SystemExit(f"{part}: neither a file nor a case: {', '.join(every)}")
    groups = [paths] if together and paths else [[path] for path in paths]
    for number, group in enumerate(groups):
        yield f"{number}-{group[0].name}", partial(_as_they_are, group)
    for name, case in every.items():
        if not words or any(part in name for part in parts):
            yield name, case


def _as_they_are(paths: list[Path], folder: Path) -> list[Path]:
    del folder
    return paths


def _compare(
    one: Program, other: Program, folder: Path, named: tuple[str, Case]
) -> tuple[str, Answer, Answer]:
    name, case = named
    here = folder / name
    here.mkdir()
    files = case(here)
    return name, ask(one, files, here), ask(other, files, here)


def _told(name: str, one: Answer, other: Answer) -> bool:
    """Print how two answers differ, and tell if they do."""
    found = differences(one.sections, other.sections)
    _say(f"== {name}: {'differs' if found else 'same'}", *found)
    if one.trace["exit codes"] != other.trace["exit codes"]:
        _say("", "stderr of --program:", one.errors, "stderr of --against:")
        _say(other.errors)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
