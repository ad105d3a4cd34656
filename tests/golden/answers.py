"""What a program says about some files, and the golden files that keep it.

Only its command line is used, so any edition of it can be asked. Sentences of findings
are left out, since wording may change.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from tests.golden.inputs import HERE

EXPECTED = HERE / "expected"
"""Whole answers about our own recordings."""
DIGESTS = HERE / "fixtures.json"
"""Digests of the answers about the recordings of others, by case and part."""
_LIMIT = 300

Answer = dict[str, str]
"""The text of each golden file, by its ending: the trace, the lines, the table."""


class Ended(NamedTuple):
    """What a run came to."""

    code: int
    out: str
    err: str


Program = Callable[[Sequence[str], Path], Ended]
"""Runs a command line in a folder, which takes what it writes."""


def run(program: Sequence[str], words: Sequence[str], folder: Path) -> Ended:
    """Run the program with no settings of the user; `folder` takes what it writes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SFNW"))}
    homes = {f"XDG_{name}_HOME": str(folder) for name in ("STATE", "CONFIG")}
    done = subprocess.run(
        (*program, *words),
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**kept, **homes},
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def ask(program: Program, files: Sequence[Path], folder: Path) -> Answer:
    """Have a program tell what is in files, which make one trace together."""
    names = [str(path.absolute()) for path in files]
    trace = program(("export", *names, "--to", "json"), folder)
    lines = program(("replay", *names, "--json", "--no-record"), folder)
    table = program(("export", *names, "--to", "csv"), folder)
    codes = [each.code for each in (trace, lines, table)]
    told = {"exit codes": codes, **_parsed(trace.out or "{}")}
    found = sorted({canonical(_parsed(line)) for line in lines.out.splitlines()})
    return {
        "json": f"{pretty_json(told)}\n",
        "jsonl": "".join(f"{line}\n" for line in found),
        "csv": table.out,
    }


def _parsed(text: str) -> Any:
    return json.loads(text, object_hook=_as_facts)


def _as_facts(told: dict[str, Any]) -> dict[str, Any]:
    """Leave a finding's sentence out; the order of findings is the report's."""
    if "findings" in told:
        told["findings"].sort(key=canonical)
    is_finding = {"certainty", "evidence", "text"} <= told.keys()
    return {k: v for k, v in told.items() if not (is_finding and k == "text")}


def digests(answer: Answer) -> dict[str, str]:
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
        part: hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
        for part, value in parts.items()
    }


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """List the lines that differ, of each file or part."""
    found: list[str] = []
    for part in {**before, **after}:
        old, new = (told.get(part, "").splitlines() for told in (before, after))
        lines = list(unified_diff(old, new, f"{part} golden", "now", lineterm=""))
        found += lines[:_LIMIT]
    return found


def read_whole(name: str) -> Answer:
    endings = ("json", "jsonl", "csv")
    return {end: (EXPECTED / f"{name}.{end}").read_bytes().decode() for end in endings}


def write_whole(answers: Mapping[str, Answer]) -> None:
    """Write three files a case, and remove those of cases that are no more."""
    EXPECTED.mkdir(exist_ok=True)
    for path in EXPECTED.iterdir():
        path.unlink()
    for name, answer in answers.items():
        for end, text in answer.items():
            (EXPECTED / f"{name}.{end}").write_bytes(text.encode())


def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
