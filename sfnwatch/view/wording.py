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
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from urllib.parse import quote

from msgspec import Struct

from sfnwatch.analysis import wording
from sfnwatch.analysis.phases import Completion, ToldBy, length_of
from sfnwatch.analysis.wording import plural
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import last_segment, maybe_execution_arn, short_id
from sfnwatch.model.attempt_events import phase_of
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import BAD_STOPS, TaskStage, TaskState
from sfnwatch.model.execution import ExecutionAsOf, Redrive
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.history_event import TERMINAL, Details, HistoryEvent
from sfnwatch.model.linking.link import Certainty, Link, LinkRule
from sfnwatch.model.map_runs import ExecutionCounts, MapRun, map_run_name
from sfnwatch.model.moment import Moment
from sfnwatch.model.started_executions import Parent
from sfnwatch.model.values import clean, duration, int_of, seconds_between, text_of
from sfnwatch.model.visits import FAILED, ROOT, Attempt, StateVisit
from sfnwatch.view.outline import Fold, FoldKind

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
    """The same where it is likely, a guess or ambiguous."""
    FOLD = "fold"
    """What opens and closes a fold."""


class Part(Struct, frozen=True, gc=False):
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
    return "".join([part.text for part in parts]).rstrip()


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
LIMIT = 200
"""No name or message takes more of a line; the detail pane has the whole."""
cause_words, resource_words = wording.cause_words, wording.resource_words
LABEL = 80
"""No label is longer."""
ROLE_WORDS = frozenset({"sync", "async", "sdk", "denied"})
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"[-_]?(?<!\d)\d{8}(?:T?\d{6}Z?)?(?!\d)[-_]?")
_TAIL = 3
"""A name that is cut keeps one of so many characters at its end."""


def ordinal(number: int) -> str:
    """Write `1st`, `2nd`, `12th`."""
    is_teen = number % 100 in range(11, 14)
    suffix = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


@lru_cache(maxsize=256)
def spaced(name: str) -> str:
    """`SubmitFailed` → `submit failed`; a type of AWS's future may be any text."""
    words = _CAPITALS.sub(" ", name).lower().replace("map run", "Map Run")
    return clean(words, LIMIT)


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
    return f"{number}{clean(visit.name, LIMIT)}"


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
    """Say which try begins. The first is not numbered: it came before a second."""
    if number > 1:
        yield Part(f"  try {number}", Role.WARN)
        if visit.is_redriven(number):
            yield Part("  redriven", Role.DIM)


def other_parts(event: HistoryEvent, details: Details) -> Iterator[Part]:
    """Put any other event into words."""
    if event.type.startswith("MapIteration") and event.iteration is not None:
        word = spaced(event.type.removeprefix("MapIteration"))
        if event.iteration_end is not None:
            word = wording.status_words(event.iteration_end)
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
    """Give the error and the cause of an event."""
    error, cause = text_of(details.get("error")), text_of(details.get("cause"))
    if error:
        yield Part(f"  {clean(error, LIMIT)}", Role.BAD)
    if cause:
        yield Part(f"  {clean(cause_words(cause), LIMIT)}", Role.DIM)


# -- how Step Functions learned of a job's end -----------------------------------------


def completion_parts(told: Completion) -> tuple[Part, ...]:
    """Say how Step Functions learned of a job's end."""
    after = f"{told.lag:.1f} s after the {told.job} stopped"
    if told.by is ToldBy.EVENT:
        head = Part("event", Role.EVENT)
        more = f", {told.between}"
    elif told.by is ToldBy.POLL:
        head = Part("poll" if told.certain else "poll or event", Role.POLL)
        more = "" if told.certain else ", within the same second"
    else:
        # CloudTrail may yet tell of a poll in between.
        so_far = "" if told.possible_polls else " so far"
        return (Part(f"{after}, {told.between}{so_far}", Role.DIM),)
    return Part("◀━━ ", Role.DIM), head, Part(f"  {after}{more}")


# -- calls -----------------------------------------------------------------------------


class CallText(Struct, frozen=True):
    """What a call's line says, apart: where there is no room, some of it must go.

    All but the name begin with blanks.
    """

    name: tuple[Part, ...]
    subject: tuple[Part, ...] = ()
    """The job that it started, or how long after the action call it was."""
    error: tuple[Part, ...] = ()
    rule: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.name, *self.subject, *self.error, *self.rule)


def blank_before(text: str, role: Role) -> tuple[Part, ...]:
    """Make a part that follows another, or none of no text."""
    return (Part(f"  {text}", role),) if text else ()


def id_word(attempt: Attempt | None) -> str:
    """Say what people call the id of the job: `task ARN`, `job id`."""
    row = attempt.integration if attempt else None
    return row.id_word if row else "id"


def job_words(attempt: Attempt) -> str:
    """Name the job that an attempt started: `task 9f018ef6`."""
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
"""By what a call was matched, as far as the rule alone says."""
CERTAINTY_SIGNS = {
    Certainty.EXACT: "=",
    Certainty.STRONG: "≈",
    Certainty.LIKELY: "~",
    Certainty.GUESS: "?",
}
"""How sure a match is, in one cell; each has an ASCII sign of its own."""
_AMBIGUOUS_SIGN = "?"


def matched_by(link: Link, word: str = "id") -> str:
    """Say by what a call was matched, in words alone; `word` names the job's id."""
    match link.rule:
        case LinkRule.RESOURCE_ID:
            return word
        case LinkRule.AMBIGUOUS:
            several = link.candidate_count > 1
            return f"one of {link.candidate_count}" if several else "not certain"
    return RULE_WORDS[link.rule]


def rule_words(link: Link, word: str = "id") -> str:
    """Say how sure a match is, by a sign, and by what the call was matched."""
    words = matched_by(link, word)
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{_AMBIGUOUS_SIGN} {words}"
    if link.certainty is None:
        return words
    return f"{CERTAINTY_SIGNS[link.certainty]} {words}"


def doubt_words(link: Link) -> str:
    """Name the doubt about a match: `likely`, `a guess`; empty where it is sure."""
    if link.key is None or link.is_sure:
        return ""
    return "likely" if link.certainty is Certainty.LIKELY else "a guess"


def rule_role(link: Link) -> Role:
    """Say what the words of a match are: sure, in doubt or neither."""
    if link.is_sure:
        return Role.EXACT
    return Role.DIM if link.rule is LinkRule.ROLE_ONLY else Role.GUESS


# -- ECS tasks -------------------------------------------------------------------------

_STAGES = {
    TaskStage.RUNNING: Part("●", Role.BUSY),
    TaskStage.STOPPING: Part("◌", Role.DIM),
}
_NORMAL = "EssentialContainerExited"
"""How a task ends that has done its work, well or not: its exit codes tell."""


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
    return clean(last_segment(state.task_arn)[:8], LIMIT)


def task_text(state: TaskState) -> TaskText:
    """Put a task's state into words; all but the status begin with blanks."""
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
    """True for a task that stopped, and not as one does that has done its work."""
    codes = [c.exit_code for c in state.containers if c.exit_code is not None]
    return state.stopped and (any(codes) or state.stop_code in BAD_STOPS)


def _task_glyph(state: TaskState) -> Part:
    if not state.stopped:
        return _STAGES.get(state.stage, Part("○", Role.DIM))
    if went_wrong(state):
        return Part("✘", Role.BAD)
    codes = [container.exit_code for container in state.containers]
    normal = state.stop_code in {_NORMAL, None} and bool(codes) and None not in codes
    # Without an exit code nobody knows how it went.
    return Part("✔", Role.GOOD) if normal else Part("■", Role.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Say the exit codes: of several containers whose each is."""
    coded = [each for each in state.containers if each.exit_code is not None]
    failed = [each for each in coded if each.exit_code]
    if coded and not failed:
        yield "exit 0"
    for each in failed:
        whose = f"{clean(each.name, LIMIT)} " if each.name and coded[1:] else ""
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


# -- what runs inside a state ----------------------------------------------------------

# A child execution, or a Map Run with its executions, has a place in the tree of
# visits, as a Parallel's branch has, and most begin folded: what was asked for is the
# execution that started them. What a fold says is enough to know whether to open it.
_CELLS = 10
"""The cells of a Map Run's bar."""
_ENDS = frozenset({"MapRunSucceeded", "MapRunFailed", "MapRunAborted"})
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_NAMES = 2
"""A branch of so few states is told by their names."""
_MINUTE = 60
_INSIDE = (("branch", "branches"), ("iteration", "iterations"))
"""What a Parallel has, and a Map."""
_End = tuple[str, datetime]
"""AWS's word for how a Map Run ended, and when."""


class Child(Struct, frozen=True):
    """A child execution, or a Map Run, as it stands above what is in it."""

    title: str
    """As it came from AWS: `archive › 7f3a`, `Map Run Each 276e5993`."""
    status: str
    """AWS's word."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False for one that was started and not waited for."""
    map_run: MapRun | None = None
    """What was told of the Map Run; None for executions, and where nothing was."""
    histories: int = 0
    """How many of a Map Run's executions have their histories here."""


def child_execution(moment: Moment, arn: str) -> Child | None:
    """Give a child execution as it stands; None for one that nothing started."""
    execution, parent = moment.executions.get(arn), moment.lineage.parents.get(arn)
    if execution is None or parent is None:
        return None
    listed, status = moment.listed.get(arn), execution.status
    if listed is not None and status == UNKNOWN:
        status = listed.listed.status
    # Of a Map Run's it is the parent's, with a label that the run has too.
    machine = None if parent.map_run_arn else execution.state_machine_name
    title = f"{f'{machine} › ' if machine else ''}{short_id(execution.name)}"
    times = execution.started_at, execution.stopped_at
    return Child(title, status, *times, parent.waits)


def child_map_run(moment: Moment, arn: str) -> Child | None:
    """Give a Map Run as it stands; None for one that no history here started."""
    parents, parent = moment.lineage.parents, moment.lineage.map_runs.get(arn)
    around = moment.executions.get(parent.execution_arn) if parent else None
    if parent is None or around is None:
        return None
    told = moment.map_runs.get(arn)
    begun_at, end = _course_of(around, parent, arn)
    status, stopped_at = end or ("RUNNING", None)
    if told is not None and _is_better(told, begun_at, end):
        status, stopped_at = told.status, told.stopped_at or stopped_at
    title = f"Map Run {map_run_name(arn)}"
    started_at = told.started_at if told else None
    read = sum(parents[each].map_run_arn == arn for each in moment.children)
    return Child(title, status, started_at, stopped_at, True, told, read)


def _course_of(
    around: ExecutionAsOf, parent: Parent, arn: str
) -> tuple[datetime | None, _End | None]:
    """Say when a Map Run began, the last time, and how it ended, as its parent tells.

    A Map state that is tried again has a run for each try, one after the other. A
    redrive goes on with the same.
    """
    begun_at: datetime | None = None
    end: _End | None = None
    turns = (t for t in around.map_run_turns if t.event.visit_id == parent.visit_id)
    current = ""
    for event, run in turns:
        if event.type in _STARTS:
            current = run or current
            if current == arn:
                begun_at, end = event.at, None
        elif current == arn and event.type in _ENDS:
            end = event.type.removeprefix("MapRun").upper(), event.at
    return begun_at, end


def _is_better(told: MapRun, begun_at: datetime | None, end: _End | None) -> bool:
    """True where what was told of a Map Run is newer than its parent's history.

    The end that was told may be the one before a redrive.
    """
    if told.stopped_at and begun_at and told.stopped_at < begun_at:
        return False
    return end is None or not told.running


def child_parts(child: Child) -> Iterator[Part]:
    """Name what runs inside a state and say how it stands."""
    yield Part(clean(child.title, LIMIT), Role.NAME)
    yield from (Part("  "), status_part(child.status))
    if child.started_at is not None and child.stopped_at is not None:
        took = seconds_between(child.started_at, child.stopped_at)
        yield Part(f" {duration(max(0.0, took))}", Role.DIM)
    if not child.waits:
        yield Part("  not waited for", Role.DIM)


def map_run_parts(child: Child, cells: int = _CELLS) -> Iterator[Part]:
    """Say how far a Map Run is, failures first; where it was never told, say that.

    `cells` are those of its bar.
    """
    if child.map_run is None:
        yield Part("its executions are not in these records", Role.DIM)
        return
    counts = child.map_run.executions
    if counts.unsuccessful:
        yield Part(f"✘ {counts.unsuccessful:,} failed  ", Role.BAD)
    yield Part(f"{counts.done:,} of {counts.total:,} ")
    yield from bar_parts(counts, cells)
    if counts.running:
        yield Part(f"  ● {counts.running:,} running", Role.BUSY)
    if counts.pending:
        yield Part(f"  {counts.pending:,} pending", Role.DIM)
    unread = counts.total - child.histories
    if child.histories > 0 and unread > 0:
        yield Part(f"  {child.histories:,} read, {unread:,} not read", Role.DIM)


def bar_parts(counts: ExecutionCounts, cells: int = _CELLS) -> Iterator[Part]:
    """Draw what is done, what failed and what runs, each seen if there is any."""
    total = max(counts.total, counts.done + counts.running + counts.pending)
    if not total:
        return
    shares = (counts.unsuccessful, counts.succeeded, counts.running)
    widths = [-(-share * cells // total) if share else 0 for share in shares]
    while sum(widths) > cells:
        # What was rounded up to be seen takes its cell from the longest.
        widths[widths.index(max(widths))] -= 1
    glyphs = (Part("▓", Role.BAD), Part("█", Role.GOOD), Part("▒", Role.BUSY))
    for width, glyph in zip(widths, glyphs, strict=True):
        if width:
            yield Part(glyph.text * width, glyph.role)
    if sum(widths) < cells:
        yield Part("░" * (cells - sum(widths)), Role.DIM)


def count_words(counts: ExecutionCounts) -> str:
    """Say in words how far a Map Run is: `12 of 40 done, 1 failed, 8 running`."""
    statuses = ("failed", "timed_out", "aborted", "running", "pending")
    told = ((getattr(counts, each), wording.status_words(each)) for each in statuses)
    parts = [f"{number:,} {words}" for number, words in told if number]
    return ", ".join([f"{counts.done:,} of {counts.total:,} executions done", *parts])


# -- folds ---------------------------------------------------------------------------


def fold_parts(
    moment: Moment, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Say what is folded, how it stands and what is in it."""
    if fold.kind is FoldKind.MAP_RUN:
        run = child_map_run(moment, fold.child_arn)
        return (*child_parts(run), Part("  "), *map_run_parts(run)) if run else ()
    inside = _Inside(moment, fold)
    if fold.kind is FoldKind.CHILD:
        child = child_execution(moment, fold.child_arn)
        head, contents = child_parts(child) if child else (), inside.states
    elif visit is not None:
        head, contents = inside.head(visit), inside.contents(visit)
    else:
        return ()
    return *head, Part(f"  {contents}", Role.DIM), *inside.tally()


class _Inside:
    """What is behind the fold of a child execution, or of a branch or iteration."""

    def __init__(self, moment: Moment, fold: Fold) -> None:
        self._moment, self._fold = moment, fold
        own = moment.executions.get(fold.execution_arn)
        events = [each for each in fold.members if isinstance(each, HistoryEvent)]
        self._events = [e for e in events if own is not None and own.event(e.id)]
        ids = dict.fromkeys((e.execution_arn, e.visit_id) for e in events if e.visit_id)
        # But for the one that it is, or is a branch of.
        ids.pop((fold.execution_arn, fold.visit_id), None)
        found = [(arn, moment.visit_of((arn, each))) for arn, each in ids]
        self._visits = [visit for _, visit in found if visit is not None]
        self._tries = [(a, t) for a, visit in found if visit for t in visit.attempts]
        """Each with the ARN of its execution."""
        self._direct = [v for v in self._visits if v.parent == fold.visit_id]

    @property
    def states(self) -> str:
        return counted(len(self._visits), "state")

    def head(self, visit: StateVisit) -> Iterator[Part]:
        """Name a branch by its path, `Each[1] / Inner[0]`, and say how it stands."""
        path, index = visit.path.removeprefix(f"{ROOT} / "), self._fold.index
        number = "" if index is None else f"[{index}]"
        yield Part(clean(f"{path}{number}", LIMIT), Role.NAME)
        status, seconds = visit.status, None
        if index is not None:
            status, seconds = self._outcome()
        elif visit.ended_at is not None:
            seconds = length_of(visit, visit.ended_at)
        yield from (Part("  "), status_part(status))
        if seconds is not None:
            yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)

    def _outcome(self) -> tuple[str, float | None]:
        """Say how a branch stands, and how long it took."""
        events = self._events
        told = (e for e in reversed(events) if e.type.startswith("MapIteration"))
        last = next(told, None)
        status = last.iteration_end if last else None
        if status is None:
            # Or anew, if the Map is retried: its states tell then.
            states = [each.status for each in self._direct]
            status = "running" if "running" in states or not states else states[-1]
        if not events or status == "running":
            return status, None
        # Its last event may have no line of its own, and then it is not in the fold.
        ends = [events[-1].at, *(v.ended_at for v in self._direct if v.ended_at)]
        return status, seconds_between(events[0].at, max(ends))

    def contents(self, visit: StateVisit) -> str:
        """Say what is in a fold: of a short branch the states, by their names."""
        if self._fold.index is not None:
            names = clean(", ".join(each.name for each in self._direct), LIMIT)
            return names if 0 < len(self._direct) <= _NAMES else self.states
        branches = {each.index for each in self._direct} - {None}
        words = counted(len(branches), *_INSIDE[visit.type == "Map"])
        return f"{words}, {self.states}"

    def tally(self) -> Iterator[Part]:
        """Count what is notable behind a fold."""
        moment = self._moment
        if failed := sum(attempt.status in FAILED for _, attempt in self._tries):
            yield Part(f"  ✘ {counted(failed, 'failed try', 'failed tries')}", Role.BAD)
        numbered = ((v, n) for v in self._visits for n in range(2, len(v.attempts) + 1))
        if retries := sum(not visit.is_redriven(number) for visit, number in numbered):
            yield Part(f"  ⟳ {counted(retries, 'retry', 'retries')}", Role.WARN)
        # Some stand on the lines of the states that made them.
        keys = ((arn, attempt.scheduled_id) for arn, attempt in self._tries)
        made = chain(self._fold.members, *map(moment.calls_of, keys))
        every = {each.event_id: each for each in made if isinstance(each, ApiCall)}
        if calls := list(filter(moment.shows_call, every.values())):
            yield Part(f"  {counted(len(calls), 'call')}", Role.DIM)
        if denied := sum(call.error_code is not None for call in calls):
            yield Part(f"  ✘ {denied:,} denied or failed", Role.BAD)


# -- polls and waits -----------------------------------------------------------------


def poll_run_parts(coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Say how many polls are folded, how far apart they are and what became of them."""
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
"""Seconds, rounded: CloudTrail's times have no fractions."""


def seconds_apart(coverage: Coverage, polls: Sequence[ApiCall]) -> float | None:
    """Say how far apart polls are, as far as CloudTrail was read.

    Beyond that, others may still come in between. None as well where that is less than
    CloudTrail's times can tell.
    """
    known = [call.event_time for call in coverage.settled(polls)]
    if len(known) <= 1:
        return None
    apart = (known[-1] - known[0]).total_seconds() / (len(known) - 1)
    return apart if apart >= _TOLD else None


def backoff_parts(visit: StateVisit, number: int) -> tuple[Part, ...]:
    """Say how long a failed try was followed by nothing."""
    wait = visit.backoff_before(number)
    if wait is None:
        return ()
    seconds = round((wait[1] - wait[0]).total_seconds())
    words = f"{seconds} s" if seconds < _MINUTE else duration(seconds)
    return (Part(f"⟳ backing off {words}", Role.WARN),)


# -- pages of the AWS console ----------------------------------------------------------

_DOMAINS = {
    "cn-": "console.amazonaws.cn",
    "us-gov-": "console.amazonaws-us-gov.com",
    "": "console.aws.amazon.com",
}
"""By what a Region begins with."""
_REGION = re.compile(r"[a-z]{2}(?!-iso)(-[a-z]{2,12}){1,2}-\d{1,2}")
"""A Region's name, but not of the isolated ones, whose addresses are not known."""
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def execution_url(execution_arn: str) -> str | None:
    """Give the page of an execution; None for what has none.

    The history of an Express execution is not kept, and its page has another address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.is_express:
        return None
    home = _home(parsed.region, "states")
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def call_url(call: ApiCall) -> str | None:
    """Give the page of a call in CloudTrail's Event history.

    The form of the address is inferred: no page of AWS's documentation has it.
    """
    if not _EVENT_ID.fullmatch(call.event_id):
        # A row of an Athena table may have no event id, only one made up for it.
        return None
    home = _home(call.region or "", "cloudtrailv2")
    return home and f"{home}#/events/{call.event_id}"


def _home(region: str, service: str) -> str | None:
    if not _REGION.fullmatch(region):
        return None
    domain = next(d for begin, d in _DOMAINS.items() if region.startswith(begin))
    return f"https://{region}.{domain}/{service}/home?region={region}"
