"""What a trace shows, in sentences: each with its evidence and its certainty.

Nothing is said where the evidence is missing; that it is missing is said instead, for
absence of a record is no record of absence. All is found as of a moment: a replay does
not tell the end at its beginning.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the critical path: the states of the top level, and for a Parallel or a Map those of the
branch or iteration that its end waited for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from statistics import fmean, median, quantiles
from typing import Any

from msgspec.structs import replace

from sfnwatch.analysis.case import Attempts, Case, StateUse, Survey, Work, build_case
from sfnwatch.analysis.finding import CONCLUSION, Finding, Steps, finding
from sfnwatch.analysis.jobs import calls_alone, job_findings, patterns
from sfnwatch.analysis.outcomes import (
    JobFailures,
    caught,
    children,
    container_retries,
    failed,
    failed_calls,
    failed_later,
    failed_out_of_sight,
    job_failures,
    map_runs_failed,
    redriven,
    retries,
)
from sfnwatch.analysis.phases import (
    PHASE_KEYS,
    Phase,
    end_of,
    length_of,
    seconds_by_phase,
)
from sfnwatch.analysis.wording import (
    FEW,
    ambiguity,
    cadence,
    counted,
    grouped,
    listed,
    named,
    plural,
    ranked,
    resource_words,
    short_names_of,
    some,
    spoken,
    time_of_day,
    times,
    visit_name,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import account_of
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN, UNSUCCESSFUL
from sfnwatch.model.integrations import Integration, Unrecorded
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.moment import Moment
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import StateVisit


class Topic(StrEnum):
    """What findings are about, in the order in which it is told; its heading."""

    CONCLUDED = "In short"
    """What several executions together show."""
    FAILED = "What failed"
    SLOW = "Where the time went"
    RETRIED = "What was retried or throttled"
    LEARNED = "How Step Functions learned the task had stopped"
    MAP_RUN = "Map Run"
    INTEGRATIONS = "Integrations"
    NOT_VISIBLE = "What is not visible, and why"


_KINDS = {
    Topic.CONCLUDED: (CONCLUSION,),
    Topic.FAILED: (
        *("failed", "caught", "map-run-failed", "child-failed", "job-failed-later"),
        *("failed-calls", "denied-and-failed"),
    ),
    Topic.SLOW: ("slowest-path", "time"),
    Topic.RETRIED: ("retries", "throttled-calls", "redriven"),
    Topic.LEARNED: (
        *("denied-but-succeeded", "unnoticed", "noticed"),
        *("denied-unknown", "polling", "next-poll"),
    ),
    Topic.MAP_RUN: ("children",),
    Topic.INTEGRATIONS: ("pattern", "calls"),
    Topic.NOT_VISIBLE: (
        *("unseen", "ambiguous", "other-calls", "other-executions", "lag"),
    ),
}
"""All kinds there are, the most telling of each topic first."""
TOPICS: Mapping[str, Topic] = {
    kind: topic for topic, kinds in _KINDS.items() for kind in kinds
}
_TELLING = list(TOPICS)
_NEWS = frozenset({Topic.FAILED, Topic.RETRIED, Topic.LEARNED, Topic.MAP_RUN})


def topic_of(finding: Finding) -> Topic:
    """Say what a finding is about; a Map Run's is a failure if children failed."""
    unsuccessful = (finding.data.get(status.lower()) for status in UNSUCCESSFUL)
    if finding.kind == "children" and any(unsuccessful):
        return Topic.FAILED
    return TOPICS.get(finding.kind, Topic.NOT_VISIBLE)


def find(moment: Moment, now: datetime | None = None) -> list[Finding]:
    """Find all: of each execution, its children's too, then of the trace as a whole.

    What runs has come as far as `now`, or else as the moment, or as the records go.
    """
    return [found for found in find_in_steps(moment, now) if found is not None]


def find_in_steps(moment: Moment, now: datetime | None = None) -> Steps:
    """Find all, and yield None wherever other work may be done in between.

    Of use until the trace changes; then it must begin again.
    """
    survey = Survey(moment, now)
    yield from survey.look()
    roots: list[Case] = yield from _cases(survey, survey.roots)
    nested: list[Case] = yield from _cases(survey, moment.children)
    failures = yield from job_failures(moment, [*roots, *nested])
    for case in (*roots, *nested):
        told: list[Finding] = []
        for found in _of_execution(case, failures):
            if found is None:
                yield None
            else:
                told.append(replace(found, execution_arn=case.execution.arn))
        yield from sorted(told, key=_order)
        yield None
    yield from conclusions(roots)
    yield from calls_alone(survey)
    yield from not_loaded(survey, roots)
    yield from lateness(survey)


def _cases(survey: Survey, arns: Iterable[str]) -> Work[list[Case]]:
    cases = []
    for arn in arns:
        case = yield from build_case(survey, survey.moment.executions[arn])
        cases.append(case)
        yield
    return cases


def _of_execution(case: Case, failures: JobFailures) -> Steps:
    yield from failed(case)
    yield from failed_out_of_sight(case)
    yield from patterns(case)
    yield None
    for use in case.uses:
        # What is known of each is worked out here, once, with pauses.
        for _ in ((a.spacing, a.complete, a.completion) for a in use.attempts):
            yield None
        for tell in (job_findings, retries, failed_calls):
            yield from tell(use)
            yield None
    outcome = caught(case), children(case), failed_later(case, failures), redriven(case)
    others = map_runs_failed(case), container_retries(case), time_findings(case)
    for findings in (*outcome, *others, not_visible(case)):
        yield from findings
        yield None


def _order(finding: Finding) -> int:
    return list(Topic).index(topic_of(finding))


def most_telling(findings: Iterable[Finding]) -> list[Finding]:
    """Give what is news, failures first."""
    told = [finding for finding in findings if topic_of(finding) in _NEWS]
    return sorted(told, key=lambda f: (_order(f), _TELLING.index(f.kind)))


# -- several executions ----------------------------------------------------------------

_SEVERAL = 2


def conclusions(cases: Sequence[Case]) -> Iterator[Finding]:
    """Conclude from two executions or more, which jobs they start and how.

    A way is a resource whose polls were all denied, or not; of one way alone, as of one
    execution, the other findings say as much.
    """
    uses = [use for case in cases for use in case.uses if use.starts_job]
    started = [each for use in uses for each in use.attempts if each.actions.sure]
    ways = grouped(started, lambda each: each.way)
    if len(cases) < _SEVERAL or len(ways) < _SEVERAL:
        return
    names = short_names_of(case.execution for case in cases)
    for those in ways.values():
        yield _conclusion(Attempts(those), names)


def _conclusion(told: Attempts, names: Mapping[str, str]) -> Finding:
    resource, denied = told.first.way
    arns = list(dict.fromkeys(each.key[0] for each in told.cases))
    polls = told.polls.sure
    succeeded = told.statuses == {"succeeded"}
    unsure = told.calls.guessed or any(e.polls_that_may_be_its for e in told.cases)
    # No later record may change what is said of the polls.
    whole = all(e.settled if polls else e.is_seen_whole for e in told.cases)
    then = f", with no poll matched{'' if whole else told.first.use.survey.known_words}"
    if polls:
        every = f" {cadence(fmean(told.gaps))}" if told.gaps else ""
        most = "up to " if told.polls.guessed else ""
        count = f"{most}{plural(len(told.polls.every), 'poll')}{told.so_far}"
        then = f", then {named(polls[0].event_name)}{every} ({count})"
    refutes = denied and told.complete and succeeded
    actions = told.actions.sure
    often = f" ({times(len(actions))})" if len(actions) > 1 else ""
    became = f"; every poll was denied{told.so_far}" if denied else ""
    if denied and told.statuses == {"running"}:
        became += ", and it is still running"
    elif denied and succeeded:
        refuted = ", so completion doesn't depend on polling" if refutes else ""
        became += f", yet it still succeeded{refuted}"
    text = f"{resource} ({some(names[arn] for arn in arns)}) calls"
    text += f" {named(actions[0].event_name)}{often}{then}{became}."
    data: dict[str, Any] = {"resource": resource, "executions": arns}
    data |= {"tries": len(told.cases), "polls": len(polls)}
    data |= {"denied": len(polls) if denied else 0, "statuses": sorted(told.statuses)}
    data["interval_mean"] = round(fmean(told.gaps), 1) if told.gaps else None
    if polls and told.so_far:
        data["so_far"] = True
    fact = whole and not unsure and not refutes
    return finding(CONCLUSION, text, told.calls.sure, fact=fact, **data)


# -- where the time went ---------------------------------------------------------------

_TOP = 3
_STEPS = 20
_SHARE = 0.5
_LITTLE = 0.01
"""A share of the time that is not worth naming."""
_WORDS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "retry back-off",
    Phase.COMPLETION_LAG: "completion lag",
    Phase.CONTAINER: "inside Map/Parallel",
}


def critical_path(visits: Iterable[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the chain of visits that decided an execution's length, innermost ones.

    They are followed back from the end; `now` ends those that still run.
    """
    inside = grouped(visits, lambda visit: visit.parent)
    path: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    todo = _chain(inside.get(None, ()), now)
    while todo:
        visit = todo.pop()
        if within := inside.get(visit.id):
            todo.extend(_chain(within, now))
        else:
            path.append(visit)
    return path[::-1]


def _chain(visits: Sequence[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the visits of one level that followed on each other up to its end.

    Within a branch a state follows on the one before it. An iteration that had to
    wait for its turn follows on the one whose end let it begin.
    """
    ends = sorted((end_of(visit, now), -visit.id, visit) for visit in visits)
    before: dict[int, StateVisit | None] = {}
    last_of: dict[object, StateVisit] = {}
    for visit in visits:
        before[visit.id] = last_of.get(visit.index)
        last_of[visit.index] = visit
    chain: list[StateVisit] = []
    earlier = reversed(ends[:-1])
    current = ends[-1][2] if ends else None
    while current is not None:
        chain.append(current)
        begin = current.entered_at
        number = current.id
        over = (v for end, _, v in earlier if end <= begin and v.id < number)
        current = before[number] or next(over, None)
    return chain[::-1]


def time_findings(case: Case) -> Steps:
    """Tell where most of the time went, and what it was spent on."""
    execution = case.execution
    begun = case.execution.started_at
    if begun is None or not execution.events:
        return
    # Where events are missing, the states are known to the last one.
    now = execution.events[-1].at if case.is_cut else case.known_to
    if not case.is_cut and any(map(case.is_end_lost, case.visits)):
        return  # how long those states took is missing with their last events
    yield None
    total = (now - begun).total_seconds()
    path = critical_path(map(case.as_known, case.visits), now)
    yield None
    is_part = any(v.type == "Task" and not v.attempts for v in path)
    if total <= 0 or not path or is_part:
        return  # where a task's own events are missing, it did not wait all the time
    if len(path) > 1 and not case.is_cut:
        yield from _slowest(path, now, total - execution.stopped_seconds)
    yield from _time(case, path, now, total)


def _time(case: Case, path: Sequence[StateVisit], now: datetime, total: float) -> Steps:
    """Tell what it was spent on, where it took time to speak of."""
    execution = case.execution
    spent = Counter[Phase]()
    for visit in path:
        spent.update(seconds_by_phase(execution, visit, now))
        yield None
    # What lies between an end and a redrive is of no state, or of the one gone on with.
    stopped = execution.stopped_seconds
    known = {phase: spent.get(phase, 0.0) for phase in _WORDS}
    between = max(0.0, total - stopped - sum(known.values()))
    if not any(map(_worth, (*known.values(), stopped))):
        return
    parts = [(seconds, _WORDS[phase]) for phase, seconds in known.items()]
    parts += [(between, "between states"), (stopped, "stopped until it was redriven")]
    told = [f"{spoken(seconds)} {words}" for seconds, words in parts if _worth(seconds)]
    so_far = " so far" if execution.running else ""
    if case.is_cut:
        so_far = f" up to #{execution.events[-1].id}, the last event loaded"
    branched = any(visit.parent is not None for visit in path)
    once = " (parallel time counted once)" if branched else ""
    ending = execution.ending or execution.events[-1]
    figures: dict[str, Any] = {"seconds": round(total, 3)}
    figures |= {PHASE_KEYS[phase]: round(known[phase], 3) for phase in known}
    figures["between"] = round(between, 3)
    if stopped:
        figures["stopped"] = round(stopped, 3)
    text = f"Critical path, {spoken(total)}{so_far}{once}: {listed(told)}."
    proofs = [f"#{execution.events[0].id}", f"#{ending.id}"]
    yield finding("time", text, proofs, **figures, counted="slowest path")


def _worth(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _slowest(path: Sequence[StateVisit], now: datetime, total: float) -> Steps:
    """Name those that took most; of many alike none decided anything."""
    lengths = [(length_of(visit, now), visit) for visit in path]
    order = sorted(lengths, key=lambda item: (-item[0], item[1].id))
    top = order[:_TOP]
    longest, visit = order[0]
    if total <= 0 or not _worth(longest):
        return
    if sum(seconds for seconds, _ in top) / total < _SHARE:
        return
    notable = ((v, spoken(took)) for took, v in top if took / total >= _LITTLE)
    names = [f"{visit_name(v, alone=v.parent is None)} ({took})" for v, took in notable]
    rest = len(order) - len(names)
    others = f", and {plural(rest, 'shorter visit')}" if rest else ""
    text = f"The critical path was {', '.join(names)}{others}."
    if longest / total > _SHARE:
        then = f", then {listed(names[1:])}" if names[1:] else ""
        text = f"{names[0]} took most of the time{then}."
    shown = ((v, round(seconds, 3)) for seconds, v in lengths[:_STEPS])
    steps = [{"visit": v.id, "path": v.path, "seconds": took} for v, took in shown]
    data: dict[str, Any] = {"seconds": round(total, 3), "steps": steps}
    data |= {"count": len(lengths), "longest": visit.id}
    yield finding("slowest-path", text, (f"#{v.id}" for _, v in top), **data)


# -- what is not visible, and why ------------------------------------------------------

_WITNESSES = 5
_MESSAGE = 200
_TROUBLE = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})
_WHOLE_SECONDS = timedelta(seconds=1)
_WHY = {
    Unrecorded.DATA_EVENT: " is a data event, which CloudTrail Event history does not"
    " include",
    Unrecorded.HTTP: " is an HTTPS request; CloudTrail Event history includes only the"
    " GetSecretValue for its connection",
    Unrecorded.KUBERNETES: " is a request to the cluster's own Kubernetes API, which"
    " CloudTrail does not log",
    # That a page does not list it is all that says so.
    Unrecorded.NEVER: " is not logged by CloudTrail",
}


_unseen = partial(finding, "unseen")


# -- of one execution ------------------------------------------------------------------


def not_visible(case: Case) -> Iterator[Finding]:
    """Say what of an execution could not be seen."""
    survey = case.survey
    yield from _history(case.execution)
    yield from _unrecorded(case)
    showing = [use for use in case.uses if survey.shows(use.row)]
    for use in showing:
        if use.row and not any(e.calls.every for e in use.attempts):
            yield from _missing_calls(case, use, use.row)
    yield from _map_runs(case)
    yield from _other_executions(case)
    if survey.watched and showing:
        yield from _incomplete(case)
        yield from unmatched(survey, case.execution.arn)


def _history(execution: ExecutionAsOf) -> Iterator[Finding]:
    """Find events that are missing: AWS numbers them from 1 without a gap."""
    events = execution.events
    name = named(execution.name)
    if not events:
        text = (
            f"The history of {name} is not in what was opened: what it did is unknown."
        )
        if execution.was_watched:
            text = f"The history of {name} was not read, so what it did is unknown."
        yield _unseen(text, reason="no-history")
        return
    last = max(event.id for event in events)
    missing = last - len(events)
    count = plural(len(events), "event is", "events are")
    is_cut = not execution.running and execution.ending is None
    if missing or is_cut:
        end = f", and it went on to its end ({named(execution.status)})"
        text = f"The history of {name} is not whole: {count} loaded, the last one is"
        text += f" #{last}{end if is_cut else ''}."
        yield _unseen(text, [f"#{last}"], reason="history-gap", missing=missing)
    if execution.status == UNKNOWN:
        yield _unseen(_no_end(execution), [f"#{last}"], reason="no-end")


def _no_end(execution: ExecutionAsOf) -> str:
    """Say why it is not known whether an execution still runs."""
    name = named(execution.name)
    if execution.hides_success:
        text = f"Only failures of {name} are logged: whether it succeeded or still runs"
        return f"{text} is not known."
    text = f"The history of {name} stops before its end: whether it still runs, and how"
    return f"{text} it ended, is not known."


def _unrecorded(case: Case) -> Iterator[Finding]:
    """Name the states whose calls Event history never shows, like ones together."""
    unseen = (u for u in case.uses if u.row and not case.survey.shows(u.row))
    groups = grouped(unseen, lambda use: resource_words(use.first))
    for resource, uses in groups.items():
        row = uses[0].row
        verb = "calls" if len(uses) == 1 else "call"
        unrecorded = (row and row.unrecorded) or Unrecorded.DATA_EVENT
        text = f"{some([use.name for use in uses])} {verb} {resource}:"
        text += f" {row.action_event if row else 'that'}{_WHY[unrecorded]}."
        data: dict[str, Any] = {"reason": "not-recorded", "visit": uses[0].visits[0].id}
        data |= {"states": len(uses), "count": sum(len(use.attempts) for use in uses)}
        data["call"] = _call_name(row) if row else None
        fact = unrecorded is not Unrecorded.NEVER
        yield _unseen(text, _scheduled(uses), fact=fact, **data)


def _missing_calls(case: Case, use: StateUse, row: Integration) -> Iterator[Finding]:
    """Say why a state's calls do not show."""
    where: dict[str, Any] = {"visit": use.visits[0].id, "count": len(use.attempts)}
    there = account_of(use.first.role_arn)
    proofs = _scheduled([use])
    if there is not None and there != account_of(case.execution.role_arn):
        text = f"{use.name} uses a role of account {named(there)}: its calls are in"
        text += " that account's CloudTrail; --trail-profile can read it."
        where |= {"reason": "other-account", "account": there}
        yield _unseen(text, proofs, fact=False, **where)
    elif all(case.survey.covers(each.attempt.ended_at) for each in use.attempts):
        name = row.event_source, row.action_event
        text = f"No {named(row.action_event)} call was matched to {use.name}"
        if count := case.survey.doubtful_names[name]:
            calls = plural(count, "call of that name is", "calls of that name are")
            text += f"; {calls} here, and whose is not certain."
            where["reason"] = "not-matched"
        else:
            text += ", though CloudTrail is complete up to there (estimate); another"
            text += " Region's, or another trail, may have it."
            where["reason"] = "not-found"
        where["call"] = _call_name(row)
        yield _unseen(text, proofs, fact=False, **where)


def _scheduled(uses: Iterable[StateUse]) -> tuple[str, ...]:
    attempts = (each.attempt for use in uses for each in use.attempts)
    ids = dict.fromkeys(f"#{attempt.scheduled_id}" for attempt in attempts)
    return tuple(ids)[:_WITNESSES]


def _call_name(row: Integration) -> str:
    return f"{row.event_source.removesuffix('.amazonaws.com')}:{row.action_event}"


def _map_runs(case: Case) -> Iterator[Finding]:
    """Tell of Map Runs of which nothing is known but that they were."""
    told = case.moment.map_runs
    turns = [turn for turn in case.execution.map_run_turns if turn.arn not in told]
    if runs := [turn for turn in turns if turn.event.type == "MapRunStarted"]:
        text = f"{plural(len(runs), 'Map Run was', 'Map Runs were')} started: what"
        text += " child executions did is not in this history."
        arns = [turn.arn or None for turn in runs[:5]]
        proofs = (f"#{turn.event.id}" for turn in runs)
        yield _unseen(text, proofs, reason="map-run", count=len(runs), map_runs=arns)


def _other_executions(case: Case) -> Iterator[Finding]:
    """Count the others of its machine: they call with the same role."""
    moment = case.moment
    execution = case.execution
    begin = case.execution.started_at
    if begin is None or moment.at is not None:
        return  # the lists are today's knowledge
    end = execution.stopped_at
    known = moment.executions
    if count := moment.trace.strangers.others(execution.arn, begin, end, known):
        text = f"{plural(count, 'other execution')} of this machine ran meanwhile."
        yield finding("other-executions", text, count=count)


def _incomplete(case: Case) -> Iterator[Finding]:
    """Say up to when CloudTrail is known, where that is short of the end."""
    coverage = case.survey.coverage
    health = case.moment.health.get("lookup")
    stopped = case.execution.stopped_at
    known = coverage.complete_to
    if health is not None and health.state in _TROUBLE:
        why = f": {clean(health.message, _MESSAGE)}" if health.message else "."
        text = f"CloudTrail could not be read to the end ({health.state}){why}"
        yield _unseen(text, reason="cloudtrail-refused")
    elif stopped is not None and not case.survey.covers(stopped):
        text = "How far CloudTrail is complete is unknown"
        if known is not None and coverage.live:
            text = f"CloudTrail is complete up to {time_of_day(known)} (estimate)"
        elif known is not None:
            text = f"The newest call loaded is from {time_of_day(known)}"
        text += f", and {named(case.execution.name)} ended at {time_of_day(stopped)}:"
        complete_to = None if known is None else f"{known:%Y-%m-%dT%H:%M:%SZ}"
        data: dict[str, Any] = {"reason": "incomplete", "complete_to": complete_to}
        yield _unseen(f"{text} later calls may be missing.", fact=False, **data)


def unmatched(survey: Survey, execution_arn: str | None) -> Iterator[Finding]:
    """Tell of an execution's unmatched calls; of None, those of several, or of any."""
    if mixed := survey.unmatched.get((execution_arn, LinkRule.AMBIGUOUS)):
        reasons = ranked(ambiguity(survey.moment.link(call)) for call in mixed)
        text = f"{plural(len(mixed), 'call is', 'calls are')} not matched:"
        text += f" {_names(mixed)} ({'; '.join(list(reasons)[:FEW])})."
        yield finding("ambiguous", text, mixed, count=len(mixed))
    if alone := survey.unmatched.get((execution_arn, LinkRule.ROLE_ONLY)):
        many = plural(len(alone), "call by the role matches", "calls by the role match")
        text = f"{many} no attempt of any state: {_names(alone)}."
        yield _unseen(text, alone, reason="role-only", count=len(alone))


def _names(calls: Sequence[ApiCall]) -> str:
    return counted(ranked(call.event_name for call in calls))


def not_loaded(survey: Survey, cases: Sequence[Case]) -> Iterator[Finding]:
    """Say what is missing altogether; `cases` are those of the root executions."""
    moment = survey.moment
    trace = survey.moment.trace
    calling = any(use.row is not None for case in cases for use in case.uses)
    if not survey.watched and calling:
        text = "No CloudTrail data loaded, so API calls and polling are unknown."
        yield _unseen(text, reason="no-cloudtrail")
    if trace.calls and not moment.roots:
        text = "There is no execution history here: calls alone show what was called,"
        text += " but not how an execution ended."
        yield _unseen(text, reason="no-history")
    yield from unmatched(survey, None)
    if count := len(trace.unread):
        text = f"{plural(count, 'record')} could not be read."
        yield _unseen(text, reason="unread", count=count)


def lateness(survey: Survey) -> Iterator[Finding]:
    """Measure from each call to when it was seen.

    Only calls made while somebody watched: a record that was there before says
    nothing of when it came.
    """
    moment = survey.moment
    seen = [call.seen_at for call in moment.calls]
    seen += [event.seen_at for run in moment.roots.values() for event in run.events]
    first = min(filter(None, seen), default=None)
    late = sorted(
        (max(0.0, (call.seen_at - call.event_time).total_seconds()), call.event_id)
        for call in moment.calls
        if first and call.seen_at and first - call.event_time < _WHOLE_SECONDS
    )
    if not late:
        return
    seconds = [length for length, _ in late]
    longest, latest = late[-1]
    p90 = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else longest
    # Quantiles of few values are guessed past the last of them.
    figures = {"median": median(seconds), "p90": min(p90, longest), "max": longest}
    half, most, last = map(spoken, figures.values())
    text = f"CloudTrail showed {plural(len(seconds), 'call')} made during the watch:"
    text += f" half of them within {half}, 90% within {most}, the last after {last}."
    data: dict[str, Any] = {key: round(each, 1) for key, each in figures.items()}
    yield finding("lag", text, [latest], count=len(seconds), **data)
