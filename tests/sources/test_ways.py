"""The ways in which calls come, and which of them a watch takes."""

from pathlib import Path

import pytest

from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.errors import RefusedError
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.wanted import TrailOptions, features_of
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, HealthState
from tests.sources.simulation import Simulation


@pytest.fixture
def profiles(sync: Simulation, tmp_path: Path) -> Simulation:
    key, secret = CREDENTIALS
    file = tmp_path / "credentials"
    file.write_text(
        f"[dev]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    )
    sync.patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    return sync


async def test_without_lookups_only_the_history_is_read(sync: Simulation) -> None:
    watched = await sync.watch(trail=TrailOptions(lookup=False))
    assert watched.status == "SUCCEEDED"
    assert not sync.asked("LookupEvents")
    assert not watched.trace.calls
    assert watched.healths("lookup") == []


async def test_another_account_is_asked_beside_the_own(profiles: Simulation) -> None:
    watched = await profiles.watch(trail=TrailOptions(profiles=("dev",)))
    told = {h.source: h.state for h in watched.healths("lookup")}
    assert told == {"": HealthState.ENDED, "account-1": HealthState.ENDED}
    # What both bring is one call; each says by its records that it brought it.
    ids = watched.call_ids()
    assert len(ids) == 2 * len(set(ids))
    assert len(watched.tied()) == 6
    assert watched.trace.health["lookup"].state is HealthState.ENDED


async def test_another_account_alone_is_asked_where_the_own_is_not(
    profiles: Simulation,
) -> None:
    watched = await profiles.watch(trail=TrailOptions(lookup=False, profiles=("dev",)))
    assert {h.source for h in watched.healths("lookup")} == {"account-1"}
    assert len(watched.tied()) == 6


async def test_a_profile_that_is_not_there_is_named(sync: Simulation) -> None:
    sync.patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(RefusedError, match="no AWS profile named dev"):
        await sync.watch(trail=TrailOptions(profiles=("dev",)))
    assert sync.requests == []


async def test_the_drain_is_ended_everywhere(profiles: Simulation) -> None:
    def end(batch: Batch) -> None:
        if any(r.data.get("type") == "ExecutionSucceeded" for r in batch):
            assert profiles.watching is not None
            profiles.watching.end_drain()

    watched = await profiles.watch(trail=TrailOptions(profiles=("dev",)), also=end)
    ended = watched.records[-1].at
    assert ended is not None
    assert (ended - profiles.stopped_at).total_seconds() < 120


def test_what_is_wanted_is_allowed_and_nothing_else() -> None:
    assert TrailOptions().features == ()
    assert TrailOptions(archive="/a/folder").features == ()
    assert TrailOptions(archive="S3://bucket").features == (Feature.ARCHIVE,)
    assert TrailOptions(consume=True).features == ()
    queue = TrailOptions(queue="http://127.0.0.1/1/q", consume=True)
    assert queue.features == (Feature.QUEUE, Feature.CONSUME)
    express = parse_execution_arn(
        "arn:aws:states:eu-west-1:123456789012:express:m:n:00000000"
    )
    assert features_of([express], TrailOptions()) == [Feature.EXPRESS]
