"""The pictures: what is in a trace is drawn as what it is, and nothing else gets in."""

import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.svg import dump, dump_gantt
from sfnwatch.export.svg_lanes import lanes_svg
from sfnwatch.export.svg_rows import LIMIT
from sfnwatch.export.svg_style import PALETTE
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import (
    ARN,
    ROLE,
    START,
    call,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.export.drawing import crowd, long_wait, named, parsed, run, texts, tips
from tests.peers.fixtures import files, history
from tests.trace.machines import Run, Sequence, machines
from tests.trace.test_hostile import everything, hostile, safe, spoil


def lanes(trace: Trace) -> ET.Element:
    out = StringIO()
    dump(trace, out)
    return parsed(out.getvalue())


def gantt(trace: Trace) -> ET.Element:
    out = StringIO()
    dump_gantt(trace, out)
    return parsed(out.getvalue())


def arrows(root: ET.Element) -> list[str]:
    """Give the classes of the arrows, without the two that the legend explains."""
    ties = [path.get("class", "") for path in named(root, "path", "tie")]
    assert ties[-2:] == ["tie", "tie guess"]
    return ties[:-2]


def test_the_picture_says_what_it_is_to_those_who_cannot_see_it() -> None:
    root = lanes(run())
    assert root.get("role") == "img"
    names = {element.get("id"): element.text for element in root}
    told = [names[key] or "" for key in (root.get("aria-labelledby") or "").split()]
    assert told[0] == "nightly-report › run-7f3a: states and API calls"
    assert "✔ succeeded in 5m 09s" in told[1]


def test_the_seeds_run_is_drawn_with_its_call_its_polls_and_who_noticed() -> None:
    root = lanes(run())
    words = list(texts(root))
    assert "✔ succeeded in 5m 09s" in words
    assert any("ECS RunTask" in line for line in words)
    assert any("noticed by event, 1.9 s after the task stopped" in w for w in words)
    assert any("= request id" in line for line in words)
    assert any("3 more polls, about every" in line for line in words)
    assert "CloudTrail complete to 00:35:24, past the end" in words
    assert len(named(root, "rect", "noticing")) - 1 == 1


def test_polls_known_in_part_are_counted_and_no_interval_is_claimed() -> None:
    known = health("lookup", "ok", 200, complete_to=iso(START))
    root = lanes(extend(Trace(), [*sync_history(), *sync_calls(), known]))
    (told,) = [line for line in texts(root) if "more polls" in line]
    assert told.strip() == "⋯ 3 more polls"


def test_every_poll_is_a_mark_with_a_title_whether_folded_or_not() -> None:
    root = lanes(run())
    polls = [tip for tip in tips(root) if "DescribeTasks #" in tip]
    assert len(polls) == 5
    assert len(named(root, "circle", "ring")) - 1 == 2
    assert len(named(root, "path", "tick")) - 1 == 3


def test_one_arrow_leads_from_the_phase_to_the_call_it_made() -> None:
    assert arrows(lanes(run())) == ["tie"]


def test_a_guess_is_a_broken_arrow_and_what_fits_several_has_none() -> None:
    unknown = call("RunTask", 1, key="run", request_id="other")
    guessed = lanes(extend(Trace(), [*sync_history(), unknown]))
    assert arrows(guessed) == ["tie guess"]
    assert any("~ role + action + time" in line for line in texts(guessed))
    both = [*sync_history(), *sync_history(ARN + "-2"), unknown]
    unclear = lanes(extend(Trace(), both))
    assert any("2 candidates" in line for line in texts(unclear))
    assert len(named(unclear, "circle", "ask")) - 1 == 1
    assert arrows(unclear) == []


def test_a_refused_call_has_a_cross_and_the_word_not_only_a_colour() -> None:
    refused, fine = lanes(run(denied=True)), lanes(run())
    crosses = len(named(refused, "path", "cross")) - len(named(fine, "path", "cross"))
    assert crosses == 5
    assert sum("AccessDenied" in line for line in texts(refused)) == 3
    assert len(named(gantt(run(denied=True)), "path", "cross")) - 1 == 5


def test_idle_time_is_squeezed_and_its_length_is_said() -> None:
    quick = [event(1, "ExecutionStarted", 0, input="{}")]
    later = event(2, "WaitStateEntered", 0.1, name="Wait")
    left = event(3, "WaitStateExited", 7200.1, name="Wait")
    root = lanes(extend(Trace(), [*quick, later, left]))
    assert "2h 00m" in list(texts(root))
    assert float(root.get("height") or 0) < 400


def test_several_executions_stand_beside_each_other_on_one_axis() -> None:
    root = lanes(extend(Trace(), [*sync_run(), *sync_history(ARN + "-2")[:2]]))
    words = list(texts(root))
    assert "2 executions" in words
    assert {"run-7f3a", "run-7f3a-2"} <= set(words)
    assert len(named(root, "path", "axis")) >= 1
    heads = {
        element.text: float(element.get("x") or 0)
        for element in named(root, "text", "head")
    }
    assert heads["run-7f3a"] < heads["ECS calls"] < heads["run-7f3a-2"]


def test_calls_below_the_watermark_may_come_yet() -> None:
    records = [*sync_history()[:5], health("lookup", "live", 90)]
    behind = health("lookup", "live", 100, complete_to="2023-11-15T00:28:24.500Z")
    waiting = extend(Trace(), [*records, behind, call("RunTask", 1, key="run")])
    assert "CloudTrail complete to 00:28:24" in list(texts(lanes(waiting)))
    assert "CloudTrail complete to 00:28:24" in list(texts(gantt(waiting)))


@pytest.mark.parametrize(
    "records",
    [
        [],
        sync_history(),
        [call("RunTask", 1, key="run")],
        sync_history()[:4],
        [event(5, "TaskSubmitted", 1, resource="runTask.sync", resourceType="ecs")],
        [health("lookup", "live", 1)],
        [event(1, "NeverHeardOf", 0)],
    ],
    ids=["nothing", "history", "calls", "running", "middle", "health", "unknown"],
)
def test_whatever_is_known_is_drawn(records: list[Received]) -> None:
    trace = extend(Trace(), records)
    rows = build_lanes(trace).rows
    assert len(named(lanes(trace), "g", "row")) == len(rows)
    assert float(gantt(trace).get("height") or 0) > 0


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_histories_that_others_recorded_are_drawn_whole(path: Path) -> None:
    records = [Received(None, From.HISTORY, ARN, each) for each in history(path)]
    trace = extend(Trace(), records)
    rows = build_lanes(trace).rows
    assert rows
    assert len(named(lanes(trace), "g", "row")) == min(len(rows), LIMIT)
    assert len(named(gantt(trace), "g", "row")) > 0


@settings(max_examples=60, deadline=None)
@given(
    machine=machines(),
    seed=st.integers(0, 2**32),
    failing=st.sampled_from([0.0, 0.3]),
    share=st.floats(0.1, 1),
)
def test_every_row_of_any_run_is_drawn_once_whole_or_not(
    machine: Sequence, seed: int, failing: float, share: float
) -> None:
    events = Run(machine, seed, failing, alike=True).events
    some = events[: max(1, int(len(events) * share))]
    trace = Trace({ARN: Timeline(ARN, {each.id: each for each in some})})
    rows = build_lanes(trace).rows
    keys = {row.key: f"k{number}" for number, row in enumerate(rows)}
    root = parsed(lanes_svg(trace, key=lambda row: keys[row.key], limit=len(rows)))
    drawn = [group.get("id") for group in named(root, "g", "row")]
    assert sorted(map(str, drawn)) == sorted(keys.values())
    assert len(named(gantt(trace), "g", "row")) <= len(
        list(trace.timelines[ARN].visits)
    )


def test_of_very_many_rows_the_failures_stay_and_the_rest_is_counted() -> None:
    trace = extend(Trace(), crowd(2000))
    root = lanes(trace)
    rows = build_lanes(trace).rows
    shown = len(named(root, "g", "row"))
    assert shown == 500
    description = next(root.iter("{http://www.w3.org/2000/svg}desc")).text or ""
    assert f"{len(rows) - shown} rows are left out" in description
    assert any(
        line.startswith("⋯ ") and "rows left out" in line for line in texts(root)
    )
    assert any("✔ Execution succeeded" in line for line in texts(root))
    assert sum("✘ failed" in line for line in texts(root)) > 60


def test_the_bars_of_a_crowd_are_the_first_and_some_that_failed() -> None:
    root = gantt(extend(Trace(), crowd(500)))
    words = list(texts(root))
    assert "⋯ 490 more left out" in words
    assert any(line.startswith("[6]") for line in words)


def test_hundreds_of_polls_take_little_room_and_are_all_there() -> None:
    root = lanes(extend(Trace(), long_wait(300)))
    assert len([tip for tip in tips(root) if "DescribeTasks #" in tip]) == 300
    assert float(root.get("height") or 0) < 1200


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run(denied=True)))
def test_equal_traces_give_equal_pictures(records: list[Received]) -> None:
    one, other = StringIO(), StringIO()
    dump(extend(Trace(), records), one)
    dump(run(denied=True), other)
    assert one.getvalue() == other.getvalue()


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_no_string_of_any_record_becomes_anything_but_text(text: str) -> None:
    evil = f"</title></style></svg><script>alert(1)</script>&'\"{text}"
    records = [spoil(record, evil) for record in everything()]
    records += [spoil(record, evil) for record in everything()]
    for picture in (lanes, gantt):
        root = picture(extend(Trace(), records))
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {
            *("svg", "title", "desc", "style", "g", "text", "tspan"),
            *("rect", "path", "circle"),
        }
        assert len(list(root.iter("{http://www.w3.org/2000/svg}style"))) == 1
        told = [
            element.text or "" for element in root.iter() if "style" not in element.tag
        ]
        assert all(safe(line) for each in told for line in each.split("\n"))


def test_a_picture_is_ascii_and_loads_nothing() -> None:
    out = StringIO()
    dump(extend(Trace(), sync_run()), out)
    svg = out.getvalue()
    assert svg.isascii()
    for word in ("<script", "href", "url(", "@import", " style=", "<image", "http://"):
        assert word not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "prefers-color-scheme:dark" in svg


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("night", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize("ground", ["bg", "panel", "raised"])
@pytest.mark.parametrize(
    "name", ["fg", "dim", "good", "bad", "warn", "busy", "call", "exact"]
)
def test_text_can_be_read_on_every_ground(name: str, ground: str, night: int) -> None:
    light, dark = sorted(
        (luminance(PALETTE[name][night]), luminance(PALETTE[ground][night])),
        reverse=True,
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_state_still_running_is_drawn_to_the_last_that_is_known() -> None:
    records = [*sync_history()[:5], event(1, "ExecutionStarted", 0, roleArn=ROLE)]
    words = list(texts(gantt(extend(Trace(), records))))
    assert any("so far" in line for line in words)
