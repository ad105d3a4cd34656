"""What is written of some traces, for people and for programs.

It stands in `written`, by the names of the trace and of the format. After a change that
is meant, write all anew with `python -m tests.export.test_written`, and look at what
git says of it.
"""

import json
from pathlib import Path

import pytest

from sfnwatch.export import TARGETS
from tests.export.test_otlp import spans
from tests.export.test_plain import one_by_one
from tests.export.test_plain import printed as narrated
from tests.export.traces import RECORDS, printed
from tests.tui.screens import recorded

FORMATS = {
    "demo-pipeline": "flowchart",
    "denied": "mermaid otlp perfetto plain text",
    "failing": "mermaid",
    "nested": "mermaid otlp",
    "nothing": "text",
    "photos": "plain text",
    "redriven": "otlp",
    "running": "otlp",
    "several": "flowchart plain text",
    "shop": "text",
    "tasks": "otlp perfetto",
}
"""The formats that each trace is written in, by the trace's name."""
TESTED = {
    "csv": "test_csv.py",
    "html": "test_html.py",
    "json": "test_schema.py",
    "svg": "test_text_and_svg.py",
}
"""The formats that are not in `FORMATS`, and the file that tests each instead."""
FOLDER = Path(__file__).with_name("written")
WRITTEN = [
    FOLDER / f"{name}.{target}"
    for name, targets in FORMATS.items()
    for target in targets.split()
]


def written(path: Path) -> str:
    """Write a trace; of `--plain` as it comes, of OTLP a span a line."""
    name, target = path.stem, path.suffix[1:]
    if target == "plain":
        lines, said = narrated(one_by_one(name), end=True)
        told = (f"said: {line}" for line in said)
        return "".join(f"{line}\n" for line in (*lines, *told))
    text = printed(target, RECORDS[name] if name in RECORDS else recorded(name))
    if target == "otlp":
        return "".join(f"{json.dumps(span)}\n" for span in spans(json.loads(text)))
    return text


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_what_is_written_is_what_was_looked_at(path: Path) -> None:
    assert written(path) == path.read_text("utf-8")


def test_every_format_is_written_or_has_a_test_of_its_own() -> None:
    looked_at = {target for targets in FORMATS.values() for target in targets.split()}
    missing = TARGETS.keys() - looked_at - TESTED.keys()
    assert not missing, f"add to FORMATS in tests/export/test_written.py: {missing}"
    assert all((FOLDER.parent / file).is_file() for file in TESTED.values())


if __name__ == "__main__":
    for each in WRITTEN:
        each.write_text(written(each), encoding="utf-8")
