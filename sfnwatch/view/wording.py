"""Lines in words: the same ones on the screen, in plain lines and in exports.

This is the boundary: every string that came from AWS is cleaned here. A text is in
parts that say what they are, never how they look: status is a glyph and a word, and
only then a color, which each writer decides, the screen by its theme.

Of the AWS console there are addresses here, and never requests. That it takes an
execution's ARN behind `#/v2/executions/details/` is known from the addresses people
paste, and inferred for the partitions other than `aws`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct

from sfnwatch.analysis import wording
from sfnwatch.analysis.phases import Completion, ToldBy
from sfnwatch.analysis.wording import plural
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import last_segment, maybe_execution_arn, short_id
from sfnwatch.model.ecs_task import TaskStage, TaskState
from sfnwatch.model.execution import ExecutionAsOf, Redrive
from sfnwatch.model.history import TERMINAL, Details, HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import Link, LinkRule
from sfnwatch.model.values import clean, duration, int_of, text_of
from sfnwatch.model.visits import Attempt, StateVisit

# -- parts of a text -------------------------------------------------------------------


class Role(StrEnum):
    """What a part of a text is."""

    PLAIN = "plain"
    NAME = "name"
    """Of a state, an execution: what a line is about."""
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    """Trouble that did not fail."""
    BUSY = "busy"
    CALL = "call"
    """An API call that does something, or what a state runs."""
    POLL = "poll"
    EVENT = "event"
    """What told Step Functions that a job had stopped."""
    EXACT = "exact"
    """By what a call is matched, where that is sure."""
    GUESS = "guess"
    FOLD = "fold"
    """What opens and closes a fold."""


class Part(NamedTuple):
    """Some cleaned text, and what it is."""

    text: str
    role: Role = Role.PLAIN


STATUS_GLYPHS = {
    "running": Part("●", Role.BUSY),
    "succeeded": Part("✔", Role.GOOD),
    "failed": Part("✘", Role.BAD),
    "timed_out": Part("◷", Role.BAD),
    "aborted": Part("■", Role.WARN),
    "caught": Part("↷", Role.WARN),
    "pending_redrive": Part("●", Role.BUSY),
    "unknown": Part("○", Role.DIM),
}
"""A status in AWS's words, in lower case, to its glyph."""


def plain_text(parts: Iterable[Part]) -> str:
    """Join parts to one line."""
    return "".join(part.text for part in parts).rstrip()


def status_glyph(status: str) -> Part:
    """Give the glyph of a status, in AWS's words of either case."""
    return STATUS_GLYPHS.get(status.lower(), STATUS_GLYPHS["unknown"])


def status_part(status: str) -> Part:
    """Say a status in words, behind its glyph: `✔ succeeded`."""
    glyph = status_glyph(status)
    return Part(f"{glyph.text} {wording.status_words(status)}", glyph.role)


counted = plural


# -- wording ---------------------------------------------------------------------------

_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LIMIT = 200
"""No name or message takes more of a line; the detail pane has the whole."""
cause_words, resource_words = wording.cause_words, wording.resource_words
_FAMILIES = ("Task", "LambdaFunction", "Activity")
_TEENS = range(11, 14)
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
LABEL = 80
"""No label is longer."""
ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL = 3
"""A name that is cut keeps one of so many characters at its end."""


def ordinal(number: int) -> str:
    """Write `1st`, `2nd`, `12th`."""
    teen = number % 100 in _TEENS
    suffix = "th" if teen else _SUFFIXES.get(number % 10, "th")
    return f"{number}{suffix}"


def spaced(name: str) -> str:
    """`SubmitFailed` → `submit failed`; a type of AWS's future may be any text."""
    words = _CAPITALS.sub(" ", name).lower().replace("map run", "Map Run")
    return clean(words, _LIMIT)


# -- states ---------------------------------------------------------------------------


def execution_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Say how an execution begins or ends, and why."""
    ending = event.type.removeprefix("Execution")
    glyph = Part("◆", Role.NAME)
    if event.type in TERMINAL:
        glyph = status_glyph(TERMINAL[event.type])
    yield Part(f"{glyph.text} Execution {spaced(ending)}", glyph.role)
    yield from error_parts(details)


def redrive_parts(redrive: Redrive) -> Iterator[Part]:
    """Say which time, and how long after the end: `12m 04s after it failed`."""
    yield Part(f"⟲ Redriven ({ordinal(redrive.number)} time)", Role.NAME)
    if redrive.seconds is not None and redrive.ended is not None:
        spent = duration(max(0.0, redrive.seconds))
        ended = wording.ended_words(TERMINAL[redrive.ended.type])
        yield Part(f", {spent} after it {ended}")


def state_name(visit: StateVisit) -> str:
    """Name a state, with its branch or iteration: `[1] Build index`."""
    number = "" if visit.index is None else f"[{visit.index}] "
    return f"{number}{clean(visit.name, _LIMIT)}"


def entered_parts(visit: StateVisit) -> Iterator[Part]:
    """Name a state that is entered, and what it runs."""
    yield Part(state_name(visit), Role.NAME)
    if visit.attempts:
        # That it is a Task goes without saying then.
        yield Part(f"  {resource_words(visit.attempts[0])}", Role.CALL)
    else:
        yield Part(f"  {clean(visit.type)}", Role.DIM)


def items_part(details: Details) -> Iterator[Part]:
    """Say how many items a Map has, where its start tells."""
    length = int_of(details.get("length"))
    if length is not None:
        yield Part(f"  {length:,} item{'' if length == 1 else 's'}", Role.DIM)


def phase_parts(events: Sequence[HistoryEvent]) -> Iterator[Part]:
    """Name the phases of an attempt that make one line."""
    words = " · ".join(_phase_word(event.type) for event in events)
    status = _phase_word(events[-1].type).replace(" ", "_")
    glyph = f"{status_glyph(status).text} " if status in STATUS_GLYPHS else ""
    yield Part(f"{glyph}{words}", _phase_role(events[-1].type))


def _phase_word(event_type: str) -> str:
    for family in _FAMILIES:
        event_type = event_type.removeprefix(family)
    return spaced(event_type)


def _phase_role(event_type: str) -> Role:
    if event_type.endswith("Succeeded"):
        return Role.GOOD
    bad = event_type.endswith(("Failed", "TimedOut"))
    return Role.BAD if bad else Role.PLAIN


def try_parts(visit: StateVisit, number: int) -> Iterator[Part]:
    """Say which try begins. The first is not numbered: it came before a second."""
    if number > 1:
        yield Part(f"  try {number}", Role.WARN)
        if visit.is_redriven(number):
            yield Part("  redriven", Role.DIM)


def other_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Put any other event into words."""
    if event.type.startswith("MapIteration") and event.iteration is not None:
        word = spaced(event.type.removeprefix("MapIteration"))
        yield Part(f"[{event.iteration}] {word}", _phase_role(event.type))
        return
    yield Part(spaced(event.type), _phase_role(event.type))
    if event.type == "MapStateStarted":
        yield from items_part(details)
    redrives = int_of(details.get("redriveCount"))
    if event.type == "MapRunRedriven" and redrives:
        yield Part(f"  ({ordinal(redrives)} time)", Role.DIM)
    run = text_of(details.get("mapRunArn"))
    if run:
        yield Part(f"  {clean(last_segment(run), _LIMIT)}", Role.DIM)
    yield from error_parts(details)


def error_parts(details: Details) -> Iterator[Part]:
    """Give the error and the cause of an event."""
    error, cause = text_of(details.get("error")), text_of(details.get("cause"))
    if error:
        yield Part(f"  {clean(error, _LIMIT)}", Role.BAD)
    if cause:
        yield Part(f"  {clean(cause_words(cause), _LIMIT)}", Role.DIM)


# -- how Step Functions learned of a job's end -----------------------------------------


def completion_parts(told: Completion) -> tuple[tuple[Part, ...], ...]:
    """Say how Step Functions learned of a job's end: in full, then in fewer words."""
    lag = f"{told.lag:.1f} s"
    after = f"{lag} after the {told.job} stopped"
    if told.by is ToldBy.EVENT:
        head = Part("event", Role.EVENT)
        more = f", {told.between}"
    elif told.by is ToldBy.POLL:
        head = Part("poll" if told.certain else "poll or event", Role.POLL)
        more = "" if told.certain else ", within the same second"
    else:
        # CloudTrail may yet tell of a poll in between.
        so_far = "" if told.possible_polls else " so far"
        words = (f"{after}, {told.between}{so_far}", after, lag)
        return tuple((Part(each, Role.DIM),) for each in words)
    tails = (f"  {after}{more}", f"  {after}", f" {lag}")
    return tuple((Part("◀━━ ", Role.DIM), head, Part(each)) for each in tails)


# -- calls -----------------------------------------------------------------------------


class CallText(Struct, frozen=True):
    """What a call's line says, apart: where there is no room, some of it must go."""

    name: tuple[Part, ...]
    subject: tuple[Part, ...] = ()
    """The job that it started, or how long after the action call it was."""
    error: tuple[Part, ...] = ()
    rule: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.name, *self.subject, *self.error, *self.rule)


def call_text(
    call: ApiCall,
    link: Link | None,
    *,
    number: int | None = None,
    subject: str = "",
    id_word: str = "id",
) -> CallText:
    """Put a call into words; `number` is which poll it is, `subject` what it is about.

    All but the name begin with blanks.
    """
    faint = link is None or link.rule is LinkRule.ROLE_ONLY
    failed = call.error_code is not None
    polls = link is not None and link.role is CallRole.POLL
    role = Role.DIM if faint else Role.POLL if polls else Role.CALL
    name = clean(call.event_name, _LIMIT) + (f" #{number}" if number else "")
    error = f"✘ {clean(call.error_code or '', _LIMIT)}" if failed else ""
    rule = rule_words(link, id_word) if link else ""
    return CallText(
        name=(Part(name, role),),
        subject=_after(subject, Role.DIM if faint else Role.PLAIN),
        error=_after(error, Role.BAD),
        rule=_after(rule, rule_role(link) if link else Role.DIM),
    )


def _after(text: str, role: Role) -> tuple[Part, ...]:
    return (Part(f"  {text}", role),) if text else ()


def id_word(attempt: Attempt | None) -> str:
    """Say what people call the id of the job: `task ARN`, `job id`."""
    row = attempt.integration if attempt else None
    return row.id_word if row else "id"


def job_words(attempt: Attempt) -> str:
    """Name the job that an attempt started: `task 9f018ef6`."""
    job = next(iter(attempt.resource_ids), "")
    thing = id_word(attempt).rpartition(" ")[0] or "id"
    return clean(f"{thing} {short_id(job)}", _LIMIT)


_RULES = {
    LinkRule.REQUEST_ID: "= request ID",
    LinkRule.SESSION: "= session",
    LinkRule.PARAMETERS: "≈ same parameters",
    LinkRule.ORDER: "≈ in order",
    LinkRule.UNIQUE_CANDIDATE: "~ role, action, time",
}


def rule_words(link: Link, word: str = "id") -> str:
    """Say by what a call was matched; a guess looks like one."""
    match link.rule:
        case LinkRule.RESOURCE_ID:
            return f"= {word}"
        case LinkRule.AMBIGUOUS:
            several = link.candidate_count > 1
            return f"? one of {link.candidate_count}" if several else "? not certain"
    return _RULES.get(link.rule, "same role, no matching task")


def rule_role(link: Link) -> Role:
    """Say what the words of a rule are: sure, a guess or neither."""
    if link.rule.sure:
        return Role.EXACT
    return Role.DIM if link.rule is LinkRule.ROLE_ONLY else Role.GUESS


# -- ECS tasks -------------------------------------------------------------------------

_STAGES = {
    TaskStage.STARTING: Part("○", Role.DIM),
    TaskStage.RUNNING: Part("●", Role.BUSY),
    TaskStage.STOPPING: Part("◌", Role.DIM),
    TaskStage.OTHER: Part("○", Role.DIM),
}
_NORMAL = "EssentialContainerExited"
"""How a task ends that has done its work, well or not: its exit codes tell."""
_BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})


class TaskText(Struct, frozen=True):
    """What a task state's line says, apart: where there is no room, some must go."""

    status: Part
    """The glyph and ECS's word."""
    ending: tuple[Part, ...] = ()
    """How it stopped; of one that runs, that it is to."""
    brief: tuple[Part, ...] = ()
    """The same in fewer words: without a code that exit codes say more than."""
    reason: tuple[Part, ...] = ()
    """Why, in a sentence of ECS's, where the code alone does not say."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.status, *self.ending, *self.reason)


def task_id(state: TaskState) -> str:
    """Shorten a task's id to what tells it apart."""
    return clean(last_segment(state.task_arn)[:8], _LIMIT)


def task_text(state: TaskState) -> TaskText:
    """Put a task's state into words; all but the status begin with blanks."""
    glyph = _task_glyph(state)
    status = Part(f"{glyph.text} {clean(state.last_status, _LIMIT)}", glyph.role)
    if not state.stopped:
        early = state.stage in {TaskStage.STARTING, TaskStage.RUNNING}
        to_stop = early and state.desired_status == "STOPPED"
        soon = _after("to be stopped" if to_stop else "", Role.WARN)
        return TaskText(status, soon, soon)
    exits = list(_exits(state))
    codes = [clean(state.stop_code, _LIMIT)] if state.stop_code else []
    normal = state.stop_code == _NORMAL
    reason = "" if normal else clean(state.stopped_reason or "", _LIMIT)
    return TaskText(
        status,
        ending=_after(", ".join((*codes, *exits)), glyph.role),
        brief=_after(", ".join(exits if normal and exits else codes), glyph.role),
        reason=_after(reason, Role.DIM),
    )


def went_wrong(state: TaskState) -> bool:
    """True for a task that stopped, and not as one does that has done its work."""
    codes = [c.exit_code for c in state.containers if c.exit_code is not None]
    return state.stopped and (any(codes) or state.stop_code in _BAD_STOPS)


def _task_glyph(state: TaskState) -> Part:
    if not state.stopped:
        return _STAGES.get(state.stage, Part("■"))
    if went_wrong(state):
        return Part("✘", Role.BAD)
    codes = [container.exit_code for container in state.containers]
    normal = state.stop_code in {_NORMAL, None} and bool(codes) and None not in codes
    # Without an exit code nobody knows how it went.
    return Part("✔", Role.GOOD) if normal else Part("■", Role.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Say the exit codes: of several containers whose each is."""
    coded = [each for each in state.containers if each.exit_code is not None]
    if coded and not any(each.exit_code for each in coded):
        yield "exit 0"
        return
    for each in coded:
        if each.exit_code:
            whose = f"{clean(each.name, _LIMIT)} " if each.name and coded[1:] else ""
            yield f"{whose}exit {each.exit_code}"


# -- names of several executions -------------------------------------------------------


def role_names(executions: Iterable[ExecutionAsOf]) -> Mapping[str, str]:
    """Name executions by their role words, by ARN; empty if those don't tell all apart.

    `three-ways-sync-20261127T112640-c11fa3` is `sync`.
    """
    names = {}
    for each in executions:
        words = _WORD.findall(each.name)
        names[each.arn] = " ".join(w for w in words if w.lower() in ROLE_WORDS)
    return names if _tell_apart(list(names.values())) else {}


def short_names(executions: Iterable[ExecutionAsOf], room: int) -> Mapping[str, str]:
    """Name executions, by ARN, in at most `room` characters each.

    By role words, or else by what differs in their names, or in those of their state
    machines; where nothing short tells them apart, they are numbered.
    """
    every = list(executions)
    arns = [each.arn for each in every]
    names = [clean(each.name) for each in every]
    if len(every) == 1:
        return {arns[0]: cut_middle(names[0], room)}
    machines = [clean(each.state_machine_name or "") for each in every]
    roles = list(role_names(every).values())
    tries = (roles, wording.short_names(names), wording.short_names(machines))
    for each in tries:
        short = [cut_middle(name, room) for name in each]
        if _tell_apart(short):
            return dict(zip(arns, short, strict=True))
    return {arn: f"no. {n}"[:room] for n, arn in enumerate(arns, 1)}


def execution_labels(arns: Iterable[str]) -> Mapping[str, str]:
    """Tell executions apart by what their names do not have in common, however long.

    A single one needs no label: it is empty.
    """
    each = list(dict.fromkeys(arns))
    parsed = [maybe_execution_arn(arn) for arn in each]
    names = [p.name if p else arn for arn, p in zip(each, parsed, strict=True)]
    if len(set(names)) < len(each):
        names = [arn.rpartition("execution:")[2] for arn in each]
    short = wording.short_names(names) if len(each) > 1 else [""] * len(each)
    return {arn: clean(name, LABEL) for arn, name in zip(each, short, strict=True)}


def _tell_apart(names: Sequence[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)


def cut_middle(name: str, room: int) -> str:
    """Cut what is too long in its middle: names begin and end with what tells most."""
    if len(name) > room:
        name = _DATE.sub("…", name, count=1)
    if len(name) <= room:
        return name
    tail = (room - 1) // _TAIL
    head = name[: max(0, room - 1 - tail)]
    return f"{head}…{name[len(name) - tail :]}"[:room]


# -- pages of the AWS console ----------------------------------------------------------

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Of other partitions no address is known."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,2}-\d{1,2}")
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def execution_url(execution_arn: str) -> str | None:
    """Give the page of an execution; None for what has none.

    The history of an Express execution is not kept, and its page has another address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.is_express:
        return None
    home = _home(parsed.region, "states", parsed.partition)
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def call_url(call: ApiCall) -> str | None:
    """Give the page of a call in CloudTrail's Event history.

    The form of the address is inferred: no page of AWS's documentation has it.
    """
    region = call.region or ""
    if not _EVENT_ID.fullmatch(call.event_id):
        # A row of an Athena table may have no event id, only one made up for it.
        return None
    home = _home(region, "cloudtrailv2", _partition(region))
    return home and f"{home}#/events/{call.event_id}"


def _home(region: str, service: str, partition: str) -> str | None:
    domain = _DOMAINS.get(partition)
    if domain is None or not _REGION.fullmatch(region):
        return None
    return f"https://{region}.{domain}/{service}/home?region={region}"


def _partition(region: str) -> str:
    """Tell a Region's partition by its name, which is all that a call says."""
    place, _, rest = region.partition("-")
    if place == "cn":
        return "aws-cn"
    if rest.startswith("iso"):
        return "aws-iso"
    return "aws-us-gov" if rest.startswith("gov-") else "aws"
