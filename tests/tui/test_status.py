from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.words import Tone
from sfnwatch.tui.cells import cells
from sfnwatch.tui.status import View, quiet_words, status_line, troubles
from tests.builders import ARN, START, health, sync_history, sync_run
from tests.tui.conftest import harmless
from tests.tui.runs import HOSTILE, branching_run, live_run, seconds, stormy_run


def words(records: list[Received], width: int = 200, **more: Any) -> str:
    at = more.pop("at", 270)
    view = View(now=START + timedelta(seconds=at), **more)
    pieces = status_line(extend(Trace(), records), view, width)
    return "".join(text for text, _ in pieces).strip()


def test_the_line_says_who_how_far_and_how_each_source_does() -> None:
    assert words(live_run(), recording=True) == (
        "sfnwatch   nightly-report › run-7f3a   ● RUNNING 04:30   ● history live   "
        "● CloudTrail 2m14s behind, complete to 00:30:30   ● rec"
    )


def test_the_clock_ticks_while_it_runs_and_stops_with_it() -> None:
    assert "RUNNING 04:31" in words(live_run(), at=271)
    assert "SUCCEEDED 05:09" in words(sync_run(), at=9999)


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        ("connecting", {}, "○ CloudTrail connecting"),
        ("live", {}, "● CloudTrail live"),
        ("live", {"lag": 45.0}, "● CloudTrail 45s behind"),
        ("retrying", {"retry_in": 8}, "▲ CloudTrail retrying, again in 5 s"),
        ("throttled", {"retry_in": 8}, "▲ CloudTrail throttled, again in 5 s"),
        ("throttled", {}, "▲ CloudTrail throttled"),
        ("denied", {}, "✘ CloudTrail denied"),
        ("expired", {}, "✘ CloudTrail credentials expired"),
        ("refused", {}, "✘ CloudTrail refused"),
        ("draining", {"until": iso(seconds(390))}, "▼ CloudTrail draining, 02:00 left"),
        ("draining", {}, "▼ CloudTrail draining"),
        ("ended", {"lag": 3.0}, "■ CloudTrail ended"),
    ],
)
def test_each_state_of_a_source_has_a_glyph_and_a_word(
    state: str, more: dict[str, Any], said: str
) -> None:
    assert words([health("lookup", state, 267, **more)]) == f"sfnwatch   {said}"


def test_a_wait_is_counted_down_and_never_below_zero() -> None:
    retrying = [health("history", "retrying", 267, retry_in=4)]
    assert "again in 1 s" in words(retrying, at=270)
    assert words(retrying, at=272).endswith("retrying")


def test_several_executions_are_counted_by_status() -> None:
    second = sync_history(ARN.replace("run-7f3a", "run-2"))[:4]
    line = words([*sync_run(), *second])
    assert "2 executions" in line
    assert "✔ 1 SUCCEEDED" in line
    assert "● 1 RUNNING" in line


def test_a_paused_view_says_how_much_is_new() -> None:
    assert "‖ paused, 7 new" in words(live_run(), paused=True, fresh=7)
    assert "↓ 3 new" in words(live_run(), fresh=3)
    assert "new" not in words(live_run())


def test_the_end_and_the_mode_are_said() -> None:
    line = words(sync_run(), ended=True, mode="replay")
    assert "ended, q to quit" in line
    assert "REPLAY" in line
    assert "DEMO" in words(sync_run(), mode="demo")
    assert "LIVE" not in words(sync_run(), mode="live")


def test_the_title_stands_in_until_the_execution_is_known() -> None:
    assert words([], title="nightly-report › run") == "sfnwatch   nightly-report › run"


def test_what_matters_least_goes_first() -> None:
    def line(width: int) -> str:
        return words(live_run(), width, recording=True)

    assert "sfnwatch" not in line(118)
    assert "rec" not in line(100)
    assert "history" not in line(90)
    assert "2m14s behind" in line(80)
    assert "complete to" not in line(80)
    assert line(40) == "run-7f3a   ● RUNNING 04:30"
    assert line(17) == "● RUNNING 04:30"


def test_a_name_longer_than_most_is_cut() -> None:
    arn = ARN.replace("run-7f3a", "x" * 80)
    line = words(sync_history(arn))
    assert f"nightly-report › {'x' * 31}…   ✔" in line


def test_trouble_outlives_what_is_well() -> None:
    line = words(stormy_run(), 60)
    assert "✘ CloudTrail denied" in line
    assert "history" not in line


@given(width=st.integers(1, 200), title=st.text(max_size=50), paused=st.booleans())
def test_the_line_never_wraps(*, width: int, title: str, paused: bool) -> None:
    trace = extend(Trace(), branching_run(HOSTILE))
    for shown in (trace, Trace()):
        view = View(now=START, title=title, paused=paused, fresh=12, recording=True)
        pieces = status_line(shown, view, width)
        assert cells(pieces) == width
        assert all(harmless(text) for text, _ in pieces)


def test_the_banner_has_each_message_and_what_will_not_pass_first() -> None:
    records = [
        health("history", "retrying", 2, message="ThrottlingException"),
        health("lookup", "expired", 2, message="Run aws sso login \x1b[31m"),
        health("other", "live", 2, message="all is well"),
    ]
    said = [
        "".join(text for text, _ in pieces)
        for pieces in troubles(extend(Trace(), records))
    ]
    assert said == [
        "✘ CloudTrail expired  Run aws sso login ␛[31m",
        "▲ history retrying  ThrottlingException",
    ]


def test_an_empty_lane_of_calls_says_why_as_well_as_can_be_known() -> None:
    def quiet(*records: Received, ended: bool = False) -> str:
        return quiet_words(extend(Trace(), records), ended=ended)

    assert quiet().startswith("nothing yet: CloudTrail is usually")
    assert quiet(ended=True) == "no calls were recorded"
    assert quiet(health("lookup", "ended", 2)) == "no calls were recorded"
    assert quiet(health("lookup", "denied", 2)) == "no calls: CloudTrail denied"
    message = "This machine calls nothing that is recorded."
    assert quiet(health("lookup", "ended", 2, message=message)) == message


def test_a_status_has_its_tone_besides_its_word() -> None:
    view = View(now=START)
    pieces = status_line(extend(Trace(), sync_run()), view, 200)
    assert ("✔ SUCCEEDED", Tone.GOOD) in pieces


def test_what_the_lanes_do_not_show_is_counted() -> None:
    asked = health("history", "live", 5, requests=12)
    also = health("lookup", "live", 5, requests=3)
    unknown = Received(START, "tomorrow", None, {"a": 1})
    line = words([*sync_run()[:3], asked, also, unknown])
    assert "15 requests" in line
    assert "1 unread" in line
    assert "unread" not in words([*sync_run()[:3], asked])


def test_the_lane_of_calls_is_told_of_before_the_machines_name() -> None:
    line = words(live_run(), width=64)
    assert "CloudTrail" in line
    assert "nightly-report" not in line
