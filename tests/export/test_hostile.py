"""Whoever starts an execution or calls an API writes these strings: none gets out."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export import TARGETS
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.model.records import Received, receive
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import parse_json
from tests import examples
from tests.export.traces import RECORDS, trace_of
from tests.model.test_hostile import strange

PIECES = st.sampled_from(
    [
        *(
            "\x1b[2J",
            "\x1b]8;;http://x\x07",
            "\x9b",
            "\x00",
            "\x7f",
            "\u202e",
            "\u2066",
        ),
        *("\u200b", "\ufeff", "\u2028", "\ud800", "\n", "\r\n", "\t", "=cmd|'/c'!A0"),
        *("</script>", "<!--", "<img src=x onerror=y>", "]]>", "&#27;", "{{7*7}}"),
        *('"', "'", "`", "%%{init}%%", "#;", "end", "[bold]x[/bold]", "お支払い", "é"),
    ]
)
evil = st.lists(PIECES, min_size=1, max_size=4).map("".join)
KEPT = frozenset(
    {"type", "eventSource", "invokedBy", "resourceType", "resource", "arn", "roleArn"}
)
"""What must stay as it is for a record to be one."""
WORDS = re.compile(r"[A-Za-z][A-Za-z ._-]{2,}")


def spoil(value: Any, text: str, key: str = "") -> Any:
    """Put a text behind every word that a stranger may have chosen."""
    if isinstance(value, Mapping):
        return {name: spoil(inner, text, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoil(inner, text, key) for inner in value]
    if (
        not isinstance(value, str)
        or key in KEPT
        or key.lower().endswith(("time", "at"))
    ):
        return value
    inner = parse_json(value)
    if isinstance(inner, dict | list):
        return json.dumps(spoil(inner, text))
    return f"{value}{text}" if WORDS.fullmatch(value) else value


def spoiled(name: str, text: str) -> list[Received]:
    return [
        receive(each.at, each.kind, each.execution_arn, spoil(each.record, text))
        for each in RECORDS[name]
    ]


def is_clean(text: str) -> bool:
    """True if there is nothing in it that a terminal or an editor would act on."""
    lines = text.replace("\r\n", "\n").split("\n")
    return all(clean(line) == line for line in lines)


def is_json(text: str) -> bool:
    json.loads(text)
    return True


def is_page(text: str) -> bool:
    tags = set(re.findall(r"<([a-z][a-z0-9]*)[\s>]", text.lower()))
    return text.isascii() and not tags & {"img", "iframe", "object", "base", "form"}


def is_picture(text: str) -> bool:
    root = ET.fromstring(text)  # noqa: S314 - our own text
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    shapes = {"rect", "path", "circle", "text", "g", "title", "defs", "pattern"}
    return names <= {"svg", "style", *shapes}


CHECKS: Mapping[str, tuple[Callable[[str], bool], ...]] = {
    "json": (is_json, str.isascii),
    "otlp": (is_json, str.isascii),
    "perfetto": (is_json, is_clean),
    "text": (is_clean,),
    "mermaid": (is_clean,),
    "flowchart": (is_clean,),
    "csv": (lambda text: bool(list(csv.reader(StringIO(text, newline="")))), is_clean),
    "svg": (is_picture, str.isascii),
    "html": (is_page,),
}


def check_all(records: Iterable[Received]) -> None:
    """Export and explain records: each text is as it has to be."""
    snapshot, explained = trace_of(records).as_of(), StringIO()
    write_text(explain(Report(snapshot)), explained)
    assert is_clean(explained.getvalue())
    for name, target in TARGETS.items():
        out = StringIO(newline="")
        target.dump(snapshot, out)
        assert all(check(out.getvalue()) for check in CHECKS[name]), name


def test_every_format_is_checked() -> None:
    missing = TARGETS.keys() - CHECKS.keys()
    assert not missing, f"add to CHECKS in tests/export/test_hostile.py: {missing}"


@examples(25)
@given(st.sampled_from(["denied", "shop", "photos", "tasks", "failing", "rows"]), evil)
def test_strangers_strings_come_out_as_words(name: str, text: str) -> None:
    check_all(spoiled(name, text))


@examples(40)
@given(st.lists(strange(), min_size=1, max_size=5), st.sampled_from(["denied", ""]))
def test_records_that_make_no_sense_are_exported_all_the_same(
    records: list[Received], before: str
) -> None:
    check_all([*RECORDS.get(before, ()), *records])


@examples(40)
@given(st.lists(strange(), min_size=1, max_size=8), evil)
def test_lines_go_on_whatever_comes(records: list[Received], text: str) -> None:
    trace, plain, lines = Trace(), StringIO(), StringIO()
    said: list[str] = []
    consumers = (PlainLines(trace, plain, said.append, ()), JsonLines(trace, lines))
    for batch in ([each] for each in (*spoiled("tasks", text), *records)):
        changed = trace.add(batch)
        for consumer in consumers:
            consumer(batch, changed)
    for consumer in consumers:
        consumer.finish()
    assert is_clean(plain.getvalue())
    assert all(map(is_clean, said))
    assert lines.getvalue().isascii()
    assert all(map(is_json, lines.getvalue().splitlines()))
