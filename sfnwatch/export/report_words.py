"""What a report says, in words and columns that text and Markdown share."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sfnwatch.export.report_layout import Column
from sfnwatch.trace.finding_words import decimal, named, plural
from sfnwatch.trace.integrations import integration
from sfnwatch.trace.report import ExecutionReport, Report
from sfnwatch.trace.report_states import CallsOfState, StateRow
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import clean, duration

IN_SHORT = "In short"
"""Above what several executions together show."""
_PATH = 120
_RULES = {
    "request-id": "request id",
    "unique-candidate": "role, action and time",
    "ambiguous": "nothing certain",
    "role-only": "role only",
}
_ROLES = {
    "action": ("action", "actions"),
    "poll": ("poll", "polls"),
    "stop": ("stop", "stops"),
    "other": ("other", "others"),
}


def head(execution: ExecutionReport) -> str:
    """Name an execution: `nightly-report › run-7f3a`."""
    name = named(execution.name)
    machine = execution.state_machine
    return f"{named(machine)} › {name}" if machine else name


def span_words(execution: ExecutionReport) -> str:
    """Say when it ran, and how much of it is known."""
    begin, end = execution.started_at, execution.stopped_at
    told = []
    if begin is not None:
        until = f" to {_until(begin, end)}" if end else ""
        told.append(f"{begin:%Y-%m-%d %H:%M:%S}{until} UTC")
    told.append(plural(execution.event_count, "event"))
    return ", ".join(told)


def _until(begin: datetime, end: datetime) -> str:
    same = begin.date() == end.date()
    return f"{end:%H:%M:%S}" if same else f"{end:%Y-%m-%d %H:%M:%S}"


def state_columns(execution: ExecutionReport) -> tuple[Column, ...]:
    """Give the table of states; what there is none of is an empty cell."""
    rows = execution.states

    def part(kind: Part) -> tuple[str, ...]:
        return tuple(
            duration(row.parts[kind]) if row.parts.get(kind) else "" for row in rows
        )

    return (
        Column("State", tuple(clean(row.path, _PATH) for row in rows), least=26),
        Column("Runs", tuple(map(_runs, rows)), rank=6, least=16),
        Column("Visits", _over_one([row.visits for row in rows]), right=True, rank=2),
        Column("Tries", _count([row.tries for row in rows]), right=True, rank=3),
        Column("Working", part(Part.WORKING), right=True, rank=4),
        Column("Waiting", part(Part.WAITING), right=True, rank=8),
        Column("Backing off", part(Part.BACKING_OFF), right=True, rank=5),
        Column("Noticing", part(Part.NOTICING), right=True, rank=7),
        Column("Total", tuple(duration(row.seconds) for row in rows), right=True),
        Column("Status", tuple(map(status_words, rows))),
    )


def _runs(row: StateRow) -> str:
    """Say what a Task runs, and of other states what they are."""
    return row.resource or clean(row.type)


def _count(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(str(number) if number else "" for number in numbers)


def _over_one(numbers: Sequence[int]) -> tuple[str, ...]:
    """Say how often, unless it is always once."""
    if all(number == 1 for number in numbers):
        return ("",) * len(numbers)
    return tuple(map(str, numbers))


def status_words(row: StateRow) -> str:
    """Say how its visits ended: `succeeded`, or `97 succeeded, 3 failed`."""
    if len(row.statuses) == 1:
        return next(iter(row.statuses))
    ordered = sorted(row.statuses.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {status}" for status, count in ordered)


def table_notes(execution: ExecutionReport) -> Iterator[str]:
    """Say what the table does not show, and how it counts."""
    if any(row.visits > 1 for row in execution.states):
        yield "Times of several visits are added up, also where they ran side by side."
    if execution.left_out:
        yield left_out_words(execution)


def left_out_words(execution: ExecutionReport) -> str:
    return f"{plural(execution.left_out, 'more state')} not listed."


def calls_words(execution: ExecutionReport) -> Iterator[str]:
    """Say for each state that has some which calls it has, and how they are tied."""
    for row in execution.states:
        calls = row.calls
        if not calls.by_role:
            continue
        counts = [
            f"{count} {_ROLES[role][count != 1]}"
            for role, count in calls.by_role.items()
        ]
        if calls.denied:
            counts.append(f"{calls.denied} denied")
        if calls.failed:
            counts.append(f"{calls.failed} failed")
        words = {**_RULES, "resource-id": _id_word(row.resource or "")}
        rules = ", ".join(f"{words[rule]} ({n})" for rule, n in calls.by_rule.items())
        told = f"{', '.join(counts)}{_poll_words(calls)}; tied by {rules}"
        yield f"{clean(row.path, _PATH)}: {told}"


def _poll_words(calls: CallsOfState) -> str:
    """Say how often was polled; one poll comes once."""
    if not calls.poll_call or calls.poll_mean is None:
        return ""
    mean = decimal(calls.poll_mean)
    if calls.by_role.get("poll") == 1:
        return f"; {clean(calls.poll_call)} after {mean} s"
    least, most = decimal(calls.poll_min or 0), decimal(calls.poll_max or 0)
    extremes = f" ({least} to {most} s)" if least != most else ""
    return f"; {clean(calls.poll_call)} every {mean} s{extremes}"


def _id_word(resource: str) -> str:
    """Say what people call the id by which calls are tied: `task ARN`, `job id`."""
    sdk = "aws-sdk:" if resource.startswith("aws-sdk:") else ""
    service, _, action = resource.removeprefix(sdk).partition(":")
    return integration(f"{sdk}{service}", action).id_word


def whole_words(report: Report) -> str:
    """Head what is of no execution in particular."""
    if report.executions:
        return "The trace as a whole"
    if report.calls.count:
        return "No execution, calls alone"
    return "No execution, and no call"


def trace_facts(report: Report) -> Iterator[str]:
    """Say what there is of CloudTrail."""
    calls = report.calls
    if not calls.watched:
        # Where that is felt, a finding says it.
        if not report.findings_of(None):
            yield "There is no CloudTrail in these records."
        return
    if calls.first_at is None or calls.last_at is None:
        yield "CloudTrail shows no call."
        return
    begin = f"{calls.first_at:%Y-%m-%d %H:%M:%S}"
    end = _until(calls.first_at, calls.last_at)
    when = f"at {begin}" if calls.count == 1 else f"from {begin} to {end}"
    yield f"{plural(calls.count, 'call')}, {when} UTC."
    if calls.measured and calls.complete_to is not None:
        yield f"CloudTrail is believed complete to {calls.complete_to:%H:%M:%S} UTC."
    if report.unread:
        yield f"{plural(report.unread, 'record')} could not be read."
