"""`-` where a file is read: what is piped is taken as that file would be."""

import gzip
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.programs import Ended, Program, golden

SYNC, ASYNC = golden("demo-sync"), golden("demo-async")


@contextmanager
def stdin_from(file: Path | str, *, piped: bool = False) -> Iterator[None]:
    """Have fd 0 be a file, or a pipe that somebody writes it into."""
    before = os.dup(0)
    with Path(file).open("rb") as opened:
        cat = subprocess.Popen(["cat"], stdin=opened, stdout=subprocess.PIPE)
        with cat, Path(file).open("rb") as plain:
            assert cat.stdout is not None
            os.dup2((cat.stdout if piped else plain).fileno(), 0)
            try:
                yield
            finally:
                os.dup2(before, 0)
                os.close(before)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ("replay", "{}", "--plain"),
        ("replay", "{}", "--json"),
        ("explain", "{}"),
        ("export", "{}", "--to", "json"),
        ("compare", "{}", ASYNC),
        ("compare", ASYNC, "{}"),
        ("redact", "{}"),
    ],
    ids=" ".join,
)
def test_what_is_piped_is_read_as_the_file_is(
    program: Program, tmp_path: Path, words: tuple[str, ...], *, piped: bool
) -> None:
    def run(name: str) -> Ended:
        return program(*(name if word == "{}" else word for word in words))

    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(gzip.decompress(Path(SYNC).read_bytes()))
    for file in (SYNC, plain):
        with stdin_from(file, piped=piped):
            told = run("-")
        assert told == run(str(file))
    assert program.recordings == []


def test_trouble_is_told_of_stdin_with_the_line(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "bad"
    for text, words in (("", "stdin: is empty"), ('{"a":\n', "stdin:2: not JSON")):
        file.write_text(text)
        with stdin_from(file):
            assert program("explain", "-").said(4).startswith(words)
