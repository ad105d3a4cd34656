"""Who noticed that the job was over: a poll, an event, or not yet known."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.integrations import integration
from sfnwatch.trace.notice import By, Notice, notice
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import notice_words
from tests.builders import ARN, START, call, sync_history


def seconds(after: float) -> datetime:
    return START + timedelta(seconds=after)


def attempt(stopped: float | None = 307.1, ended: float | None = 309) -> Attempt:
    """Build the seed's attempt, with its job's stop and its end where they are told."""
    (known,) = extend(Trace(), sync_history()).timelines[ARN].visits.attempts
    return replace(
        known,
        stopped_at=None if stopped is None else seconds(stopped),
        ended_at=None if ended is None else seconds(ended),
    )


def poll(after: float, *, denied: bool = False) -> ApiCall:
    """Build a poll; the history starts at 24.102, so 0.898 is a whole second."""
    refusal = ("AccessDenied", "no") if denied else None
    return decode_call(call("DescribeTasks", after, key=f"p{after}", error=refusal))


def judged(*calls: ApiCall, complete: float | None = 420) -> Notice:
    complete_to = None if complete is None else seconds(complete)
    told = notice(attempt(), calls, complete_to)
    assert told is not None
    return told


def test_no_poll_between_the_stop_and_its_notice_means_an_event_told_of_it() -> None:
    told = judged(poll(294))
    assert (told.by, told.certain) == (By.EVENT, True)
    assert told.seconds == pytest.approx(1.9)


@pytest.mark.parametrize("complete", [None, 0, 308.9])
def test_while_cloudtrail_is_not_complete_to_there_it_stays_open(
    complete: float | None,
) -> None:
    told = judged(poll(294), complete=complete)
    assert (told.by, told.certain) == (By.UNKNOWN, False)


def test_a_poll_whose_whole_second_lies_in_between_noticed() -> None:
    told = notice(attempt(ended=312), [poll(309)], None)
    assert told is not None
    assert (told.by, told.certain) == (By.POLL, True)


@pytest.mark.parametrize(("stopped", "ended"), [(307.1, 307.9), (306.8, 307.5)])
def test_within_one_second_a_poll_and_an_event_cannot_be_told_apart(
    stopped: float, ended: float
) -> None:
    told = notice(attempt(stopped, ended), [poll(307)], seconds(420))
    assert told is not None
    assert (told.by, told.certain) == (By.POLL, False)


@pytest.mark.parametrize("second", [306, 310, 320])
def test_a_poll_before_the_stop_or_after_the_notice_told_nothing(second: int) -> None:
    assert judged(poll(second)).by is By.EVENT


def test_a_denied_poll_tells_step_functions_nothing() -> None:
    assert judged(poll(308, denied=True)).by is By.EVENT
    assert judged(poll(308)).by is By.POLL


def test_polls_in_between_that_were_refused_are_told() -> None:
    def words(*polls: ApiCall, complete: float | None = 420) -> str:
        told = notice(
            attempt(ended=330), polls, None if complete is None else seconds(complete)
        )
        assert told is not None
        return notice_words(told)

    one, two = poll(310, denied=True), poll(320, denied=True)
    assert words().endswith("(no poll in between)")
    assert words(one).endswith("(the only poll in between was denied)")
    assert words(one, two).endswith("(all 2 polls in between were denied)")
    same = poll(330, denied=True)
    assert words(same).endswith("(no poll in between but 1 that was denied)")
    assert words(one, complete=None).endswith(
        ", the only poll in between was denied so far"
    )
    failed = call("DescribeTasks", 310, key="p", error=("ThrottlingException", "no"))
    assert words(decode_call(failed)).endswith("(the only poll in between failed)")
    outside = poll(200, denied=True), poll(331, denied=True)
    assert words(*outside).endswith("(no poll in between)")


@pytest.mark.parametrize(("stopped", "ended"), [(None, 309), (307.1, None)])
def test_without_a_stop_or_an_end_there_is_nothing_to_say(
    stopped: float | None, ended: float | None
) -> None:
    assert notice(attempt(stopped, ended), [], None) is None


def test_a_stop_after_its_notice_is_two_clocks_that_disagree() -> None:
    assert notice(attempt(309.5, 309), [], None) is None
    assert notice(attempt(309, 309), [], None) is not None


def test_a_role_of_its_own_without_any_poll_leaves_it_open() -> None:
    """Its calls may be in another account, where no event tells of the end."""
    own = replace(attempt(), role_arn="arn:aws:iam::999999999999:role/there")
    told = notice(own, [], seconds(420))
    assert told is not None
    assert (told.by, told.certain) == (By.UNKNOWN, False)
    told = notice(own, [poll(294)], seconds(420))
    assert told is not None
    assert told.by is By.EVENT


@pytest.mark.parametrize(
    ("resource_type", "resource", "word"),
    [
        ("ecs", "runTask.sync", "task"),
        ("states", "startExecution.sync:2", "execution"),
        ("eks", "createCluster.sync", "job"),
    ],
)
def test_what_stopped_is_named_as_people_call_it(
    resource_type: str, resource: str, word: str
) -> None:
    row = integration(resource_type, resource)
    told = notice(replace(attempt(), integration=row), [], None)
    assert told is not None
    assert told.job == word
    assert f"noticed 1.9 s after the {word} stopped" in notice_words(told)
    told = notice(replace(attempt(), integration=None), [], None)
    assert told is not None
    assert "after the job stopped" in notice_words(told)


@given(st.floats(300, 320), st.floats(0, 20), st.integers(290, 350))
def test_a_certain_poll_lies_wholly_between_the_stop_and_the_notice(
    stopped: float, late: float, second: int
) -> None:
    asked = poll(second)
    told = notice(attempt(stopped, stopped + late), [asked], seconds(1000))
    assert told is not None
    assert told.seconds >= 0
    begin, end = asked.event_time, asked.event_time + timedelta(seconds=1)
    if told.by is By.POLL:
        assert end > told.stopped_at
        assert begin <= told.noticed_at
    if told.by is By.POLL and told.certain:
        assert told.stopped_at <= begin
        assert end <= told.noticed_at
