from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
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
        "● CloudTrail 2m 14s behind, complete to 00:30:30   ● rec"
    )


def test_the_clock_ticks_while_it_runs_and_stops_with_it() -> None:
    assert "RUNNING 04:31" in words(live_run(), at=271)
    assert "SUCCEEDED 5m 09s" in words(sync_run(), at=9999)


def test_what_is_over_took_as_long_as_the_lanes_say() -> None:
    """308.6 s are 5m 09s wherever they stand; only a clock that runs is cut down."""
    *others, last = sync_history(ARN)
    stopped = iso(START + timedelta(seconds=308.6))
    ended = replace(last, data={**last.data, "timestamp": stopped})
    assert last.data["type"] == "ExecutionSucceeded"
    assert "SUCCEEDED 5m 09s" in words([*others, ended])
    assert "RUNNING 05:08" in words(others, at=308.6)


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        ("connecting", {}, "○ CloudTrail connecting"),
        ("live", {}, "● CloudTrail live"),
        ("live", {"lag": 45.0}, "● CloudTrail 45 s behind"),
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
    assert "● 1 RUNNING  ✔ 1 SUCCEEDED   ■" in line


def test_a_paused_view_says_how_much_is_new() -> None:
    assert "‖ paused, 7 new" in words(live_run(), paused=True, fresh=7)
    assert "↓ 3 new" in words(live_run(), fresh=3)
    assert "new" not in words(live_run())
    paused = words(live_run(), paused=True)
    assert "‖ paused" in paused
    assert "new" not in paused


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

    assert "sfnwatch" not in line(120)
    assert "history" not in line(120)
    assert "complete to" in line(110)
    assert "complete to" not in line(100)
    assert "2m 14s behind   ● rec" in line(90)
    assert "2m 14s behind" in line(64)
    assert "rec" not in line(64)
    assert line(40) == "run-7f3a   ● RUNNING 04:30"
    assert line(17) == "● RUNNING 04:30"


def test_the_drain_is_counted_down_beside_a_name_as_the_demo_makes_them() -> None:
    until = iso(START + timedelta(seconds=1209))
    draining = health("lookup", "draining", 310, until=until)
    arn = ARN.replace("run-7f3a", "sync-20261125T044902-7a77f7")
    records = [*sync_history(arn), draining]
    line = words(records, 100, mode="demo")
    assert "sync-20261125T044902-7a77f7" in line
    assert "draining, " in line


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

    assert quiet().startswith("nothing yet: CloudTrail is minutes")
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


def long_named(name: str) -> list[Received]:
    return sync_history(ARN.replace("run-7f3a", name))


def test_the_names_outlive_the_way_out_and_the_sources() -> None:
    records = [*long_named("x" * 40), health("lookup", "ended", 400)]
    at_80 = words(records, 80, ended=True, mode="replay")
    assert at_80.startswith(f"{'x' * 31}…   ✔ SUCCEEDED 5m 09s   ")
    assert "q to quit" not in at_80
    assert "REPLAY" in at_80
    at_60 = words(records, 60, ended=True, mode="replay")
    assert at_60 == f"{'x' * 23}…   ✔ SUCCEEDED 5m 09s   REPLAY"
    assert words(records, 40, ended=True) == f"{'x' * 15}…   ✔ SUCCEEDED 5m 09s"
    assert "ended, q to quit" in words(records, 200, ended=True)
    assert "   ended" in words(records, 90, ended=True)


def test_trouble_is_told_before_the_mode_the_machine_and_the_sources() -> None:
    for width in range(50, 160):
        line = words(stormy_run(), width, mode="replay", recording=True)
        told = [
            any(word in line for word in told)
            for told in (
                ["denied", "retrying", "throttled"],
                ["REPLAY"],
                ["nightly-report"],
                ["rec "],
            )
        ]
        assert told == sorted(told, reverse=True), line


def shown_names(records: list[Received], width: int, **more: Any) -> tuple[bool, bool]:
    line = words(records, width, **more)
    return "run-7f3a" in line, "nightly-report" in line


@pytest.mark.parametrize("width", range(20, 140, 3))
def test_no_name_comes_or_goes_as_time_goes_by(width: int) -> None:
    """Clocks, lags and countdowns change their lengths: the names must not care."""
    begun = live_run()[:-2]
    seen = {
        shown_names([*begun, *said], width, at=at)
        for at in (270, 599, 601, 3599)
        for said in (
            [],
            [health("lookup", "live", 260, lag=5)],
            [health("lookup", "live", 260, lag=134)],
            [health("lookup", "throttled", 260, retry_in=12)],
            [health("lookup", "retrying", 260, retry_in=8)],
        )
    }
    seen.add(shown_names(sync_run(), width, at=600, ended=True))
    assert len(seen) == 1


@pytest.mark.parametrize("width", range(20, 140, 3))
def test_a_source_does_not_come_and_go_as_it_counts(width: int) -> None:
    seen = {
        "CloudTrail" in words([*live_run(), health("lookup", "live", 269, lag=lag)], w)
        for lag in (4, 45, 61, 700)
        for w in (width,)
    }
    assert len(seen) == 1


def test_masked_names_are_said_to_be_masked() -> None:
    assert "masked" in words(live_run(), 120, masked=True)
    assert "masked" not in words(live_run(), 120)
