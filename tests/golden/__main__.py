"""Make the golden files: `python -m tests.golden sfnwatch [FIXTURES]`.

The program is a path, or a command such as "python -m sfnwatch". What git says of the
files that were made is how two editions differ.
"""

import shlex
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.golden.answers import (
    DIGESTS,
    Answer,
    Program,
    ask,
    digests,
    pretty_json,
    run,
    write_whole,
)
from tests.golden.inputs import (
    FIXTURES,
    Case,
    fixture_cases,
    own_cases,
)


def main(command: str, fixtures: Path = FIXTURES) -> None:
    first, *words = shlex.split(command)
    path = Path(first)
    # It is started elsewhere.
    program = partial(run, (str(path.absolute()) if path.exists() else first, *words))
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        asked = partial(_answer, program, Path(name))
        write_whole(dict(pool.map(asked, own_cases().items())))
        if not fixtures.is_dir():
            sys.exit(f"no folder {fixtures}: recordings of others are left out")
        others = {n: partial(case, fixtures) for n, case in fixture_cases().items()}
        answers = pool.map(asked, others.items())
        told = {case: digests(answer) for case, answer in answers}
        DIGESTS.write_text(f"{pretty_json(told)}\n", encoding="utf-8")


def _answer(
    program: Program, folder: Path, named: tuple[str, Case]
) -> tuple[str, Answer]:
    name, case = named
    here = folder / name
    here.mkdir()
    return name, ask(program, case(here), here)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
