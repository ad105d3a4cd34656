"""A document written as text and as Markdown, and the words it is made of."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.analysis.document import (
    Column,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.analysis.evidence import MOST_PROOFS, brief_evidence, evidence
from sfnwatch.analysis.finding import FactOrInference
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import shorten_names
from sfnwatch.analysis.quantities import spoken
from sfnwatch.analysis.reasons import cause_words, error_words
from sfnwatch.export.document_markdown import write_markdown
from tests.analysis.finding_in import text_of
from tests.builders import TASK_ARN

TABLE = Table(
    (
        Column("State", ("一二三", "B"), least=4),
        Column("Runs", ("lambda:invoke", ""), rank=2),
        Column("Visits", ("", ""), rank=1),
        Column("Total", ("1 s", "12 s"), right=True),
    )
)
DOCUMENT = (
    Heading("machine › run"),
    Paragraph("FAILED after 3 s.", strong=True),
    Heading("What failed", 2),
    Sentence("a", FactOrInference.FACT, "It broke.", ("#5", "#6")),
    Sentence("b", FactOrInference.INFERENCE, "It may break again.", ("call-1",)),
    TABLE,
    Items(("one", "two")),
)


def markdown(*blocks: Paragraph | Sentence | Items | Table | Heading) -> str:
    out = io.StringIO()
    write_markdown(blocks, out)
    return out.getvalue()


# -- text ------------------------------------------------------------------------------


def test_what_a_heading_is_about_is_set_in_below_it() -> None:
    assert text_of(DOCUMENT, 60).splitlines() == [
        "machine › run",
        "  FAILED after 3 s.",
        "",
        "  What failed",
        "    fact       It broke. [#5 #6]",
        "    inference  It may break again. [call call-1]",
        "",
        "    State   Runs           Total",
        "    一二三  lambda:invoke    1 s",
        "    B                       12 s",
        "    one",
        "    two",
    ]


def test_a_table_gives_way_where_there_is_no_room() -> None:
    wide = Table((*TABLE.columns, Column("Status", ("succeeded, after all", "failed"))))
    (head, *_) = text_of([wide], 40).splitlines()
    assert head == "State   Total  Status"


@given(st.text(max_size=200), st.integers(40, 100))
def test_no_line_is_wider_than_asked_for(text: str, width: int) -> None:
    for line in text_of([Heading("H"), Paragraph(text)], width).splitlines():
        assert cell_len(line) <= width


# -- Markdown --------------------------------------------------------------------------


def test_markdown_has_headings_lists_and_a_table() -> None:
    assert markdown(*DOCUMENT).splitlines() == [
        "## machine › run",
        "",
        "**FAILED after 3 s.**",
        "",
        "### What failed",
        "",
        r"- *fact*: It broke. \[\#5 \#6\]",
        r"- *inference*: It may break again. \[call call-1\]",
        "",
        "| State | Runs | Total |",
        "| --- | --- | ---: |",
        "| 一二三 | lambda:invoke | 1 s |",
        "| B |  | 12 s |",
        "",
        "- one",
        "- two",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        ("[x](y) <b>", r"\[x\](y) \<b\>"),
        ("https://example.com", "https:<!-- -->//example.com"),
        ("@somebody", "@<!-- -->somebody"),
        ("1. no list", "<!-- -->1. no list"),
        ("- no list", r"\- no list"),
        ("`code` *strong* #5", r"\`code\` \*strong\* \#5"),
    ],
)
def test_no_name_becomes_markup(text: str, written: str) -> None:
    assert markdown(Paragraph(text)) == f"{written}\n"


# -- words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.26, "0.26 s"),
        (58.6, "58.6 s"),
        (59.97, "1m 00s"),
        (309, "5m 09s"),
        (7385, "2h 03m"),
        (187_200, "52h 00m"),
        (-3, "-3 s"),
    ],
)
def test_a_length_of_time_is_said_in_few_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (
            [
                "three-ways-sync-20261127T133053-f3235d",
                "three-ways-sdk-20261127T133108-e1840d",
            ],
            ["sync", "sdk"],
        ),
        (["run-1", "run-2"], ["1", "2"]),
        (["nightly", "hourly"], ["nightly", "hourly"]),
        (["run", "run-2"], ["run", "run-2"]),
        (["a-20261127-x", "a-20261128-y"], ["20261127-x", "20261128-y"]),
        (["same", "same"], ["same", "same"]),
        (["one"], ["one"]),
        ([], []),
    ],
)
def test_names_are_cut_to_what_tells_them_apart(
    names: list[str], short: list[str]
) -> None:
    assert shorten_names(names) == short


@given(st.lists(st.text(alphabet="ab-2", max_size=12), max_size=4))
def test_cut_names_stay_as_distinct_as_they_were(names: list[str]) -> None:
    short = shorten_names(names)
    assert len(short) == len(names)
    assert len(set(short)) == len(set(names))


def test_a_cause_that_is_a_whole_job_says_its_reason() -> None:
    assert cause_words('{"StoppedReason": "Spot", "Status": "x"}') == "Spot"
    assert cause_words("not JSON") == "not JSON"
    assert error_words("E", '{"errorMessage": "no\\u001b."}') == "E: no␛"
    assert error_words(None, None) == ""


def test_evidence_is_named_in_a_few_words() -> None:
    assert brief_evidence(("#5", "#6")) == "#5 #6"
    assert brief_evidence([f"#{n}" for n in range(9)]) == "#0 #1 #2 and 6 more"
    assert brief_evidence(("0123456789abcdef", "x")) == "2 calls 01234567…"
    assert brief_evidence((f"task#{TASK_ARN}#5",)) == "task 9f018ef6"
    assert brief_evidence(()) == ""
    many = evidence(f"#{n}" for n in range(1000))
    assert (len(many), many[0], many[-1]) == (MOST_PROOFS, "#0", "#999")
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
