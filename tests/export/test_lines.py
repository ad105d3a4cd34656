"""The plain lines' end: what the whole shows, each with what it rests on."""

from io import StringIO

from sfnwatch.export.lines import PlainLines, finding_line
from sfnwatch.trace.finding import Certainty, Finding
from tests.builders import sync_run
from tests.tui.several import THREE, three_runs


def test_a_finding_is_a_line_with_its_evidence_behind_it() -> None:
    known = Finding("k", Certainty.FACT, "So it is.", ("#5", "#6", "poll-1"))
    assert finding_line(known) == "fact          So it is.  [#5 #6, call poll-1]"
    bare = Finding("k", Certainty.INFERENCE, "So it seems.")
    assert finding_line(bare) == "inference     So it seems."


def test_the_lines_end_with_all_findings_those_of_the_trace_last() -> None:
    out, said = StringIO(), list[str]()
    lines = PlainLines(out, said.append)
    lines(tuple(sync_run(denied=True)))
    lines.finish()
    told = [line for line in out.getvalue().splitlines() if line[:2] in {"fa", "in"}]
    assert [line.split("  ")[0] for line in told] == [
        *("fact", "fact", "inference", "inference", "fact", "fact"),
    ]
    assert "the denials did not decide the outcome" in told[3]
    assert told[3].endswith("[#6, 5 calls poll-0]")
    assert told[-1].startswith("fact          CloudTrail showed 6 calls")


def test_of_several_executions_each_line_says_which() -> None:
    out = StringIO()
    lines = PlainLines(out, print, THREE)
    for record in three_runs():
        lines((record,))
    lines.finish()
    told = out.getvalue().splitlines()
    states = [line for line in told if "  state  " in line]
    assert {line.split("  ")[2].partition("]")[0] for line in states} == {
        *("[sync", "[async", "[sdk")
    }
    calls = [line for line in told if "  call   RunTask" in line]
    assert [line.split("-> ")[1].split("]")[0] for line in calls] == [
        *("[sync", "[async", "[sdk")
    ]
    findings = [line for line in told if line[:2] in {"fa", "in"}]
    assert findings[0].startswith("fact          [sync] ECS RunTask uses")
    assert findings[-3].startswith("fact          Conclusion: ecs:runTask.sync calls")


def test_executions_heard_of_as_they_come_are_told_apart_from_then_on() -> None:
    out = StringIO()
    lines = PlainLines(out, print)
    for record in three_runs():
        lines((record,))
    told = out.getvalue().splitlines()
    assert "  state  ◆ Execution started" in told[0]
    assert "  state  [async] ◆ Execution started" in out.getvalue()
