"""CloudTrail Lake over real HTTP: a stub, since no simulator has it."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.errors import UsageError
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.lake import Lake, lake_table
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import From, HealthState
from tests.builders import START, TASK_ARN, TASK_ID, ManualClock
from tests.sources.asking import (
    LATER,
    SEEDS,
    Refusal,
    Stub,
    aws_at,
    bare,
    gathered,
    names_of,
    rows_of,
    script,
    served,
    watched,
)
from tests.sources.simulation import Watched

ID = "3a1f4c0e-9f53-4a58-8f7e-0c5d2b1e6a90"
STORE = f"arn:aws:cloudtrail:us-west-2:123456789012:eventdatastore/{ID}"
QUERY = "0b0e5a62-63c3-4f4d-9b69-7d8a4e1d2c3b"


def cells(record: dict[str, Any]) -> list[dict[str, str]]:
    """Write a row as GetQueryResults does: a list of cells, and maps hold texts."""
    identity = record["userIdentity"]
    payloads = {
        name: {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in (record[name] or {}).items()
        }
        for name in ("requestParameters", "responseElements")
    }
    row = {
        "eventID": record["eventID"],
        "eventtime": record["eventTime"].replace("T", " ").replace("Z", ".000"),
        "eventSource": record["eventSource"],
        "eventName": record["eventName"],
        "arn": identity["arn"],
        "issuerarn": identity["sessionContext"]["sessionIssuer"]["arn"],
        "errorcode": record.get("errorCode", ""),
        "invokedby": identity["invokedBy"],
        **{name: json.dumps(value) for name, value in payloads.items() if value},
    }
    return [{name: value} for name, value in row.items()]


def answer(status: str = "FINISHED", rows: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "QueryStatus": status,
        "QueryStatistics": {"BytesScanned": 5 << 20, "ResultsCount": len(rows)},
        "QueryResultRows": [cells(record) for record in rows],
        **more,
    }


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Serve a Lake whose every query is finished at once, with the seed's rows."""
    plain = Stub(ManualClock(LATER))
    plain.answers = {
        "StartQuery": script({"QueryId": QUERY}),
        "GetQueryResults": script(answer(rows=bare(SEEDS))),
        "CancelQuery": script({"QueryId": QUERY, "QueryStatus": "CANCELLED"}),
    }
    async with served(plain):
        yield plain


async def asked(stub: Stub, **more: Any) -> Watched:
    async with aws_at(stub.url, Feature.LAKE) as aws:
        known = {"patience": Patience(3), **more}
        source = Lake(aws, watched(), stub.clock, STORE, **known)
        return await gathered(source)


async def test_a_finished_execution_takes_one_query(stub: Stub) -> None:
    found = await asked(stub)
    assert names_of(found) == ["RunTask", *["DescribeTasks"] * 5]
    assert stub.operations == ["StartQuery", "GetQueryResults"]
    assert {each.region for each in stub.asked} == {"us-west-2"}
    last = found.healths("lookup")[-1]
    assert (last.source, last.state) == ("lake", HealthState.ENDED)
    assert last.message == "CloudTrail Lake scanned 5.0 MiB in 1 query."


async def test_it_is_asked_in_its_own_words(stub: Stub) -> None:
    await asked(stub)
    (start,) = stub.of("StartQuery")
    assert list(start.parameters) == ["QueryStatement"]
    sql = start.parameters["QueryStatement"]
    assert f"\nFROM {ID}\n" in sql
    assert "eventtime BETWEEN '2023-11-15 00:28:19' AND '2023-11-15 00:48:34'" in sql
    assert "json_format(CAST(requestparameters AS JSON)) AS requestparameters" in sql
    assert '"' not in sql


async def test_so_many_roles_that_it_would_not_take_the_query_are_not_named(
    stub: Stub,
) -> None:
    subjects = watched()
    subjects.each[0].roles.update(
        f"a-rather-long-name-of-a-role-{n}" for n in range(99)
    )
    async with aws_at(stub.url, Feature.LAKE) as aws:
        found = await gathered(Lake(aws, subjects, stub.clock, STORE))
    (start,) = stub.of("StartQuery")
    assert len(start.parameters["QueryStatement"]) <= 10_000
    assert "states.amazonaws.com" in start.parameters["QueryStatement"]
    assert len(rows_of(found)) == 6


async def test_what_was_nested_is_json_again_and_its_ids_are_found(
    stub: Stub,
) -> None:
    found = await asked(stub)
    calls = [decode_call(r) for r in found.records if r.source == From.ATHENA]
    first, poll = calls[:2]
    assert first.ids >= {TASK_ARN, TASK_ID, "my-cluster"}
    assert poll.ids == {"c", TASK_ARN, TASK_ID}
    assert first.event_time == START.replace(second=25, microsecond=0)
    assert first.error_code is None
    assert first.whole


async def test_a_map_that_is_no_json_is_left_as_it_is(stub: Stub) -> None:
    row = [*cells(bare(SEEDS)[0])[:-2], {"requestParameters": "{cluster=c, tasks=[x]}"}]
    given = {**answer(), "QueryResultRows": [row]}
    stub.answers["GetQueryResults"] = script(given)
    (only,) = rows_of(await asked(stub))
    assert only["requestparameters"] == "{cluster=c, tasks=[x]}"


async def test_it_is_awaited_and_read_page_by_page(stub: Stub) -> None:
    records = bare(SEEDS)
    stub.answers["GetQueryResults"] = script(
        answer("QUEUED"),
        answer("RUNNING"),
        answer(rows=records[:3], NextToken="t-1234"),
        answer(rows=records[2:]),
    )
    found = await asked(stub)
    assert [row["eventid"] for row in rows_of(found)] == [r["eventID"] for r in records]
    pages = stub.of("GetQueryResults")
    assert [p.parameters.get("NextToken") for p in pages] == [None] * 3 + ["t-1234"]
    assert {p.parameters["MaxQueryResults"] for p in pages} == {1000}
    assert found.healths("lookup")[-1].message.endswith("5.0 MiB in 1 query.")


async def test_a_page_whose_token_is_too_old_begins_the_reading_again(
    stub: Stub,
) -> None:
    stub.answers["GetQueryResults"] = script(
        answer(rows=bare(SEEDS)[:2], NextToken="t-1234"),
        Refusal("InvalidNextTokenException"),
        answer(rows=bare(SEEDS)),
    )
    assert len(rows_of(await asked(stub))) == 6
    assert len(stub.of("StartQuery")) == 1


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
async def test_what_fails_is_tried_again_later(stub: Stub, status: str) -> None:
    failed = answer(status, ErrorMessage="the \x1b query failed.")
    stub.answers["GetQueryResults"] = script(failed, answer(rows=bare(SEEDS)))
    found = await asked(stub)
    one, other = stub.of("StartQuery")
    assert other.at - one.at >= timedelta(seconds=180)
    assert found.messages("lookup")[0] == (
        f"CloudTrail Lake's query on {STORE}: {status}. the \u241b query failed."
    )
    assert len(rows_of(found)) == 6


async def test_a_query_that_somebody_cancelled_is_not_begun_again(stub: Stub) -> None:
    stub.answers["GetQueryResults"] = script(answer("CANCELLED"))
    found = await asked(stub)
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert len(stub.of("StartQuery")) == 1


@pytest.mark.parametrize(
    "code",
    [
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidQueryStatementException",
        "UnsupportedOperationException",
    ],
)
async def test_what_lake_will_not_answer_is_said_for_good(
    stub: Stub, code: str
) -> None:
    stub.answers["StartQuery"] = script(Refusal(code))
    found = await asked(stub)
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert code in found.messages("lookup")[-1]
    assert "event data store's ARN" in found.messages("lookup")[-1]
    assert len(stub.of("StartQuery")) == 1


async def test_that_too_many_queries_run_already_passes(stub: Stub) -> None:
    stub.answers["StartQuery"] = script(
        Refusal("MaxConcurrentQueriesException"), {"QueryId": QUERY}
    )
    found = await asked(stub)
    assert HealthState.THROTTLED in found.states("lookup")
    assert len(rows_of(found)) == 6


async def test_a_query_that_nobody_waits_for_is_cancelled(stub: Stub) -> None:
    stub.answers["GetQueryResults"] = script(answer("RUNNING"))
    async with aws_at(stub.url, Feature.LAKE) as aws:
        source = Lake(aws, watched(), stub.clock, STORE)
        async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
            async for _ in batches:
                if stub.of("GetQueryResults"):
                    break
    (cancel,) = stub.of("CancelQuery")
    assert cancel.parameters == {"QueryId": QUERY}


@pytest.mark.parametrize(
    "arn",
    [
        "",
        ID,
        STORE.replace("eventdatastore", "trail"),
        f"{STORE}; DROP",
        f"{STORE}\n",
        STORE.upper(),
    ],
)
def test_what_is_no_store_is_refused(arn: str) -> None:
    with pytest.raises(UsageError, match="no ARN of an event data store"):
        lake_table(arn)


def test_a_store_of_another_partition_is_one() -> None:
    region, table = lake_table(STORE.replace("arn:aws:", "arn:aws-us-gov:"))
    assert (region, table.name) == ("us-west-2", ID)
