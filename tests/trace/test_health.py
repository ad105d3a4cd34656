"""One health for each lane, of however many sources."""

from datetime import UTC, datetime, timedelta

from sfnwatch.trace.events import From, HealthState, Received, SourceHealth
from sfnwatch.trace.health import by_lane
from sfnwatch.trace.timeline import extend_all
from sfnwatch.trace.values import replace

AT = datetime(2023, 11, 15, 0, 28, 24, tzinfo=UTC)
LIVE = SourceHealth("history", HealthState.LIVE, requests=3)


def told(execution_arn: str | None, **data: object) -> Received:
    return Received(AT, From.HEALTH, execution_arn, {"lane": "history", **data})


def test_a_lane_is_as_well_as_the_worst_of_its_sources() -> None:
    expired = replace(LIVE, state=HealthState.EXPIRED, message="log in", requests=2)
    ended = replace(LIVE, state=HealthState.ENDED)
    lanes = by_lane([ended, expired, LIVE])
    assert lanes["history"] == SourceHealth(
        "history", HealthState.EXPIRED, "log in", requests=8
    )


def test_a_lane_has_ended_when_all_of_its_sources_have() -> None:
    ended = replace(LIVE, state=HealthState.ENDED)
    assert by_lane([ended, LIVE])["history"].state is HealthState.LIVE
    assert by_lane([ended, ended])["history"].state is HealthState.ENDED


def test_a_lane_is_complete_to_where_all_of_its_sources_are() -> None:
    later = AT + timedelta(minutes=1)
    one, two = replace(LIVE, complete_to=AT), replace(LIVE, complete_to=later)
    assert by_lane([one, two])["history"].complete_to == AT
    assert by_lane([one, LIVE])["history"].complete_to is None


def test_each_execution_keeps_its_own_newest_word() -> None:
    batch = (
        told("a", state="live", requests=1),
        told("b", state="denied", requests=1, message="no"),
        told("a", state="ended", requests=2),
    )
    for order in (batch, batch[::-1]):
        trace = extend_all([order])
        assert {h.state for h in trace.each_health} == {"ended", "denied"}
        assert trace.health["history"].message == "no"
        assert trace.told_at("history") == AT
        assert trace.told_at("lookup") is None


def test_where_records_come_in_several_ways_the_furthest_counts() -> None:
    one = SourceHealth("lookup", HealthState.LIVE, complete_to=AT)
    queue = SourceHealth("lookup", HealthState.LIVE, source="queue")
    archive = SourceHealth(
        "lookup", HealthState.LIVE, complete_to=AT + timedelta(minutes=1), source="s3"
    )
    assert by_lane([one, queue])["lookup"].complete_to == AT
    assert by_lane([one, archive])["lookup"].complete_to == archive.complete_to
