"""Sequence diagrams: what is said, what is escaped, what is left out."""

import re
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.mermaid import escape
from sfnwatch.model.values import clean
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, export, printed

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


def test_a_wait_with_denied_polls_is_one_loop() -> None:
    lines = checked(export("mermaid", "denied"))
    assert (
        "%% nightly-report › run-7f3a, started at 2023-11-15T00:28:24.102Z" in lines[1]
    )
    assert "e1s1->>e1s2: 00:28:24 enter · ecs:runTask.sync" in lines
    call = lines.index("e1s2->>a1: 00:28:25 RunTask · task 9f018ef6 · = request ID")
    assert lines[call + 1] == "a1-->>e1s2: 00:28:25 submitted"
    assert lines[call + 2 : call + 5] == [
        "loop 5 polls, about every 60 s, all denied",
        "e1s2-xa1: 00:29:20 – 00:33:18 DescribeTasks · ✘ AccessDenied · = task ARN",
        "end",
    ]
    ends = "e1s2-->>e1s1: 00:33:33 ✔ succeeded · 5m 09s · learned by event, 1.9 s after"
    assert lines[call + 5].startswith(ends)


def test_what_failed_is_crossed_and_how_it_ended_is_noted() -> None:
    lines = checked(export("mermaid", "failing"))
    assert any("-xa1: " in line and "ClusterNotFound" in line for line in lines)
    assert lines[-1].startswith("Note over e1s1: 00:28:25 ✘ Execution failed")


def test_a_child_execution_is_counted_and_not_drawn() -> None:
    text = export("mermaid", "nested")
    assert "%% 1 child execution not drawn" in checked(text)
    assert "Archive" not in text


def test_states_and_services_beyond_a_dozen_share_a_column() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(30):
        run.task(f"State {number}", aws.LAMBDA)
    lines = checked(printed("mermaid", run.end().records))
    named = [line for line in lines if line.startswith("participant")]
    assert len(named) == 14
    assert named[-1].endswith("as other states")
    assert any("State 29 enter" in line for line in lines)


def test_a_long_one_is_cut_says_so_and_tells_how_it_ended() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(2_000):
        run.state(f"State {number} {'long ' * 10}")
    lines = checked(printed("mermaid", run.end("TimedOut").records))
    missing = [line for line in lines if "left out" in line]
    assert len(missing) == 2
    assert missing[0].startswith("%% 1,")
    assert "Execution timed out" in lines[-1]


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
