"""One sentence about a line, as a speaker would say it to an audience.

A caption uses only what the trace holds, and marks a link that is likely or a guess.
It has names in full, so that the mask finds them: the caption is masked first, and cut
to length where it is shown.
"""

import re
from textwrap import shorten

from sfnwatch.analysis import phases
from sfnwatch.analysis.attempt_calls import AttemptCalls
from sfnwatch.analysis.denials import is_denied
from sfnwatch.analysis.integration_words import integration_text, resource_words
from sfnwatch.analysis.names import named, visit_path
from sfnwatch.analysis.quantities import spoken
from sfnwatch.analysis.reasons import ambiguity, error_words
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.linking.link import AttemptKey, Certainty, Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view import wording
from sfnwatch.view.line import Line
from sfnwatch.view.next_states import next_state, state_after
from sfnwatch.view.outline_items import Backoff
from sfnwatch.view.parts import plain_text

_WHY = 240
"""The most characters of an error and its cause."""
_FAMILY = re.compile(r"^(?:Task|LambdaFunction|Activity)(?=[A-Z])")
_GLYPHS = re.compile(r"[◆⟲✔✘◷■↷●○⟳▓█▒░] ?")
_HIDDEN = "; CloudTrail Event history does not include that call"
_DONE = {
    Pattern.SYNC: "its job finished",
    Pattern.TASK_TOKEN: "its task token came back",
    Pattern.LAMBDA: "the function returned",
    Pattern.ACTIVITY: "the worker reported success",
}
_DOUBTS = {Certainty.LIKELY: ": likely", Certainty.GUESS: " only: a guess"}
_STATES = {
    "Choice": "chooses the next state",
    "Parallel": "starts its branches",
    "Map": "runs its states once per item",
    "Wait": "waits",
    "Pass": "passes its input on; no call is made",
    "Succeed": "ends {around} successfully",
    "Fail": "fails {around}",
}
_AROUND = {"Map": "its iteration", "Parallel": "its branch"}


def caption(line: Line, snapshot: Snapshot) -> str:
    """Return the sentence; with several executions it begins with the line's own."""
    said = _Scene(line).sentence()
    root = snapshot.roots.get(line.root_arn or "")
    if root is None or len(snapshot.roots) == 1:
        return f"{said}."
    whole = f"{named(root.state_machine_name)} › {named(root.name)}"
    return (
        f"{wording.role_names(snapshot.roots.values()).get(root.arn, whole)}: {said}."
    )


class _Scene:
    """A line, with the state and the attempt that it is about."""

    def __init__(self, line: Line) -> None:
        about = self.about = line.about
        self.line = line
        self.snapshot = about.snapshot
        self.execution = about.execution
        self.link = about.link
        self.visit = about.visit
        self.attempt = about.attempt
        self.integration = about.attempt.integration if about.attempt else None
        self.name = visit_path(about.visit) if about.visit else "a state"

    def sentence(self) -> str:
        item = self.line.item
        if isinstance(item, HistoryEvent):
            attached = f"; its call is {self.matched(self.link)}" if self.link else ""
            return f"{self.event(item)}{attached}"
        if isinstance(item, ApiCall):
            return self.call(item)
        if isinstance(item, TaskState):
            return self.task(item)
        if isinstance(item, Backoff):
            return f"{self.name} waits {self.backoff(item.number)} before the next try"
        if self.line.call is not None:
            return f"{self.name}: {self.as_shown}"
        return f"Folded: {self.as_shown}"

    @property
    def as_shown(self) -> str:
        """Return the line's text without glyphs: `Execution succeeded, 5m 09s`."""
        said = plain_text(self.line.parts)
        return re.sub(r"\s{2,}", ", ", _GLYPHS.sub("", said).strip())

    @property
    def job(self) -> str:
        """Return words for the started job: `task 9f018ef6`, `the task`."""
        if self.attempt is not None and self.attempt.resource_ids:
            return wording.job_words(self.attempt)
        return f"the {self.integration.job_word if self.integration else 'job'}"

    @property
    def action(self) -> str:
        return named(self.integration.action_event) if self.integration else "the call"

    def matched(self, link: Link) -> str:
        """Return by what a call is matched, with any doubt."""
        words = wording.matched_by(link, wording.id_word(self.attempt))
        doubt = _DOUBTS.get(link.certainty, "") if link.certainty else ""
        return f"matched by {words}{doubt}"

    def backoff(self, number: int) -> str:
        """Return the length of the wait before an attempt; empty for no back-off."""
        wait = self.visit.backoff_before(number) if self.visit else None
        return spoken((wait[1] - wait[0]).total_seconds()) if wait else ""

    def after(self, event: HistoryEvent) -> str:
        """Return the time from the attempt's or execution's start to an event."""
        begun = self.execution.started_at if self.execution else None
        begun = self.attempt.scheduled_at if self.attempt else begun
        if begun is None:
            return ""
        return f" after {spoken(max(0.0, (event.at - begun).total_seconds()))}"

    def ended(self, event: HistoryEvent, how: str) -> str:
        """Return how something ended: `failed after 1m 16s (States.TaskFailed: …)`."""
        verb = ended_words(wording.spaced(how))
        return f"{verb}{self.after(event)}{self.reason(event)}"

    def reason(self, event: HistoryEvent) -> str:
        """Return why: ` (States.TaskFailed: Essential container exited)`, or empty."""
        details = self.snapshot.trace.details(event)
        error = text_of(details.get("error"))
        cause = text_of(details.get("cause"))
        said = shorten(error_words(error, cause, 2000), _WHY, placeholder="…")
        return f" ({said})" if said else ""

    def event(self, event: HistoryEvent) -> str:
        kind = event.type
        if kind == "ExecutionStarted" and self.execution is not None:
            role = role_name(self.execution.role_arn)
            name = named(self.execution.name)
            using = f", using the role {named(role)}" if role else ""
            machine = named(self.execution.state_machine_name)
            return f"Execution {name} of {machine} starts{using}"
        if kind in TERMINAL:
            return f"The execution {self.ended(event, kind.removeprefix('Execution'))}"
        if kind.endswith("StateEntered") and self.visit is not None:
            return self.entered(self.visit)
        if kind.endswith(("StateExited", "StateSucceeded")) and self.visit is not None:
            return self.exited(self.visit)
        iteration = kind == "MapIterationStarted"
        if iteration and (first := state_after(self.execution, event.id)) is not None:
            return f"Iteration {event.iteration} begins: {self.entered(first)}"
        if self.attempt is not None:
            return self.phase(event, _FAMILY.sub("", kind), self.attempt)
        return f"{self.name}: {self.as_shown}" if self.visit else self.as_shown

    def entered(self, visit: StateVisit) -> str:
        name = visit_path(visit)
        if visit.attempts and self.execution is not None:
            first = visit.attempts[0]
            said = integration_text([name], first).removesuffix(".")
            row = first.integration
            key = (self.execution.arn, first.scheduled_id)
            hidden = row and not row.recorded and not self.snapshot.calls_of(key)
            return f"{said}{_HIDDEN if hidden else ''}"
        outer = self.execution.visit(visit.parent) if self.execution else None
        around = _AROUND.get(outer.type, "its branch") if outer else "the execution"
        does = _STATES.get(visit.type, "is entered").format(around=around)
        if visit.type == "Choice":
            does += self.next_state(visit, ": ")
        if visit.type == "Wait" and visit.ended_at is not None:
            does += f" {self.lasted(visit)}"
        return f"{name}, a {named(visit.type)} state, {does}"

    def next_state(self, visit: StateVisit, before: str) -> str:
        """Return the name of the state that follows; empty while it is not known."""
        after = next_state(self.execution, visit)
        return f"{before}{named(after.name)}" if after else ""

    def lasted(self, visit: StateVisit) -> str:
        return spoken(phases.length_of(visit, visit.ended_at or visit.entered_at))

    def exited(self, visit: StateVisit) -> str:
        took = self.lasted(visit)
        follows = self.next_state(visit, "; next: ")
        if visit.status == "caught":
            return f"{self.name} failed after {took}, but a Catch handled it{follows}"
        return f"{self.name} finished after {took}{follows}"

    def phase(self, event: HistoryEvent, phase: str, attempt: Attempt) -> str:
        if phase in {"Scheduled", "Started"}:
            return self.begun(event, phase, attempt)
        if phase == "Submitted":
            token = attempt.pattern is Pattern.TASK_TOKEN
            waits_for = "its task token" if token else self.job
            return f"{self.action} returned; Step Functions now waits for {waits_for}"
        if phase == "Succeeded":
            return self.succeeded(event, attempt)
        several = self.visit is not None and len(self.visit.attempts) > 1
        who = f"Try {self.about.number} of {self.name}" if several else self.name
        return f"{who} {self.ended(event, phase)}{self.consequence()}"

    def consequence(self) -> str:
        """Return what followed a failed attempt: a redrive, retry, Catch, or none."""
        number = self.about.number + 1
        if self.visit is not None and self.visit.is_redriven(number):
            return f"; a redrive begins try {number}"
        if wait := self.backoff(number):
            return f"; try {number} follows {wait} later"
        fates = {"caught": "; a Catch handles it", "failed": "; nothing catches it"}
        return fates.get(self.visit.status, "") if self.visit else ""

    def begun(self, event: HistoryEvent, phase: str, attempt: Attempt) -> str:
        what = resource_words(attempt)
        number = self.about.number
        worker = text_of(self.snapshot.trace.details(event).get("workerName"))
        if phase == "Started":
            starts = f"was taken by worker {named(worker)}" if worker else "started"
            return f"{what} {starts}{self.after(event)}"
        again = f", try {number} of {self.name}" if number > 1 else f" for {self.name}"
        said = f"Step Functions schedules {what}{again}"
        if self.visit is not None and self.visit.is_redriven(number):
            return f"After the redrive, {said}"
        wait = self.backoff(number)
        return f"After {wait} of retry back-off, {said}" if wait else said

    def succeeded(self, event: HistoryEvent, attempt: Attempt) -> str:
        if self.line.conclusion:
            told = self.line.conclusion
            by = f"by {told[1].text}, " if len(told) > 1 else ""
            learned = f"Step Functions learned of it {by}{told[-1].text.strip()}"
            return f"{self.name} succeeded: {learned}"
        done = _DONE.get(attempt.pattern, f"{self.action} returned")
        said = f"{self.name}: {done}{self.after(event)}"
        row = attempt.integration
        if row is None or not row.starts_job or attempt.pattern in _DONE:
            return said
        return f"{said}; nothing waits for {self.job}, which may still be running"

    def call(self, call: ApiCall) -> str:
        link = self.link
        name = named(call.event_name)
        role = f" with the role {named(call.role)}" if call.role else ""
        if link is None:
            by = "" if call.by_step_functions else "Someone other than "
            return f"{by}Step Functions called {name}{role}; no state here explains it"
        if link.rule is LinkRule.AMBIGUOUS:
            return f"{name} is ambiguous: {ambiguity(link)}"
        if link.key is None:
            return f"{name} was called{role}: same role, but no matching task"
        how = "was denied" if is_denied(call) else "failed"
        outcome = f" {how} ({named(call.error_code)})" if call.error_code else ""
        which = f"{name}, which{outcome}," if outcome else name
        part = "a call" if link.role is CallRole.OTHER else f"the {link.role} call"
        if not link.is_sure:
            return f"{which} is probably {part} of {self.name}, {self.matched(link)}"
        if link.role is CallRole.POLL and self.attempt is not None:
            said = self.poll(call, link.key, self.attempt, outcome)
        elif link.role is CallRole.ACTION:
            said = f"Step Functions calls {which} for {self.name}"
        elif link.role is CallRole.STOP:
            said = f"{which} stops {self.job} of {self.name}"
        else:
            said = f"{which} names {self.job} of {self.name}, but is not its call"
        return f"{said}; {self.matched(link)}"

    def poll(
        self, call: ApiCall, key: AttemptKey, attempt: Attempt, outcome: str
    ) -> str:
        """Return the sentence of a poll: its number, its time and its effect.

        The time is since the action call.
        """
        coverage = Coverage(self.snapshot)
        told = AttemptCalls(self.snapshot, coverage, key, attempt)
        polls = told.polls.sure
        known = told.complete
        number = next((f" {n}" for n, p in enumerate(polls, 1) if p is call), "")
        count = f" of {len(polls)}" if number and known else ""
        shown = self.line.call.subject if self.line.call else ()
        since = plain_text(shown).strip().removeprefix("+")
        after = f", {since} after {self.action}" if since else ""
        does = outcome or f" asks whether {self.job} is still running"
        said = f"Poll{number}{count}: {named(call.event_name)}{does}{after}"
        if not outcome or attempt.status not in {"running", "succeeded"}:
            return said
        if attempt.status == "running":
            return f"{said}, but the state keeps waiting"
        alone = known and all(map(is_denied, told.polls.every))
        so = ", so completion doesn't depend on polling" if alone else ""
        return f"{said}, yet the state still succeeded{so}"

    def task(self, state: TaskState) -> str:
        how = plain_text(wording.task_text(state).ending).strip()
        detail = f" ({how})" if how else ""
        said = f"ECS reports task {wording.task_id(state)} of {self.name} as "
        said += f"{named(state.last_status)}{detail}"
        if not state.stopped:
            return said
        if self.attempt is not None and self.attempt.pattern is Pattern.SYNC:
            return f"{said}; Step Functions learns of it by this event or by a poll"
        return f"{said}; its state did not wait"
