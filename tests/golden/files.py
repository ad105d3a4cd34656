"""The golden files: whole answers about our recordings, digests of the others'."""

import json
from collections.abc import Mapping

from tests.golden.answers import (
    Answer,
    Sections,
    digests,
    line_sections,
    pretty_json,
    table_sections,
)
from tests.golden.inputs import HERE

EXPECTED = HERE / "expected"
DIGESTS = HERE / "fixtures.json"
CODES = HERE / "exit-codes.json"


def write_whole(answers: Mapping[str, Answer]) -> None:
    """Write three files a case, and remove those of cases that are no more."""
    EXPECTED.mkdir(exist_ok=True)
    for path in EXPECTED.iterdir():
        path.unlink()
    for name, answer in answers.items():
        _write(f"{name}.json", f"{pretty_json(answer.trace)}\n")
        _write(f"{name}.jsonl", "".join(f"{line}\n" for line in answer.lines))
        _write(f"{name}.csv", answer.table)


def read_whole(name: str) -> Sections:
    trace: Sections = json.loads(_read(f"{name}.json"))
    lines = _read(f"{name}.jsonl").splitlines()
    return trace | line_sections(lines) | table_sections(_read(f"{name}.csv"))


def whole_names() -> set[str]:
    return {path.stem for path in EXPECTED.iterdir()}


def write_digests(answers: Mapping[str, Answer]) -> None:
    told = {name: digests(answer.sections) for name, answer in answers.items()}
    DIGESTS.write_text(f"{pretty_json(told)}\n", encoding="utf-8")


def read_digests() -> dict[str, Sections]:
    told: dict[str, Sections] = json.loads(DIGESTS.read_text(encoding="utf-8"))
    return told


def write_codes(codes: Mapping[str, int]) -> None:
    CODES.write_text(f"{pretty_json(codes)}\n", encoding="utf-8")


def read_codes() -> dict[str, int]:
    """Give the exit code for each file of others' as it lies there."""
    codes: dict[str, int] = json.loads(CODES.read_text(encoding="utf-8"))
    return codes


def _write(name: str, text: str) -> None:
    (EXPECTED / name).write_bytes(text.encode())


def _read(name: str) -> str:
    return (EXPECTED / name).read_bytes().decode()
