"""`sfnwatch list`: the executions that AWS lists, filtered by AWS."""

from datetime import UTC, datetime, timedelta

import pytest

from sfnwatch.clock import SystemClock
from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Program

DAY = timedelta(days=1)


def test_status_and_time_choose_what_is_listed_the_newest_first(
    program: Program, serve: Serve
) -> None:
    account = serve("failure", "sync", speed=1.0)

    def listed(*words: str) -> list[dict[str, str]]:
        ended = program(*account.words("list", *words, "--json", *HERE))
        assert (ended.code, ended.err) == (0, "")
        found: list[dict[str, str]] = ended.json["executions"]
        return found

    every = listed()
    times = [each["started_at"] for each in every]
    assert times == sorted(times, reverse=True)
    failed = listed("--status", "failed")
    assert failed == [each for each in every if each["status"] == "FAILED"]
    assert failed
    recent = listed("--since", "2d")
    bound = (datetime.now(UTC) - 2 * DAY).isoformat()
    assert {each["arn"] for each in recent} == {
        each["arn"] for each in every if each["started_at"] > bound
    }
    assert len(recent) < len(every)
    machine = failed[0]["state_machine"]
    both = listed(machine, "--status", "FAILED", "--status", "ABORTED", "--since", "2d")
    assert {each["arn"] for each in both} < {each["arn"] for each in failed}


@pytest.mark.parametrize("off", [-3 * DAY, 3 * DAY])
def test_so_long_ago_is_counted_by_aws_s_clock(
    program: Program, serve: Serve, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    words = serve("failure", speed=1.0).words("list", "--since", "36h", "--json", *HERE)
    listed = program(*words).out
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + off)
    assert program(*words).out == listed
    assert '"arn"' in listed


def test_people_get_a_table_and_are_told_where_there_is_none(
    program: Program, serve: Serve
) -> None:
    account = serve("failure", speed=1.0)
    ended = program(*account.words("list", "--status", "FAILED", *HERE))
    head, first, *_ = ended.lines
    assert head.split() == ["status", "started", "length", "execution"]
    assert first.startswith("FAILED  20")
    assert " import-orders › failure-" in first
    ended = program(*account.words("list", "--status", "ABORTED", *HERE))
    assert ended.said(0) == "There is none, among those that AWS lists."
    assert "state machine named 'none'" in program(
        *account.words("list", "none", *HERE)
    ).said(3)
