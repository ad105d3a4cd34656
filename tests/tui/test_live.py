"""A watch as it comes in, what is said round the lanes and when; and the player."""

from datetime import datetime

import pytest

from sfnwatch.errors import RefusedError
from sfnwatch.model.records import Received
from sfnwatch.model.times import iso
from sfnwatch.recording.history_cache import cache_dir
from sfnwatch.recording.usual_lengths import UsualLength, save_usual_length
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.notifications import notification
from sfnwatch.tui.record_actions import can_browse
from sfnwatch.tui.scrubber import Scrubber
from tests import builders as aws
from tests.sources.clocks import ManualClock
from tests.tui.screens import Screen, ScriptedSession, live, recorded, replayed


async def test_the_first_picture_does_not_wait_for_the_session() -> None:
    async with live(title="nightly-report") as (_, screen, session):
        assert session.has_run
        assert "nightly-report" in screen.rows[0]
        assert "STEP FUNCTIONS" in screen.words


async def test_what_comes_in_is_shown_and_the_newest_line_is_followed() -> None:
    async with live((), (140, 12)) as (app, screen, session):
        for record in aws.sync_history():
            session.push(record)
        await screen.shows("Execution succeeded")
        assert app.views.lanes.follow


async def test_how_the_ends_of_very_many_jobs_were_learned_of_is_summed_up() -> None:
    run = aws.History().start()
    for number in range(40):
        task = {"TaskArn": f"{aws.TASK_ARN[:-4]}{number:04x}"}
        done = {**task, "StoppedAt": aws.milliseconds(run.now + 5)}
        run.task("Work", submitted={"Tasks": [task]}, output=done, lasts=6)
    async with live(run.end().records) as (_, screen, _):
        assert "completion detected in 1.4 s" in screen.words


async def test_lines_that_come_while_one_looks_elsewhere_are_counted() -> None:
    async with live(aws.sync_history()[:6]) as (app, screen, session):
        await screen.pilot.press("home")
        session.push(*aws.sync_history())
        await screen.settle()
        assert "new" in screen.rows[0]
        assert app.views.lanes.cursor == 0
        await screen.press("end")
        assert "new" not in screen.rows[0]


async def test_paused_nothing_moves_and_nothing_is_missed() -> None:
    async with live(aws.sync_history()[:6]) as (_, screen, session):
        await screen.pilot.press("space")
        session.push(*aws.sync_run())
        ended = "Execution succeeded"
        await screen.steps(("", "‖ paused", f"!{ended}"), ("space", ended))


@pytest.mark.parametrize(
    "beside",
    [[], aws.sync_history(aws.ARN.replace("7f3a", "7f3b"))],
    ids=["one", "two"],
)
async def test_up_to_where_cloudtrail_is_complete_is_said_and_shown(
    beside: list[Received],
) -> None:
    told = aws.health("lookup", "live", 260, complete_to=iso(aws.at(100)))
    run = [*aws.sync_history(), *beside, *aws.sync_calls(), told]
    async with live(run, (160, 40)) as (_, screen, _):
        words = "CloudTrail complete up to 00:30:04 (estimate)"
        assert words in screen.rows[0]
        assert f"┄┄ {words} ┄┄" in screen.words


async def test_what_is_read_before_anything_is_complete_is_said() -> None:
    told = "Reading the calls from 08:00 to 09:00 UTC as well."
    reads = aws.health("lookup", "live", 260, message=told)
    async with live([*aws.sync_history(), reads], (200, 40)) as (_, screen, session):
        assert told in screen.rows[0]
        session.push(aws.health("lookup", "live", 300, complete_to=iso(aws.at(100))))
        await screen.shows(f"!{told}")


async def test_late_records_are_waited_for_until_x_is_pressed() -> None:
    told = aws.health("lookup", "draining", 260, until=iso(aws.at(600)))
    async with live([*aws.sync_history(), told]) as (_, screen, session):
        assert "waiting for late CloudTrail records, up to 05:30 more" in screen.words
        await screen.pilot.resize_terminal(80, 24)
        await screen.steps(("", "awaiting late calls, 05:30", "x Stop waiting"), ("x",))
        assert session.drain_ended
        session.push(aws.health("lookup", "ended", 280))
        told_why = ("x", "not waiting for CloudTrail")
        await screen.steps(("", "!Stop waiting"), told_why)


async def test_an_endpoint_that_is_not_aws_is_named_in_the_headline() -> None:
    host = "127.0.0.1:4566"
    told = "LookupEvents is not supported by it."
    history = aws.health("history", "ended", 260, endpoint=host)
    calls = aws.health("lookup", "unsupported", 260, message=told, endpoint=host)
    run = [*aws.sync_history(), history, calls]
    async with live(run, (160, 40)) as (_, screen, _):
        assert f"at {host}, not AWS" in screen.rows[0]
        assert f"▲ CloudTrail unsupported  {told}" in screen.words
    async with live(run, (80, 24)) as (_, screen, _):
        assert "not AWS" in screen.rows[0]


async def test_trouble_has_a_line_until_it_is_over() -> None:
    told = "Can't read CloudTrail: AccessDenied. Allow cloudtrail:LookupEvents."
    bad = aws.health("lookup", "denied", 260, message=told)
    async with live([*aws.sync_history(), bad]) as (_, screen, session):
        assert f"✘ CloudTrail denied  {told}" in screen.words
        session.push(aws.health("lookup", "throttled", 260, retry_in=30.0))
        await screen.shows("!AccessDenied", "▲ CloudTrail throttled")
        session.push(aws.health("lookup", "live", 280))
        await screen.shows("!throttled")


async def test_what_is_redriven_and_ends_at_once_is_told_again() -> None:
    run = aws.redriven_history().records
    failed = len(aws.failed_history().records)
    async with live(run[: failed - 1], seconds=900) as (_, screen, session):
        for more, words in (
            (run[failed - 1 : failed], "failed after"),
            (run[failed:], "succeeded after"),
            ([], "!succeeded after"),
        ):
            session.push(*more)
            await screen.shows(words)


async def test_what_was_over_before_it_was_watched_is_no_news() -> None:
    async with live(aws.failed_history().records) as (app, screen, _):
        assert app.new_ends.take() is None
        assert "failed after" not in screen.words


async def test_a_watch_that_is_over_stands_still_and_does_not_say_it_is_live() -> None:
    session = ScriptedSession(aws.sync_run(), ends=True)
    async with live((), (140, 24), session=session, seconds=3600) as (app, screen, _):
        await screen.shows("■ end")
        assert "● live" not in screen.words
        span = app.screen_state.playback.span
        assert span is not None
        assert app.screen_state.now == span[1] < app.screen_state.clock.now()


async def test_the_footer_offers_what_applies_and_can_be_clicked() -> None:
    async with replayed("demo-three-ways") as (_, screen):
        foot = screen.rows[-1]
        assert foot.split("   ")[0].strip() == "space Play"
        assert "a Align starts" in foot
        assert "Stop waiting" not in foot
        await screen.pilot.click(offset=(foot.index("Align"), 39))
        await screen.shows("elapsed")
    async with replayed("demo-sync", (50, 12)) as (_, screen):
        assert screen.rows[-1].rstrip().endswith("q Quit")


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
    other = aws.lookup(aws.api_call("PutObject", 30, key="other", role=role))
    async with live([*aws.sync_run(), other]) as (_, screen, _):
        assert "PutObject" not in screen.words
        assert "RunTask" in screen.row_with("= request ID")


async def test_where_nothing_can_come_it_says_what_can_be_seen_without_aws() -> None:
    told = aws.health("history", "refused", 0, message="No key.")
    async with live([told], (80, 24)) as (_, screen, _):
        await screen.shows("!sfnwatch demo")
    refused = ScriptedSession()
    refused.failure = RefusedError("No credentials.", hint="Log in.")
    async with live(session=refused, size=(80, 24)) as (_, screen, _):
        demo = "sfnwatch demo watches a simulated account"
        await screen.shows("✘ No credentials. Log in.", demo)


# -- the player's keys, and the minimap ------------------------------------------------


def player(screen: Screen) -> str:
    """Read the player's line."""
    return screen.rows[-2]


def position(app: SfnwatchApp) -> datetime:
    at = app.screen_state.playback.position
    assert at is not None
    return at


async def test_steps_by_event_state_and_mark() -> None:
    async with replayed("demo-pipeline") as (app, screen):
        end = position(app)
        await screen.pilot.press("comma")
        assert position(app) < end
        await screen.steps(
            ("full_stop",),
            ("c 0 ]", "Big order?", "!Prepare Parallel"),
            ("]", "Prepare Parallel"),
        )
        before = position(app)
        await screen.pilot.press("right_curly_bracket", "left_curly_bracket")
        assert position(app) <= before


async def test_seconds_minutes_and_tenths() -> None:
    async with replayed("demo-sync") as (app, screen):
        await screen.pilot.press("0")
        start = position(app)
        await screen.pilot.press("right")
        assert (position(app) - start).total_seconds() == 5
        await screen.pilot.press("shift+right", "left")
        assert (position(app) - start).total_seconds() == 60
        await screen.pilot.press("shift+left", "shift+left")
        assert position(app) == start


async def test_playing_goes_on_to_the_end() -> None:
    async with replayed("demo-async") as (app, screen):
        await screen.pilot.press("g", "space")
        assert "Pause" in screen.rows[-1]
        await screen.pilot.press(*["plus"] * 12)
        while app.screen_state.playback.playing:
            await screen.pilot.pause(0.05)
        await screen.settle()
        assert "■ end" in player(screen)


async def test_the_whole_is_as_long_at_its_beginning_as_at_its_end() -> None:
    async with replayed("demo-three-ways", (140, 24)) as (_, screen):
        assert " / 15m 55s " in screen.rows[-2]
        await screen.steps(("0", " / 15m 55s "))


async def test_in_the_past_one_is_told_the_way_back() -> None:
    async with live(aws.sync_history()) as (_, screen, _):
        await screen.steps(("shift+left", "‖ in the past, l for live"))
        assert "behind live" in player(screen)
        await screen.steps(
            ("space", "▶ in the past, l for live"),
            ("escape L", "only replays can loop"),
        )
        assert "● live" in player(screen)


@pytest.mark.parametrize("width", [80, 140])
async def test_the_minimap_is_clicked_and_dragged(width: int) -> None:
    async with replayed("demo-sync-denied", (width, 30)) as (app, screen):
        await screen.pilot.click(Scrubber, offset=(1, 0))
        await screen.settle()
        assert app.screen_state.playback.span is not None
        assert position(app) == app.screen_state.playback.span[0]
        assert player(screen)[1] == "▼"
        await screen.pilot.mouse_down(Scrubber, offset=(4, 0))
        await screen.pilot.hover(Scrubber, offset=(12, 0))
        await screen.pilot.mouse_up(Scrubber, offset=(12, 0))
        await screen.settle()
        assert player(screen)[12] == "▼"


async def test_the_minimap_shows_how_it_ended() -> None:
    async with replayed("demo-failure") as (_, screen):
        assert "✘" in player(screen)


async def test_while_a_recording_plays_its_newest_lines_are_in_view() -> None:
    session = ScriptedSession(recorded("demo-pipeline"), ends=True)
    async with live(session=session, size=(80, 24), mode="replay") as (app, screen, _):
        playback = app.screen_state.playback
        # So that even on a slow machine it is not over before it is looked at.
        playback.speed = 1.0
        marks = app.screen_state.markers.by(playback.clock)
        entered = next(m for m in marks if m.label == "Charge card entered")
        playback.seek(entered.when(playback.clock))
        await screen.until("Charge card lambda:invoke")
        # Whoever stops it looks at the newest line.
        await screen.press("space")
        assert app.views.lanes.cursor == len(app.screen_state.items) - 1


async def test_a_frame_that_comes_late_leaves_the_view_where_one_went() -> None:
    async with replayed("demo-pipeline", (140, 24)) as (app, screen):
        await screen.pilot.press("8", "space")
        app.action_do("player.live")
        app.repaint()  # as such a frame does
        await screen.settle()
        assert "Execution started" in screen.words


async def test_what_is_awaited_is_counted_down_in_the_headline() -> None:
    run = aws.History().start()
    run.add("WaitStateEntered", name="Cool down", input="{}")
    machine = aws.definition({"Cool down": {"Type": "Wait", "Seconds": 300}})
    async with live([machine, *run.records], (100, 24)) as (app, screen, session):
        await screen.settle()
        assert "Cool down: the Wait ends in 30 s" in screen.words
        assert "Cool down  Wait  for 5m 00s" in screen.words
        assert isinstance(session.clock, ManualClock)
        session.clock.advance(29.5)
        app.repaint(time_has_passed=True)
        await screen.settle()
        assert "the Wait ends now" in screen.words
        await screen.press("home", "down", "d")
        assert "00:33:24.202Z, by the definition" in screen.row_with(
            "by the definition"
        )


async def test_a_state_that_backs_off_says_when_it_is_tried_again() -> None:
    run = aws.History().start()
    run.add("TaskStateEntered", name="Charge", input="{}")
    run.attempt(aws.SYNC, error="Busy", lasts=250)
    retry = {
        "ErrorEquals": ["Busy"],
        "IntervalSeconds": 60,
        "JitterStrategy": "FULL",
    }
    machine = aws.definition({"Charge": {"Type": "Task", "Retry": [retry]}})
    async with live([machine, *run.records], (140, 24)) as (_, screen, _):
        await screen.settle()
        words = "attempt 2 of at most 4 of this retrier, next within"
        assert f"Charge: {words} 40 s" in screen.words
        assert f"✘ failed  Busy  ⟳ {words} 1m 00s" in screen.words


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (aws.sync_history(), "✔ SUCCEEDED 5m 09s   3.1 × its usual 1m 40s"),
        (aws.sync_history()[:6], "● RUNNING 04:30   usually 1m 40s"),
    ],
)
async def test_the_usual_length_stands_beside_that_of_the_watched(
    records: list[Received], said: str
) -> None:
    usual = UsualLength(aws.MACHINE_ARN, 50, 100.0, 120.0, aws.at(0))
    save_usual_length(cache_dir(), usual)
    described = aws.describe("RUNNING")
    async with live([described, *records], (140, 24)) as (_, screen, _):
        assert said in screen.rows[0]
    async with live([described, *records], (140, 24), mode="demo") as (_, screen, _):
        assert "usual" not in screen.rows[0]
