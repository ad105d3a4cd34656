"""A trend as JSON."""

from sfnwatch.analysis.trend import ExecutionLengths, Percentiles, StateTrend, Trend
from sfnwatch.export.facts import Facts
from sfnwatch.model.times import maybe_iso


def trend_json(trend: Trend) -> Facts:
    """Return the figures of a state machine; lengths are in seconds.

    state_machine_arn   the machine
    executions          those that count, the newest end first: arn, status,
                        started_at, seconds
    unread              the number of finished executions that could not be read
    statuses            of these executions
    p50_seconds, p95_seconds   of those that succeeded; null if none did
    given               the compared execution, and times_usual; null without one
    states              name, type, count (of visits), failures, p50_seconds,
                        p95_seconds, given_seconds, times_usual

    The lengths of a state are those of its visits that succeeded.
    """
    given = None
    if trend.given is not None:
        times_usual = _rounded(trend.times_usual)
        given = {**_execution(trend.given), "times_usual": times_usual}
    return {
        "state_machine_arn": trend.state_machine_arn,
        "executions": [_execution(execution) for execution in trend.executions],
        "unread": trend.unread,
        "statuses": dict(trend.statuses),
        **_percentiles(trend.usual),
        "given": given,
        "states": [_state(state) for state in trend.states],
    }


def _execution(execution: ExecutionLengths) -> Facts:
    return {
        "arn": execution.arn,
        "status": execution.status,
        "started_at": maybe_iso(execution.started_at),
        "seconds": _rounded(execution.seconds),
    }


def _state(state: StateTrend) -> Facts:
    return {
        "name": state.name,
        "type": state.type,
        "count": state.count,
        "failures": state.failures,
        **_percentiles(state.usual),
        "given_seconds": _rounded(state.given_seconds),
        "times_usual": _rounded(state.times_usual),
    }


def _percentiles(usual: Percentiles) -> Facts:
    return {"p50_seconds": _rounded(usual.p50), "p95_seconds": _rounded(usual.p95)}


def _rounded(value: float | None) -> float | None:
    """Return a value with three places: AWS's times are in milliseconds."""
    return None if value is None else round(value, 3)
