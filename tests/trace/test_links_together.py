"""Links for all calls at once: the same as one by one, and in time for thousands."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace import link_windows
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.integrations import CallRole, integration, pattern_of
from sfnwatch.trace.link_windows import LISTED, Contender, all_of, fits
from sfnwatch.trace.links import Rule
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, ROLE, START, sync_run
from tests.peers.fixtures import files, history, load, needs_fixtures
from tests.trace import linking
from tests.trace.calling import row

_SECOND = timedelta(seconds=1)


@given(linking.executions(), linking.calls(), st.sampled_from((None, *linking.ROLES)))
def test_all_together_are_tied_as_one_by_one(
    executions: dict[str, list[Attempt]], calls: list[ApiCall], role: str | None
) -> None:
    roles = dict.fromkeys(executions, role)
    one_by_one = linking.tie_one_by_one(executions, roles, calls)
    assert linking.tie_together(executions, roles, calls) == one_by_one


@given(linking.executions(), linking.calls())
def test_the_order_of_the_calls_does_not_matter(
    executions: dict[str, list[Attempt]], calls: list[ApiCall]
) -> None:
    roles = dict.fromkeys(executions, linking.ROLES[0])
    forth = linking.tie_together(executions, roles, calls)
    assert linking.tie_together(executions, roles, reversed(calls)) == forth


def _same(trace: Trace) -> dict[Rule, int]:
    """Check a trace's links; say how many there are of each rule."""
    assert trace.links == linking.tie_one_by_one(
        {arn: t.visits.attempts for arn, t in trace.timelines.items()},
        {arn: t.role_arn for arn, t in trace.timelines.items()},
        trace.ordered_calls,
    )
    rules = list(linking.rules_of(dict(trace.links)))
    return {rule: rules.count(rule) for rule in rules}


def test_the_experiment_s_runs_are_tied_as_one_by_one() -> None:
    records = [*sync_run(), *sync_run(denied=True), row("DescribeTasks", 60)]
    assert _same(extend(Trace(), records)) == {
        Rule.REQUEST_ID: 1,
        Rule.RESOURCE_ID: 5,
        Rule.UNIQUE_CANDIDATE: 1,
    }


@needs_fixtures
@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_recorded_histories_are_tied_as_one_by_one(path: Path) -> None:
    """With calls made up for each attempt: no recording has a history's own calls."""
    events = [
        Received(START, From.HISTORY, ARN, data)
        for data in history(path)
        if data["type"] != "ExecutionStarted"
    ]
    data = {"executionArn": ARN, "roleArn": ROLE, "definition": "{}"}
    trace = extend(Trace(), [Received(START, From.DEFINITION, ARN, data), *events])
    made = [
        call
        for attempt in trace.timelines[ARN].visits.attempts
        for call in _made_by(attempt)
    ]
    rules = _same(extend(trace, made))
    assert sum(rules.values()) == len(made)


def _made_by(attempt: Attempt) -> list[Received]:
    """Make up the calls of an attempt: with its ids, and with none."""
    called = attempt.integration
    if called is None:
        return []
    made = []
    for name in (called.action_event, *called.poll_events, *called.stop_events):
        for at in (attempt.scheduled_at, attempt.ended_at or attempt.scheduled_at):
            for ids in ((), attempt.resource_ids):
                record = {
                    "eventID": f"{attempt.scheduled_id}-{name}-{at}-{bool(ids)}",
                    "eventTime": at.replace(microsecond=0).isoformat(),
                    "eventSource": called.event_source,
                    "eventName": name,
                    "requestParameters": {"ids": list(ids)},
                    "userIdentity": {
                        "invokedBy": "states.amazonaws.com",
                        "sessionContext": {"sessionIssuer": {"arn": ROLE}},
                    },
                }
                made.append(Received(at, From.TRAIL, None, record))
    keys = {received.data["eventID"]: received for received in made}
    return list(keys.values())


@needs_fixtures
@pytest.mark.parametrize("path", files("cloudtrail-real/seed_*.json"))
def test_the_seed_s_rows_are_tied_as_one_by_one(path: Path) -> None:
    rows = [
        Received(START, From.ATHENA, None, data)
        for table in load(path).values()
        if isinstance(table, list)
        for data in table
        if "eventtime" in data
    ]
    _same(extend(Trace(), [*sync_run(), *rows]))


# -- very many -------------------------------------------------------------------


def _tries(count: int, apart: timedelta, lasts: timedelta) -> list[Attempt]:
    run = "ecs", "runTask.sync"
    return [
        Attempt(
            scheduled_id=3 + number,
            visit_id=2,
            resource_type=run[0],
            resource=run[1],
            pattern=pattern_of(*run),
            integration=integration(*run),
            scheduled_at=START + number * apart,
            submitted_at=START + number * apart,
            ended_at=START + number * apart + lasts,
        )
        for number in range(count)
    ]


def _polls(count: int, apart: timedelta) -> list[ApiCall]:
    first = START.replace(microsecond=0)
    return [
        ApiCall(
            event_id=str(number),
            event_time=first + number * apart,
            event_source="ecs.amazonaws.com",
            event_name="DescribeTasks",
            role_arn=ROLE,
            invoked_by="states.amazonaws.com",
        )
        for number in range(count)
    ]


def test_of_very_many_candidates_the_first_are_listed_and_all_are_counted() -> None:
    tries = _tries(LISTED + 50, timedelta(0), 60 * _SECOND)
    known = {ARN: tries}, {ARN: ROLE}
    (link,) = linking.tie_together(*known, _polls(1, _SECOND)).values()
    (slow,) = linking.tie_one_by_one(*known, _polls(1, _SECOND)).values()
    assert (link.rule, link.execution_arn) == (Rule.AMBIGUOUS, ARN)
    assert link.candidates == slow.candidates[:LISTED]
    assert (link.unlisted, link.candidate_count) == (50, LISTED + 50)
    assert slow.candidate_count == LISTED + 50


def test_few_candidates_are_all_listed() -> None:
    tries = {ARN: _tries(3, timedelta(0), _SECOND)}
    (link,) = linking.tie_together(tries, {ARN: ROLE}, _polls(1, _SECOND)).values()
    assert (len(link.candidates), link.unlisted, link.candidate_count) == (3, 0, 3)


def _looks(count: int, monkeypatch: pytest.MonkeyPatch, lasts: timedelta) -> int:
    """Count how often a time is looked at while `count` calls are tied."""
    seen = 0
    real: Callable[..., int] = link_windows.microseconds

    def counted(*args: object) -> int:
        nonlocal seen
        seen += 1
        return real(*args)

    tries = _tries(count // 2, 2 * _SECOND, lasts)
    polls = _polls(count, _SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(link_windows, "microseconds", counted)
        links = linking.tie_together({ARN: tries}, {ARN: ROLE}, polls)
    assert len(links) == count
    return seen


@pytest.mark.parametrize("lasts", [_SECOND, 3600 * _SECOND])
def test_twice_the_calls_and_attempts_take_twice_the_looks(
    monkeypatch: pytest.MonkeyPatch, lasts: timedelta
) -> None:
    looks = [_looks(count, monkeypatch, lasts) for count in (100, 200, 400)]
    assert looks[0] > 0
    assert all(more <= 2 * less for less, more in pairwise(looks))


# -- windows ---------------------------------------------------------------------


def _contender(number: int, begin: float, end: float | None) -> Contender:
    return Contender(
        (ARN, number),
        CallRole.POLL,
        START + begin * _SECOND,
        None if end is None else START + end * _SECOND,
        _SECOND,
    )


_offsets = st.integers(-20, 20).map(lambda halves: halves / 2)


@given(
    st.lists(st.tuples(_offsets, st.none() | _offsets), max_size=12),
    st.lists(_offsets, max_size=12),
)
def test_whoever_fits_a_moment_is_found_at_it(
    spans: list[tuple[float, float | None]], offsets: list[float]
) -> None:
    contenders = [_contender(n, *span) for n, span in enumerate(spans)]
    found = fits(contenders, [START + offset * _SECOND for offset in offsets])
    for offset in offsets:
        fitting = [
            (ARN, number)
            for number, (begin, end) in enumerate(spans)
            if offset > begin - 1 and (end is None or offset <= end + 1)
        ]
        fit = found.get(START + offset * _SECOND)
        assert list(fit.keys if fit else ()) == fitting
        assert fit is None or fit.count == len(fitting) > 0


def test_whoever_left_has_no_say_in_what_the_rest_have_in_common() -> None:
    stay = [_contender(number, 0, None) for number in (1, 2)]
    other = Contender(
        ("another", 9), CallRole.STOP, START, START + 5 * _SECOND, _SECOND
    )
    found = fits([*stay, other], [START + second * _SECOND for second in (3, 30)])
    mixed, rest = found.values()
    assert (mixed.count, mixed.role, mixed.execution_arn) == (3, CallRole.OTHER, None)
    assert (rest.count, rest.role, rest.execution_arn) == (2, CallRole.POLL, ARN)


def test_while_nobody_comes_or_goes_the_answer_is_one_and_the_same() -> None:
    crowd = [_contender(number, 0, 100) for number in range(5)]
    found = fits(crowd, [START + second * _SECOND for second in range(50)])
    assert len(found) == 50
    assert len({id(fit) for fit in found.values()}) == 1


def test_whoever_is_taken_whatever_the_time_need_not_fit() -> None:
    fit = all_of([_contender(2, 5, 1), _contender(1, 50, None)])
    assert (fit.count, fit.keys) == (2, ((ARN, 1), (ARN, 2)))
    assert (fit.role, fit.execution_arn) == (CallRole.POLL, ARN)


def test_nobody_fits_where_there_is_nobody() -> None:
    assert fits([], [START]) == {}
    assert fits([_contender(1, 5, 2)], [START + 3 * _SECOND]) == {}
