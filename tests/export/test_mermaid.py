"""Mermaid's diagrams, and graphs on a page: what is lit, escaped and left out."""

import re
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.analysis.findings import find
from sfnwatch.export.mermaid.grammar import escape
from sfnwatch.model.texts import clean
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, export, printed, trace_of
from tests.tui.screens import recorded

STATEMENT = re.compile(
    r"sequenceDiagram|%% .*|box transparent .+|participant \w+ as .+|end|loop .+"
    r"|Note over \w+: .+|\w+(->>|-->>|-x|--x)\w+: .+"
)
USES = re.compile(r"^(?:Note over )?(\w+)(?:->>|-->>|-x|--x|:)", re.MULTILINE)
SPECIAL = set('<>"%{}&$`\\')
UNITS = 50_000
"""Mermaid draws no more, in JavaScript's units."""


def checked(text: str) -> list[str]:
    """Give the lines of a diagram, if they are one."""
    lines = text.splitlines()
    assert lines[0] == "sequenceDiagram"
    assert all(STATEMENT.fullmatch(line) for line in lines), lines
    known = set(re.findall(r"participant (\w+) as", text))
    assert {*USES.findall(text)} <= known
    opened = sum(line.startswith(("box ", "loop ")) for line in lines)
    assert lines.count("end") == opened
    assert len(text.encode("utf-16-le")) // 2 < UNITS
    return lines


@pytest.mark.parametrize("name", RECORDS)
def test_it_is_a_diagram_in_which_all_that_take_part_are_named(name: str) -> None:
    checked(export("mermaid", name))


def test_a_state_called_as_the_workflow_s_column_has_its_own() -> None:
    run = aws.History(pace=0.01).start().task("Step Functions", aws.LAMBDA).end()
    lines = checked(printed("mermaid", run.records))
    named = [line for line in lines if line.startswith("participant")]
    assert len(named) == 2


def test_a_long_one_is_cut_and_says_so() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(2_000):
        run.state(f"State {number} {'long ' * 10}")
    lines = checked(printed("mermaid", run.end("TimedOut").records))
    missing = [line for line in lines if "left out" in line]
    assert len(missing) == 2
    assert missing[0].startswith("%% 1,")
    assert lines[1].endswith("TIMED_OUT")


def test_of_very_many_executions_those_are_named_that_are_drawn() -> None:
    arns = [aws.ARN.replace("7f3a", f"{number:0100}") for number in range(600)]
    each = (aws.History(arn).start().end().records for arn in arns)
    lines = checked(printed("mermaid", list(chain.from_iterable(each))))
    assert any("left out" in line for line in lines)
    assert lines.count("end") < 600


@examples(200)
@given(st.text())
def test_any_text_becomes_words_and_nothing_of_the_grammar(text: str) -> None:
    told = escape(text)
    assert told
    assert not SPECIAL & set(told)
    assert re.sub(r"#\d+;", "", told).count(";") == 0
    assert not re.search(r"\bend\b", re.sub(r"#\d+;", "x", told), re.IGNORECASE)
    assert not re.match(r"(no)?wrap:", told, re.IGNORECASE)
    assert told == clean(told)


@examples(30)
@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=5, unique=True))
def test_any_names_make_a_diagram(names: list[str]) -> None:
    run = aws.History().start()
    for name in names:
        run.task(name, aws.LAMBDA, error=name, caught=True, cause=name)
    checked(printed("mermaid", run.end("Failed", error=names[0]).records))


# -- state machines --------------------------------------------------------------------

CHART_STATEMENT = re.compile(
    r"flowchart TD|%% .*|end|class \w+ \w+|classDef \w+ stroke:#\w+,stroke-width:2px"
    r'|subgraph \w+\["[^"]*"\]|\w+(\[|\{|\(\[)"[^"]*"(\]|\}|\]\))'
    r'|\w+ (-->|==>|-\.->)(\|"[^"]*"\|)? \w+'
    r"|style \w+ stroke:#\w+,stroke-width:2px"
)


def checked_chart(text: str) -> list[str]:
    """Give the lines of a chart, if they are one."""
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    assert all(CHART_STATEMENT.fullmatch(line) for line in lines), lines
    opened = sum(line.startswith("subgraph ") for line in lines)
    assert lines.count("end") == opened
    nodes = r"(?m)^(?:subgraph )?(\w+)(?:\[|\{|\(\[)"
    arrows = r"(?m)^(\w+) (?:-->|==>|-\.->)\S* ?(?:[^|\n]*\| )?(\w+)$"
    known = set(re.findall(nodes, text))
    assert {end for way in re.findall(arrows, text) for end in way} <= known
    return lines


@pytest.mark.parametrize("name", RECORDS)
def test_it_is_a_chart_in_which_all_that_is_connected_is_there(name: str) -> None:
    checked_chart(export("flowchart", name))


def test_what_was_taken_is_bold_a_catch_too() -> None:
    lines = checked_chart(printed("flowchart", recorded("demo-pipeline")))
    assert 'e1n7 ==>|"CardDeclined"| e1n8' in lines


def test_a_chart_too_large_for_mermaid_says_how_much_is_missing() -> None:
    states = {
        f"State {n}": {"Type": "Pass", "Next": f"State {n + 1}"} for n in range(900)
    }
    text = printed(
        "flowchart", [*aws.History().start().records, aws.definition(states)]
    )
    lines = checked_chart(text)
    assert len(text.encode("utf-16-le")) // 2 < 50_000
    assert any(re.fullmatch(r"%% \d+ more states left out: .*", line) for line in lines)


def test_of_a_history_that_begins_within_a_map_a_chart_has_what_is_there() -> None:
    run = aws.History()
    run.add("MapIterationStarted", name="Each", index=0)
    records = run.state("Work").end().records
    assert any("Work" in line for line in checked_chart(printed("flowchart", records)))


def test_a_report_has_the_graph_of_each_execution() -> None:
    text = printed("html", recorded("demo-pipeline"))
    picture = text[text.index('id="graph"') :]
    picture = picture[: picture.index("</section>")]
    assert picture.count('class="box ') == 10
    assert picture.count('class="frame ') == 2
    assert picture.count('class="wire taken"') == 7
    assert picture.count('class="wire caught taken"') == 1
    # A click leads to the last visit's event.
    assert re.search(r'id="g0-e0-\d+"', picture)
    assert export("html", "several").count("<figure>") == 3


def test_a_graph_is_cleaned_and_no_markup_is_made_of_names() -> None:
    name = "<img src=x>\x1b[31m\u202e`end`"
    states = {name: {"Type": "Task", "Resource": name, "End": True}}
    records = [*aws.History().start().records, aws.definition(states)]
    assert "<img" not in printed("html", records)
    lines = checked_chart(printed("flowchart", records))
    assert not set("\x1b\u202e") & set("".join(lines))


def test_the_interval_of_polls_is_that_of_the_finding_about_them() -> None:
    snapshot = trace_of(RECORDS["denied"]).as_of()
    (mean,) = {
        found.data["interval_mean"]
        for found in find(snapshot)
        if found.data.get("interval_mean")
    }
    assert f"about every {mean:.0f} s" in printed("mermaid", RECORDS["denied"])
