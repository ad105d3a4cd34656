"""The words of lines, the same on the screen, in plain lines and in exports.

Every string from AWS that becomes part of a line is cleaned here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import shorten_names
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.analysis.statuses import ended_words, status_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import last_segment, maybe_execution_arn, short_id
from sfnwatch.model.attempt_events import phase_of
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import BAD_STOPS, TaskStage, TaskState
from sfnwatch.model.execution import ExecutionAsOf, Redrive
from sfnwatch.model.history_event import TERMINAL, Details, HistoryEvent
from sfnwatch.model.linking.link import Certainty, Link, LinkRule
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import int_of, text_of
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view.outline_items import Fold
from sfnwatch.view.parts import STATUS_GLYPHS, Part, Role, status_glyph

_MINUTE = 60
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
LIMIT = 200
"""The most characters of a name or message on a line; the detail pane has it whole."""
LABEL = 80
"""The most characters of a label."""
ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL = 3
"""A cut name keeps a third of its characters from its end."""


def ordinal(number: int) -> str:
    """Return a number as `1st`, `2nd`, `12th`."""
    is_teen = number % 100 in range(11, 14)
    suffix = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


@lru_cache(maxsize=256)
def spaced(name: str) -> str:
    """Return a type of AWS's as words: `submit failed` for `SubmitFailed`.

    The result is cleaned, since a future type of AWS's may be any text.
    """
    words = _CAPITALS.sub(" ", name).lower().replace("map run", "Map Run")
    return clean(words, LIMIT)


def execution_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield how an execution begins or ends, and its error."""
    ending = event.type.removeprefix("Execution")
    glyph = Part("◆", Role.NAME)
    if event.type in TERMINAL:
        glyph = status_glyph(TERMINAL[event.type])
    yield Part(f"{glyph.text} Execution {spaced(ending)}", glyph.role)
    yield from error_parts(details)


def redrive_parts(redrive: Redrive) -> Iterator[Part]:
    """Yield a redrive's number and its time: `12m 04s after it failed`."""
    yield Part(f"⟲ Redriven ({ordinal(redrive.number)} time)", Role.NAME)
    if redrive.seconds is not None and redrive.ended is not None:
        spent = duration(max(0.0, redrive.seconds))
        ended = ended_words(TERMINAL[redrive.ended.type])
        yield Part(f", {spent} after it {ended}")


def state_name(visit: StateVisit) -> str:
    """Return a state's name with its branch or iteration: `[1] Build index`."""
    number = "" if visit.index is None else f"[{visit.index}] "
    return f"{number}{clean(visit.name, LIMIT)}"


def entered_parts(visit: StateVisit) -> Iterator[Part]:
    """Yield the name of an entered state, and what it runs, else its type."""
    yield Part(state_name(visit), Role.NAME)
    if visit.attempts:
        # Only Tasks have attempts, so the type need not be shown.
        yield Part(f"  {resource_words(visit.attempts[0])}", Role.CALL)
    else:
        yield Part(f"  {clean(visit.type)}", Role.DIM)


def items_part(details: Details) -> Iterator[Part]:
    """Yield the number of a Map's items, if its start event has it."""
    length = int_of(details.get("length"))
    if length is not None:
        yield Part(f"  {length:,} item{'' if length == 1 else 's'}", Role.DIM)


def phase_parts(events: Sequence[HistoryEvent]) -> Iterator[Part]:
    """Yield the names of an attempt's phases that share a line."""
    told = [spaced(phase_of(event.type)) for event in events]
    status = told[-1].replace(" ", "_")
    glyph = f"{status_glyph(status).text} " if status in STATUS_GLYPHS else ""
    yield Part(f"{glyph}{' · '.join(told)}", _phase_role(events[-1].type))


def _phase_role(event_type: str) -> Role:
    if event_type.endswith("Succeeded"):
        return Role.GOOD
    bad = event_type.endswith(("Failed", "TimedOut"))
    return Role.BAD if bad else Role.PLAIN


def try_parts(visit: StateVisit, number: int) -> Iterator[Part]:
    """Yield the number of the try that begins, unless it is the first."""
    if number > 1:
        yield Part(f"  try {number}", Role.WARN)
        if visit.is_redriven(number):
            yield Part("  redriven", Role.DIM)


def other_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Yield the words of all other events."""
    if event.type.startswith("MapIteration") and event.iteration is not None:
        word = spaced(event.type.removeprefix("MapIteration"))
        if event.iteration_end is not None:
            word = status_words(event.iteration_end)
        yield Part(f"[{event.iteration}] {word}", _phase_role(event.type))
        return
    yield Part(spaced(event.type), _phase_role(event.type))
    if event.type == "MapStateStarted":
        yield from items_part(details)
    redrives = int_of(details.get("redriveCount"))
    if event.type == "MapRunRedriven" and redrives:
        yield Part(f"  ({ordinal(redrives)} time)", Role.DIM)
    if run := text_of(details.get("mapRunArn")):
        yield Part(f"  {clean(last_segment(run), LIMIT)}", Role.DIM)
    yield from error_parts(details)


def error_parts(details: Details) -> Iterator[Part]:
    """Yield the error and the cause of an event, if it has them."""
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    if error:
        yield Part(f"  {clean(error, LIMIT)}", Role.BAD)
    if cause:
        yield Part(f"  {clean(cause_words(cause), LIMIT)}", Role.DIM)


def completion_parts(told: Completion) -> tuple[Part, ...]:
    """Return how Step Functions learned of a job's end."""
    after = f"{told.lag:.1f} s after the {told.job} stopped"
    if told.by is ReportedBy.EVENT:
        head = Part("event", Role.EVENT)
        more = f", {told.between}"
    elif told.by is ReportedBy.POLL:
        head = Part("poll" if told.certain else "poll or event", Role.POLL)
        more = "" if told.certain else ", within the same second"
    else:
        # CloudTrail may still deliver a poll in between.
        so_far = "" if told.possible_polls else " so far"
        return (Part(f"{after}, {told.between}{so_far}", Role.DIM),)
    return Part("◀━━ ", Role.DIM), head, Part(f"  {after}{more}")


class CallText(Struct, frozen=True):
    """The words of a call's line in pieces, since narrow lines leave some of them out.

    All pieces except the name begin with blanks.
    """

    name: tuple[Part, ...]
    subject: tuple[Part, ...] = ()
    """The started job of an action call; for other calls the time since that call."""
    error: tuple[Part, ...] = ()
    rule: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.name, *self.subject, *self.error, *self.rule)


def blank_before(text: str, role: Role) -> tuple[Part, ...]:
    """Return a part with blanks before its text; no part for an empty text."""
    return (Part(f"  {text}", role),) if text else ()


def id_word(attempt: Attempt | None) -> str:
    """Return the usual words for the id of the job: `task ARN`, `job id`."""
    row = attempt.integration if attempt else None
    return row.id_word if row else "id"


def job_words(attempt: Attempt) -> str:
    """Return words for the job that an attempt started: `task 9f018ef6`."""
    job = next(iter(attempt.resource_ids), "")
    thing = id_word(attempt).rpartition(" ")[0] or "id"
    return clean(f"{thing} {short_id(job)}", LIMIT)


RULE_WORDS = {
    LinkRule.REQUEST_ID: "request ID",
    LinkRule.SESSION: "session",
    LinkRule.RESOURCE_ID: "task ARN, job ID or the like",
    LinkRule.PARAMETERS: "same parameters",
    LinkRule.ORDER: "in order",
    LinkRule.UNIQUE_CANDIDATE: "role, action, time",
    LinkRule.AMBIGUOUS: "one of several",
    LinkRule.ROLE_ONLY: "same role, no matching task",
}
"""By what a call is matched, if only the rule is known."""
CERTAINTY_SIGNS = {
    Certainty.EXACT: "=",
    Certainty.STRONG: "≈",
    Certainty.LIKELY: "~",
    Certainty.GUESS: "?",
}
"""A sign of one cell for the certainty of a match; each differs in ASCII too."""
_AMBIGUOUS_SIGN = "?"


def matched_by(link: Link, word: str = "id") -> str:
    """Return by what a call is matched, without signs; `word` names the job's id."""
    match link.rule:
        case LinkRule.RESOURCE_ID:
            return word
        case LinkRule.AMBIGUOUS:
            several = link.candidate_count > 1
            return f"one of {link.candidate_count}" if several else "not certain"
    return RULE_WORDS[link.rule]


def rule_words(link: Link, word: str = "id") -> str:
    """Return the sign of a match's certainty, and by what the call is matched."""
    words = matched_by(link, word)
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{_AMBIGUOUS_SIGN} {words}"
    if link.certainty is None:
        return words
    return f"{CERTAINTY_SIGNS[link.certainty]} {words}"


def doubt_words(link: Link) -> str:
    """Return the doubt about a match: `likely`, `a guess`; empty if it is sure."""
    if link.key is None or link.is_sure:
        return ""
    return "likely" if link.certainty is Certainty.LIKELY else "a guess"


def rule_role(link: Link) -> Role:
    """Return the role of a match's words: sure, in doubt, or neither."""
    if link.is_sure:
        return Role.EXACT
    return Role.DIM if link.rule is LinkRule.ROLE_ONLY else Role.GUESS


_STAGES = {
    TaskStage.RUNNING: Part("●", Role.BUSY),
    TaskStage.STOPPING: Part("◌", Role.DIM),
}
_NORMAL = "EssentialContainerExited"
"""The stop code of a task that ended by itself; its exit codes show if it failed."""


class TaskText(Struct, frozen=True):
    """The words of a task state's line, in pieces: narrow lines leave some out."""

    status: Part
    """The glyph and ECS's word for the status."""
    ending: tuple[Part, ...] = ()
    """How the task stopped; for a running task, that it is to be stopped."""
    brief: tuple[Part, ...] = ()
    """The ending in fewer words: without the stop code where exit codes say more."""
    reason: tuple[Part, ...] = ()
    """ECS's sentence about the reason, unless the task ended by itself."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.status, *self.ending, *self.reason)


def task_id(state: TaskState) -> str:
    """Return the first eight characters of a task's id."""
    return clean(last_segment(state.task_arn)[:8], LIMIT)


def task_text(state: TaskState) -> TaskText:
    """Return the words of a task's state; all except the status begin with blanks."""
    glyph = _task_glyph(state)
    status = Part(f"{glyph.text} {clean(state.last_status, LIMIT)}", glyph.role)
    if not state.stopped:
        early = state.stage in {TaskStage.STARTING, TaskStage.RUNNING}
        to_stop = early and state.desired_status == "STOPPED"
        soon = blank_before("to be stopped" if to_stop else "", Role.WARN)
        return TaskText(status, soon, soon)
    exits = list(_exits(state))
    codes = [clean(state.stop_code, LIMIT)] if state.stop_code else []
    normal = state.stop_code == _NORMAL
    reason = "" if normal else clean(state.stopped_reason or "", LIMIT)
    return TaskText(
        status,
        ending=blank_before(", ".join((*codes, *exits)), glyph.role),
        brief=blank_before(", ".join(exits if normal and exits else codes), glyph.role),
        reason=blank_before(reason, Role.DIM),
    )


def went_wrong(state: TaskState) -> bool:
    """True for a stopped task with a bad stop code, or an exit code other than 0."""
    codes = [c.exit_code for c in state.containers if c.exit_code is not None]
    return state.stopped and (any(codes) or state.stop_code in BAD_STOPS)


def _task_glyph(state: TaskState) -> Part:
    if not state.stopped:
        return _STAGES.get(state.stage, Part("○", Role.DIM))
    if went_wrong(state):
        return Part("✘", Role.BAD)
    codes = [container.exit_code for container in state.containers]
    normal = state.stop_code in {_NORMAL, None} and bool(codes) and None not in codes
    # Without an exit code it is not known if the task succeeded.
    return Part("✔", Role.GOOD) if normal else Part("■", Role.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Yield `exit 0`, or the exit codes other than 0.

    With several containers, each code comes with its container's name.
    """
    coded = [each for each in state.containers if each.exit_code is not None]
    failed = [each for each in coded if each.exit_code]
    if coded and not failed:
        yield "exit 0"
    for each in failed:
        whose = f"{clean(each.name, LIMIT)} " if each.name and coded[1:] else ""
        yield f"{whose}exit {each.exit_code}"


def role_names(executions: Iterable[ExecutionAsOf]) -> Mapping[str, str]:
    """Return names from the executions' role words, by ARN; empty if some are equal.

    The name of `three-ways-sync-20261127T112640-c11fa3` is `sync`.
    """
    names = {}
    for each in executions:
        words = _WORD.findall(each.name)
        names[each.arn] = " ".join(w for w in words if w.lower() in ROLE_WORDS)
    return names if _tell_apart(list(names.values())) else {}


def short_names(executions: Iterable[ExecutionAsOf], room: int) -> Mapping[str, str]:
    """Return names of executions, by ARN, with at most `room` characters each.

    The names are role words, or else the parts that differ in the executions' names or
    in their state machines' names. Where these are not different in so few characters,
    the executions are numbered.
    """
    every = list(executions)
    arns = [each.arn for each in every]
    names = [clean(each.name) for each in every]
    machines = [clean(each.state_machine_name or "") for each in every]
    roles = list(role_names(every).values())
    tries = (roles, shorten_names(names), shorten_names(machines))
    for each in tries:
        short = [cut_middle(name, room) for name in each]
        if _tell_apart(short):
            return dict(zip(arns, short, strict=True))
    return {arn: f"no. {n}"[:room] for n, arn in enumerate(arns, 1)}


def execution_labels(arns: Iterable[str]) -> Mapping[str, str]:
    """Return labels of executions by ARN: the parts in which their names differ.

    A single execution has an empty label.
    """
    each = list(dict.fromkeys(arns))
    parsed = [maybe_execution_arn(arn) for arn in each]
    names = [p.name if p else arn for arn, p in zip(each, parsed, strict=True)]
    if len(set(names)) < len(each):
        names = [arn.rpartition("execution:")[2] for arn in each]
    short = shorten_names(names) if len(each) > 1 else [""] * len(each)
    return {arn: clean(name, LABEL) for arn, name in zip(each, short, strict=True)}


def _tell_apart(names: Sequence[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)


def cut_middle(name: str, room: int) -> str:
    """Cut a name in its middle if it is too long; a date in it is cut first.

    The beginning and the end of a name tell most about it.
    """
    if len(name) > room:
        name = _DATE.sub("…", name, count=1)
    if len(name) <= room:
        return name
    tail = (room - 1) // _TAIL
    head = name[: max(0, room - 1 - tail)]
    return f"{head}…{name[len(name) - tail :]}"[:room]


def poll_run_parts(coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Return the number of folded polls, the time between them, and their error."""
    calls = [member for member in fold.members if isinstance(member, ApiCall)]
    whole = coverage.is_settled(fold.last) if fold.last else True
    more = "polls" if len(calls) > 1 else "poll"
    said = [Part(f"{len(calls)}{'' if whole else '+'} more {more}")]
    apart = seconds_apart(coverage, calls)
    if apart is not None:
        often = f"{apart:.0f} s" if apart < 2 * _MINUTE else duration(round(apart))
        said.append(Part(f", about every {often}", Role.DIM))
    error = calls[0].error_code if calls else None
    if error:
        word = "all denied" if "denied" in error.lower() else clean(error, LIMIT)
        said.append(Part(f"  ✘ {word}", Role.BAD))
    return tuple(said)


_TOLD = 0.5
"""The least interval of polls in seconds that is shown.

CloudTrail's times have no fractions, so shorter intervals are not known.
"""


def seconds_apart(coverage: Coverage, polls: Sequence[ApiCall]) -> float | None:
    """Return the mean time between polls in seconds, or None if it is not known.

    Only polls up to the time that CloudTrail is complete for count, since others may
    still come in between later ones. None too for an interval that is too short for
    CloudTrail's whole seconds.
    """
    known = [call.event_time for call in coverage.settled(polls)]
    if len(known) <= 1:
        return None
    apart = (known[-1] - known[0]).total_seconds() / (len(known) - 1)
    return apart if apart >= _TOLD else None


def backoff_parts(visit: StateVisit, number: int) -> tuple[Part, ...]:
    """Return the length of the wait before a try, after the failed try before it."""
    wait = visit.backoff_before(number)
    if wait is None:
        return ()
    seconds = round((wait[1] - wait[0]).total_seconds())
    words = f"{seconds} s" if seconds < _MINUTE else duration(seconds)
    return (Part(f"⟳ backing off {words}", Role.WARN),)
