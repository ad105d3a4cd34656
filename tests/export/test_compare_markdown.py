"""A comparison in Markdown: a table that GitHub shows, and names that stay names."""

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.compare_markdown import escaped, write_markdown
from sfnwatch.trace.compare_values import (
    Comparison,
)
from tests.export.test_compare_text import denied, various
from tests.trace.comparing import A, B, Story, comparison
from tests.trace.test_text import HOSTILE, safe


def markdown(found: Comparison) -> str:
    out = StringIO()
    write_markdown(found, out)
    return out.getvalue()


def test_it_is_two_tables_with_the_answer_between() -> None:
    lines = markdown(denied()).splitlines()
    assert lines[0] == "| | execution | status | length | started (UTC) |"
    assert lines[2] == (
        "| A | nightly-report › run-7f3a | ✔ succeeded | 5m 09s | 2023-11-15 00:28:24 |"
    )
    assert lines[5] == (
        "**Both went through the same state with the same outcome;"
        " of what they did, nothing but calls differs.**"
    )
    assert "- Their definitions are the same." in lines
    assert "| ≠ | **ECS RunTask** | 5m 09s | 5m 09s | +0.00 s | ×1.00 |" in lines
    assert (
        "| ≠ | &emsp;DescribeTasks | 5 polls, every 60 s |"
        " 5 polls ✘ AccessDenied, every 60 s |  |  |"
    ) in lines


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        ("*x* _y_ `z` ~q~", r"\*x\* \_y\_ \`z\` \~q\~"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("[a](javascript:x)", r"\[a\](javascript:x)"),
        ("@octocat", "@<!-- -->octocat"),
        ("see #12", "see #<!-- -->12"),
        ("https://evil.example", "https:<!-- -->//evil.example"),
        ("www.evil.example", "www<!-- -->.evil.example"),
        ("$x$", r"\$x\$"),
        ("- item", r"\- item"),
        ("1. item", "1&#8203;. item"),
        ("1.9 s late", "1.9 s late"),
        ("plain words, 5 polls", "plain words, 5 polls"),
    ],
)
def test_names_stay_names(text: str, written: str) -> None:
    assert escaped(text) == written


def test_every_row_has_the_columns_of_its_table() -> None:
    said = markdown(various("a | b \\| c"))
    rows = [line for line in said.splitlines() if line.startswith("|")]
    assert rows
    for row in rows:
        bare = row.replace("\\\\", "").replace("\\|", "")
        assert bare.count("|") in {6, 7}
        assert row.endswith("|")


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_nothing_in_it_can_be_acted_on(name: str) -> None:
    said = markdown(various(name))
    assert all(safe(line) for line in said.split("\n"))
    assert said == markdown(various(name))
    assert "<" not in said.replace("<!-- -->", "")


def test_a_hostile_name_takes_one_line() -> None:
    said = markdown(
        comparison(Story(A).passes(*HOSTILE).ends(), Story(B).passes(*HOSTILE).ends())
    )
    assert all(safe(line) for line in said.split("\n"))
