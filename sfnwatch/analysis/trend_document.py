"""A trend as a document: the usual lengths and failures, as sentences and a table."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.analysis.document import Block, Column, Heading, Paragraph, Table
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural, spoken, times_words
from sfnwatch.analysis.statuses import status_words
from sfnwatch.analysis.trend import StateTrend, Trend

_MOST_STATES = 200
"""At most this many states are listed; the others are counted."""


def trend_document(trend: Trend, since: datetime | None = None) -> Iterator[Block]:
    """Yield how long an execution usually takes, then the same of each state.

    `since` is the earliest start that was asked for, if there was one.
    """
    yield Heading(named(trend.name))
    if trend.given is not None:
        yield Paragraph(_given_words(trend), strong=True)
    if trend.unread:
        count = plural(trend.unread, "history", "histories")
        yield Paragraph(f"{count} could not be read, and are left out.")
    if not trend.executions:
        yield Paragraph(_none_words(trend, since))
        return
    yield Paragraph(_executions_words(trend))
    states = trend.states
    if states:
        yield _states_table(trend, states[:_MOST_STATES])
    left_out = len(states) - _MOST_STATES
    if left_out > 0:
        yield Paragraph(f"{plural(left_out, 'more state')} not listed.")


def _given_words(trend: Trend) -> str:
    """Return where the given execution stands: `run-7f3a took 15m 57s, 3.1 × …`."""
    given = trend.given
    assert given is not None  # noqa: S101 - asked for only where there is one
    name = named(given.arn.rpartition(":")[2])
    status = status_words(given.status)
    words = f"{name} {status} after {spoken(given.seconds)}"
    if given.status == "RUNNING":
        words = f"{name} has run for {spoken(given.seconds)}"
    times = trend.times_usual
    if times is None:
        return f"{words}."
    return f"{words}: {times_words(times)} its usual {spoken(trend.usual.p50 or 0)}."


def _none_words(trend: Trend, since: datetime | None) -> str:
    other = "other " if trend.given is not None else ""
    if since is None:
        kept = "; it lists them for 90 days after their end"
        return f"AWS lists no {other}finished execution{kept}."
    start = f"{since:%Y-%m-%d %H:%M} UTC"
    return f"AWS lists no {other}finished execution that was started since {start}."


def _executions_words(trend: Trend) -> str:
    counts = []
    for status, count in trend.statuses.most_common():
        counts.append(f"{count:,} {status_words(status)}")
    words = f"{plural(len(trend.executions), 'finished execution')}"
    started = [e.started_at for e in trend.executions if e.started_at is not None]
    if started:
        words += f", started from {min(started):%Y-%m-%d %H:%M}"
        words += f" to {max(started):%Y-%m-%d %H:%M} UTC"
    usual = trend.usual
    lengths = "None succeeded, so no usual length is known."
    if usual.p50 is not None and usual.p95 is not None:
        p95 = f"at most {spoken(usual.p95)} in 95 of 100 cases (p95)"
        lengths = f"One that succeeds takes {spoken(usual.p50)} (p50), {p95}."
    return f"{words}: {listed(counts)}. {lengths}"


def _states_table(trend: Trend, states: list[StateTrend]) -> Table:
    is_given = trend.given is not None
    given = [_length(state.given_seconds) if is_given else "" for state in states]
    times = []
    for state in states:
        ratio = state.times_usual
        times.append(times_words(ratio) if ratio is not None else "")
    return Table(
        (
            Column("State", [named(state.name) for state in states], least=20),
            Column("Type", [named(state.type) for state in states], rank=4),
            Column("Visits", [f"{state.count:,}" for state in states], right=True),
            Column("p50", [_length(state.usual.p50) for state in states], right=True),
            Column("p95", [_length(state.usual.p95) for state in states], right=True),
            Column("Failures", list(map(_failures, states)), right=True, rank=1),
            Column("This one", given, right=True, rank=3),
            Column("× usual", times, right=True, rank=2),
        )
    )


def _length(seconds: float | None) -> str:
    return "" if seconds is None else spoken(seconds)


def _failures(state: StateTrend) -> str:
    """Return the number of failures, and their share: `3 (6%)`."""
    if not state.failures:
        return ""
    return f"{state.failures:,} ({100 * state.failures / state.count:.0f}%)"
