"""A watch as it comes in: what is said round the lanes, and when."""

import pytest

from sfnwatch.errors import RefusedError
from sfnwatch.model.records import Received
from sfnwatch.model.values import iso
from sfnwatch.tui.detail_view import can_browse
from sfnwatch.tui.themes import notification
from tests.builders import (
    ARN,
    TASK_ARN,
    History,
    api_call,
    at,
    failed_history,
    health,
    lookup,
    milliseconds,
    redriven_history,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    replayed,
    row_with,
    rows_of,
    settle,
    words_on,
)


async def test_the_first_picture_does_not_wait_for_the_session() -> None:
    session = ScriptedSession()
    async with live(session=session, title="nightly-report") as (app, _, _):
        assert session.has_run
        assert "nightly-report" in rows_of(app)[0]
        assert "STEP FUNCTIONS" in words_on(app)


async def test_what_comes_in_is_shown_and_the_newest_line_is_followed() -> None:
    session = ScriptedSession()
    async with live(session=session, size=(140, 12)) as (app, pilot, _):
        for record in sync_history():
            session.push(record)
        await settle(pilot)
        assert "Execution succeeded" in words_on(app)
        assert app.deck.lanes.follow


async def test_how_the_ends_of_very_many_jobs_were_learned_of_is_summed_up() -> None:
    run = History().start()
    for number in range(40):
        task = {"TaskArn": f"{TASK_ARN[:-4]}{number:04x}"}
        done = {**task, "StoppedAt": milliseconds(run.now + 5)}
        run.task("Work", submitted={"Tasks": [task]}, output=done, lasts=6)
    async with live(run.end().records) as (app, _, _):
        assert "completion detected in 1.4 s" in words_on(app)


async def test_lines_that_come_while_one_looks_elsewhere_are_counted() -> None:
    session = ScriptedSession(sync_history()[:6])
    async with live(session=session) as (app, pilot, _):
        await pilot.press("home")
        session.push(*sync_history())
        await settle(pilot)
        assert "new" in rows_of(app)[0]
        assert app.deck.lanes.cursor == 0
        await press(pilot, "end")
        assert "new" not in rows_of(app)[0]


async def test_paused_nothing_moves_and_nothing_is_missed() -> None:
    session = ScriptedSession(sync_history()[:6])
    async with live(session=session) as (app, pilot, _):
        await pilot.press("space")
        session.push(*sync_run())
        await settle(pilot)
        assert "‖ paused" in words_on(app)
        assert "Execution succeeded" not in words_on(app)
        await press(pilot, "space")
        assert "Execution succeeded" in words_on(app)


@pytest.mark.parametrize(
    "beside", [[], sync_history(ARN.replace("7f3a", "7f3b"))], ids=["one", "two"]
)
async def test_up_to_where_cloudtrail_is_complete_is_said_and_shown(
    beside: list[Received],
) -> None:
    told = health("lookup", "live", 260, complete_to=iso(at(100)))
    run = [*sync_history(), *beside, *sync_calls(), told]
    async with live(run, (160, 40)) as (app, _, _):
        words = "CloudTrail complete up to 00:30:04 (estimate)"
        assert words in rows_of(app)[0]
        assert f"┄┄ {words} ┄┄" in words_on(app)


async def test_what_is_read_before_anything_is_complete_is_said() -> None:
    told = "Reading the calls from 08:00 to 09:00 UTC as well."
    reads = health("lookup", "live", 260, message=told)
    async with live([*sync_history(), reads], (200, 40)) as (app, pilot, session):
        assert told in rows_of(app)[0]
        session.push(health("lookup", "live", 300, complete_to=iso(at(100))))
        await settle(pilot)
        assert told not in words_on(app)


async def test_late_records_are_waited_for_until_x_is_pressed() -> None:
    told = health("lookup", "draining", 260, until=iso(at(600)))
    async with live([*sync_history(), told]) as (app, pilot, session):
        assert "waiting for late CloudTrail records, up to 05:30 more" in words_on(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "awaiting late calls, 05:30" in words_on(app)
        assert "x Stop waiting" in words_on(app)
        await pilot.press("x")
        assert session.drain_ended
        session.push(health("lookup", "ended", 280))
        await settle(pilot)
        assert "Stop waiting" not in words_on(app)
        await press(pilot, "x")
        assert "not waiting for CloudTrail" in words_on(app)


async def test_trouble_has_a_line_of_its_own_until_it_is_over() -> None:
    told = "Can't read CloudTrail: AccessDenied. Allow cloudtrail:LookupEvents."
    bad = health("lookup", "denied", 260, message=told)
    async with live([*sync_history(), bad]) as (app, pilot, session):
        assert f"✘ CloudTrail denied  {told}" in words_on(app)
        session.push(health("lookup", "live", 280))
        await settle(pilot)
        assert "AccessDenied" not in words_on(app)


async def test_the_next_try_is_counted_down() -> None:
    told = health("lookup", "throttled", 260, retry_in=30.0)
    async with live([*sync_history(), told]) as (app, pilot, _):
        assert "▲ CloudTrail throttled, again in 20 s" in words_on(app)
        app.shown.clock.at = at(280)  # type: ignore[attr-defined]
        app.repaint()
        await settle(pilot)
        assert "again in 10 s" in words_on(app)


async def test_what_is_redriven_and_ends_at_once_is_told_again() -> None:
    run = redriven_history().records
    failed = len(failed_history().records)
    session = ScriptedSession(run[: failed - 1])
    async with live(session=session, seconds=900) as (app, pilot, _):
        session.push(run[failed - 1])
        await settle(pilot)
        assert "failed after" in words_on(app)
        app.clear_notifications()
        session.push(*run[failed:])
        await settle(pilot)
        assert "succeeded after" in words_on(app)
        app.clear_notifications()
        app.repaint()
        await settle(pilot)
        assert "succeeded after" not in words_on(app)


async def test_what_was_over_before_it_was_watched_is_no_news() -> None:
    async with live(failed_history().records) as (app, _, _):
        assert app.bars.ended() is None
        assert "failed after" not in words_on(app)


async def test_the_footer_offers_what_applies_and_can_be_clicked() -> None:
    async with replayed("demo-three-ways") as (app, pilot):
        foot = rows_of(app)[-1]
        assert foot.split("   ")[0].strip() == "space Play"
        assert "a Align starts" in foot
        assert "Stop waiting" not in foot
        await pilot.click(offset=(foot.index("Align"), 39))
        await settle(pilot)
        assert "elapsed" in words_on(app)
    async with replayed("demo-sync", (50, 12)) as (app, _):
        assert rows_of(app)[-1].rstrip().endswith("q Quit")


@pytest.mark.parametrize(
    ("environ", "begins"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;sfnwatch: a, b"),
        ({"TERM": "foot"}, "\x1b]777;notify;sfnwatch;a, b"),
        ({"TERM": "tmux", "TMUX": "1"}, "\x1bPtmux;\x1b\x1b]9;"),
        ({"TERM": "linux"}, "\a"),
        ({"TERM": "xterm", "STY": "1"}, "\a"),
    ],
)
def test_a_terminal_is_asked_to_notify_in_its_own_way(
    environ: dict[str, str], begins: str
) -> None:
    sent = notification("sfnwatch", "a; b\x1b]0;evil\a", environ)
    assert sent.startswith(begins)
    assert "evil\a" not in sent


def test_no_browser_is_opened_over_a_line() -> None:
    assert not can_browse({"SSH_TTY": "/dev/pts/1", "DISPLAY": ":0"})


async def test_calls_of_others_are_no_lines() -> None:
    role = "arn:aws:iam::123456789012:role/somebody-else"
    other = lookup(api_call("PutObject", 30, key="other", role=role))
    async with live([*sync_run(), other]) as (app, _, _):
        assert "PutObject" not in words_on(app)
        assert "RunTask" in row_with(app, "= request ID")


async def test_where_nothing_can_come_it_says_what_can_be_seen_without_aws() -> None:
    session = ScriptedSession([health("history", "refused", 0, message="No key.")])
    async with live(session=session, size=(80, 24)) as (app, _, _):
        assert "sfnwatch demo" not in words_on(app)
    refused = ScriptedSession()
    refused.failure = RefusedError("No credentials.", hint="Log in.")
    async with live(session=refused, size=(80, 24)) as (app, _, _):
        assert "✘ No credentials.  Log in." in words_on(app)
        assert "sfnwatch demo watches a simulated account" in words_on(app)
