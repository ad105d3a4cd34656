"""What was said of recordings is said again.

With GOLDEN=make in the environment, and `-n 0`, the golden files are made instead: look
at what git says of them before they are committed. Sentences of findings are left out,
since wording may change.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import program
from tests.cli.programs import Program
from tests.golden.inputs import ABSENT, FIXTURES, HERE, fixture_cases, own_cases

__all__ = ["program"]
OWN, OTHERS = own_cases(), fixture_cases()
EXPECTED = HERE / "expected"
"""Whole answers about our own recordings: the trace, the lines, the table."""
DIGESTS = HERE / "fixtures.json"
"""Digests of the answers about the recordings of others, by case and part."""
TOLD = json.loads(DIGESTS.read_text("utf-8"))
MAKES = os.environ.get("GOLDEN") == "make"
_LIMIT = 300


def ask(program: Program, files: Sequence[Path]) -> dict[str, str]:
    """Have the program tell what is in files, which make one trace together."""
    names = [str(path.absolute()) for path in files]
    # Payloads stand in the recordings, and would make up most of the golden files.
    trace = program("export", *names, "--to", "json", "--no-payloads")
    lines = program("replay", *names, "--json", "--no-record")
    table = program("export", *names, "--to", "csv")
    codes = [each.code for each in (trace, lines, table)]
    told = {"exit codes": codes, **_parsed(trace.out or "{}")}
    found = sorted({_canonical(_parsed(line)) for line in lines.lines})
    return {
        "json": f"{_pretty(told)}\n",
        "jsonl": "".join(f"{line}\n" for line in found),
        "csv": table.out,
    }


def _parsed(text: str) -> Any:
    return json.loads(text, object_hook=_as_facts)


def _as_facts(told: dict[str, Any]) -> dict[str, Any]:
    """Leave a finding's sentence out; the order of findings is the report's."""
    if "findings" in told:
        told["findings"].sort(key=_canonical)
    is_finding = {"certainty", "evidence", "text"} <= told.keys()
    return {k: v for k, v in told.items() if not (is_finding and k == "text")}


def digests(answer: Mapping[str, str]) -> dict[str, str]:
    """Give each part of an answer as its SHA-256, cut.

    Links are a part by themselves, so that one that changes hides nothing else.
    """
    told = json.loads(answer["json"])
    links = [call.pop("link") for call in told.get("calls", ())]
    parts = {"links": links, "lines": answer["jsonl"], "table": answer["csv"]}
    for run in told.pop("executions", ()):
        lists = {part: value for part, value in run.items() if isinstance(value, list)}
        parts |= {f"{run['arn']}: {part}": run.pop(part) for part in lists}
        parts[run["arn"]] = run
    parts |= told
    return {
        part: hashlib.sha256(_canonical(value).encode()).hexdigest()[:16]
        for part, value in parts.items()
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def test_every_recording_has_its_golden_files() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(OWN)
    assert set(TOLD) == set(OTHERS)


@pytest.mark.parametrize("name", OWN)
def test_a_recording_of_ours_says_what_it_said(
    name: str, program: Program, tmp_path: Path
) -> None:
    for ending, text in ask(program, OWN[name](tmp_path)).items():
        path = EXPECTED / f"{name}.{ending}"
        if MAKES:
            path.write_bytes(text.encode())
        golden = path.read_bytes().decode().splitlines()
        found = unified_diff(golden, text.splitlines(), "golden", "now", lineterm="")
        listed = "\n".join(islice(found, _LIMIT))
        assert not listed, listed


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("name", OTHERS)
def test_a_recording_of_others_says_what_it_said(
    name: str, program: Program, tmp_path: Path
) -> None:
    found = digests(ask(program, OTHERS[name](FIXTURES, tmp_path)))
    if MAKES:
        TOLD[name] = found
        DIGESTS.write_text(f"{_pretty(TOLD)}\n", encoding="utf-8")
    assert found == TOLD[name]
