"""A report as Markdown, read back by a parser: names stay what they are."""

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sfnwatch.export.report_markdown import escaped, write_markdown
from sfnwatch.trace.events import Received
from sfnwatch.trace.report import report
from sfnwatch.trace.text import clean
from tests.builders import event, sync_run
from tests.trace.finding import begun, trace_of

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BREAK = "<!-- -->"
EVIL = [
    "a|b",
    "`code`",
    "*bold* _it_ ~~gone~~",
    "[link](http://x.example)",
    "<img src=x onerror=alert(1)>",
    "&lt; &#64;",
    "@someone",
    "https://x.example www.x.example",
    "\\| \\",
    "1. one",
    "- item",
    "# head",
    "$x$ ^a^ ==b==",
    "!",
    "<!-- a",
]


def printed(*records: Received) -> str:
    out = StringIO()
    write_markdown(report(trace_of(*records)), out)
    return out.getvalue()


def text_of(token: Token) -> str:
    """Give the text of an inline token; fail at anything but text and our comments."""
    words = []
    for child in token.children or []:
        if child.type == "html_inline":
            assert child.content == BREAK
            continue
        assert child.type in {"text", "text_special"}, child
        words.append(child.content)
    return "".join(words)


def cells(text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for token, inside in zip(*[iter_pairs(text)[n] for n in (0, 1)], strict=True):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"td_open", "th_open"}:
            rows[-1].append(text_of(inside))
    return rows


def iter_pairs(text: str) -> tuple[list[Token], list[Token]]:
    tokens = PARSER.parse(text)
    return tokens[:-1], tokens[1:]


def named(name: str) -> list[Received]:
    return [
        begun(),
        event(2, "TaskStateEntered", 1, name=name),
        event(3, "TaskScheduled", 1, resourceType="ecs", resource="runTask.sync"),
        event(4, "TaskFailed", 2, error=name, cause=name),
        event(5, "ExecutionFailed", 2, error=name, cause=name),
    ]


def test_the_seed_s_run_has_its_table_and_its_findings() -> None:
    text = printed(*sync_run())
    assert text.startswith(
        "## nightly-report › run-7f3a\n\n**SUCCEEDED after 5 min 9 s.**"
    )
    head, row = cells(text)
    assert head[0] == "State"
    assert row[0] == "ECS RunTask"
    assert len(head) == len(row)
    assert "- *fact*: While ECS RunTask waited, Step Functions polled 5 times" in text


@pytest.mark.parametrize("name", EVIL)
def test_no_name_breaks_the_table_or_becomes_markup(name: str) -> None:
    head, row = cells(printed(*named(name)))
    assert len(row) == len(head)
    assert row[0] == name


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=20) | st.sampled_from(EVIL))
def test_whatever_is_escaped_reads_as_it_was(text: str) -> None:
    shown = " ".join(clean(text).split()) or "x"
    tokens = PARSER.parse(f"| a |\n| --- |\n| {escaped(shown)} |")
    cell = tokens[[token.type for token in tokens].index("td_open") + 1]
    assert text_of(cell) == shown


@pytest.mark.parametrize("name", EVIL)
def test_no_name_makes_a_link_or_calls_a_person(name: str) -> None:
    told = escaped(name)
    assert "://" not in told
    assert "@s" not in told
    assert "www." not in told


@pytest.mark.parametrize("name", ["1. one", "- item", "+ item", "2) two"])
def test_no_name_begins_a_list(name: str) -> None:
    text = printed(*named(name))
    nested = [
        token for token in PARSER.parse(text) if token.type == "ordered_list_open"
    ]
    assert nested == []
    assert max(token.level for token in PARSER.parse(text)) <= 5


def test_nothing_is_told_in_a_sentence() -> None:
    assert printed() == (
        "## No execution, and no call\n\n- There is no CloudTrail in these records.\n"
    )
