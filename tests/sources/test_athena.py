"""Athena over real HTTP: moto where it can, a stub for pages, failures and costs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from sfnwatch.errors import UsageError
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.athena import Athena, athena_table
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.trail_sql import COLUMNS
from sfnwatch.trace.events import From, HealthState
from tests.builders import ACCOUNT, REGION, START, ManualClock
from tests.sources.asking import (
    LATER,
    SEEDS,
    STOP,
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

ROWS = [
    {
        "eventid": record["eventID"],
        "eventtime": record["eventTime"],
        "eventsource": record["eventSource"],
        "eventname": record["eventName"],
        "arn": record["userIdentity"]["arn"],
        "errorcode": None,
    }
    for record in bare(SEEDS)
]


def result(
    rows: list[dict[str, Any]], *, header: bool = True, token: str | None = None
) -> dict[str, Any]:
    """Write GetQueryResults' answer: the names are a row, and null is no value."""
    names = list(ROWS[0])
    cells = [[{"VarCharValue": name} for name in names]] if header else []
    cells += [
        [{} if row[name] is None else {"VarCharValue": row[name]} for name in names]
        for row in rows
    ]
    info = [{"Name": name, "Type": "varchar"} for name in names]
    answer: dict[str, Any] = {
        "ResultSet": {
            "Rows": [{"Data": each} for each in cells],
            "ResultSetMetadata": {"ColumnInfo": info},
        }
    }
    return answer | ({"NextToken": token} if token else {})


def state(name: str, scanned: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "QueryExecution": {
            "QueryExecutionId": "q-1",
            "Status": {"State": name, **more},
            "Statistics": {"DataScannedInBytes": scanned},
        }
    }


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Serve an Athena whose every query succeeds at once, with the seed's rows."""
    plain = Stub(ManualClock(LATER))
    plain.answers = {
        "StartQueryExecution": script({"QueryExecutionId": "q-1"}),
        "GetQueryExecution": script(state("SUCCEEDED", 3 << 20)),
        "GetQueryResults": script(result(ROWS)),
        "StopQueryExecution": script({}),
    }
    async with served(plain):
        yield plain


async def asked(stub: Stub, **more: Any) -> Watched:
    running = bool(more.pop("running", False))
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        known = {"table": "trail.logs", "patience": Patience(3), **more}
        source = Athena(aws, watched(running=running), stub.clock, **known)
        return await gathered(source)


async def test_a_finished_execution_takes_one_query(stub: Stub) -> None:
    found = await asked(stub)
    assert names_of(found) == ["RunTask", *["DescribeTasks"] * 5]
    assert found.trace.unread == frozenset()
    assert stub.operations == [
        "StartQueryExecution",
        "GetQueryExecution",
        "GetQueryResults",
    ]
    assert found.states("lookup")[-1] is HealthState.ENDED
    last = found.healths("lookup")[-1]
    assert (last.source, last.message) == (
        "athena",
        "Athena scanned 3.0 MiB in 1 query.",
    )
    assert last.complete_to == LATER - timedelta(minutes=15)


async def test_what_is_sent_names_the_window_and_where_it_is_to_run(stub: Stub) -> None:
    await asked(stub, workgroup="team", output="s3://results/x/", region="eu-central-1")
    (start,) = stub.of("StartQueryExecution")
    sql = start.parameters.pop("QueryString")
    assert len(start.parameters.pop("ClientRequestToken")) == 64
    assert start.region == "eu-central-1"
    assert start.parameters == {
        "QueryExecutionContext": {"Database": "default"},
        "WorkGroup": "team",
        "ResultConfiguration": {"OutputLocation": "s3://results/x/"},
    }
    assert 'FROM "trail"."logs"' in sql
    assert "\"timestamp\" BETWEEN '2023/11/15' AND '2023/11/15'" in sql
    assert f"\"region\" = '{REGION}'" in sql
    assert f"\"account\" = '{ACCOUNT}'" in sql
    assert "eventtime BETWEEN '2023-11-15T00:28:19Z' AND '2023-11-15T00:48:34Z'" in sql
    assert "eventsource = 'ecs.amazonaws.com'" in sql
    assert "LIKE '%/StepFunctions-sync-role' ESCAPE '!'" in sql


async def test_a_row_has_its_nulls_and_the_names_of_its_columns_small(
    stub: Stub,
) -> None:
    answer = json.loads(json.dumps(result(ROWS[:1])).replace("eventid", "eventID"))
    stub.answers["GetQueryResults"] = script(answer)
    assert rows_of(await asked(stub)) == [ROWS[0]]


async def test_results_are_read_page_by_page_and_no_row_twice(stub: Stub) -> None:
    stub.answers["GetQueryResults"] = script(
        result(ROWS[:2], token="t-1"),
        result(ROWS[2:5], header=False, token="t-2"),
        result(ROWS[1:], header=False),
    )
    found = await asked(stub)
    assert [row["eventid"] for row in rows_of(found)] == [r["eventid"] for r in ROWS]
    pages = stub.of("GetQueryResults")
    assert [p.parameters.get("NextToken") for p in pages] == [None, "t-1", "t-2"]
    assert {p.parameters["MaxResults"] for p in pages} == {1000}


async def test_a_page_whose_token_is_too_old_begins_the_reading_again(
    stub: Stub,
) -> None:
    stub.answers["GetQueryResults"] = script(
        result(ROWS[:2], token="t-1"),
        Refusal("InvalidNextTokenException"),
        result(ROWS),
    )
    found = await asked(stub)
    assert len(rows_of(found)) == 6
    assert len(stub.of("StartQueryExecution")) == 1


async def test_a_query_that_runs_is_looked_at_now_and_then(stub: Stub) -> None:
    stub.answers["GetQueryExecution"] = script(
        state("QUEUED"),
        state("RUNNING", 1 << 20),
        state("RUNNING", 2 << 20),
        *[state("RUNNING", 4 << 20)] * 4,
        state("SUCCEEDED", 5 << 20),
    )
    found = await asked(stub)
    looks = [each.at for each in stub.of("GetQueryExecution")]
    gaps = [(b - a).total_seconds() for a, b in pairwise(looks)]
    assert gaps == [1, 2, 3, 4, 5, 5, 5]
    assert found.messages("lookup")[-1] == "Athena scanned 5.0 MiB in 1 query."
    assert "Athena scanned 2.0 MiB in 1 query." in found.messages("lookup")


async def test_a_running_execution_is_asked_about_every_few_minutes(
    stub: Stub,
) -> None:
    stub.clock.at = START + timedelta(seconds=20)
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        subjects = watched(running=True)
        source = Athena(aws, subjects, stub.clock, table="logs", drain=900)
        found = Watched()
        async for batch in source.batches():
            found(batch)
            if stub.clock.now() > START + timedelta(minutes=21):
                subjects.each[0].stopped_at = START + timedelta(minutes=21)
                subjects.each[0].over = True
    starts = [each.at for each in stub.of("StartQueryExecution")]
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    assert starts[0] == START + timedelta(minutes=5)
    assert all(gap >= 299 for gap in gaps[:-1])
    assert starts[-1] == START + timedelta(minutes=36)
    assert len(starts) == 8
    assert len(rows_of(found)) == 6
    tokens = {
        e.parameters["ClientRequestToken"] for e in stub.of("StartQueryExecution")
    }
    assert len(tokens) == 8
    assert found.states("lookup") == ["connecting", "live", "draining", "ended"]
    assert found.messages("lookup")[-1] == "Athena scanned 24.0 MiB in 8 queries."


async def test_what_is_running_while_the_query_ends_at_now(stub: Stub) -> None:
    """What has not happened yet is not asked for: the last day is read, not next."""
    stub.clock.at = START + timedelta(minutes=10)
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, watched(running=True), stub.clock, table="logs")
        async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
            async for _ in batches:
                if stub.of("GetQueryResults"):
                    break
    sql = stub.of("StartQueryExecution")[0].parameters["QueryString"]
    assert "AND '2023-11-15T00:38:25Z'" in sql


async def test_a_start_that_was_not_answered_is_the_same_query_again(
    stub: Stub,
) -> None:
    stub.answers["StartQueryExecution"] = script(
        Refusal("InternalServerException", status=500),
        Refusal("InternalServerException", status=500),
        Refusal("InternalServerException", status=500),
        {"QueryExecutionId": "q-1"},
    )
    found = await asked(stub)
    starts = stub.of("StartQueryExecution")
    assert len(starts) == 4
    assert len({each.at for each in starts}) > 1
    assert len({json.dumps(each.parameters, sort_keys=True) for each in starts}) == 1
    assert len(rows_of(found)) == 6


async def test_another_watch_of_the_same_is_another_query(stub: Stub) -> None:
    await asked(stub)
    stub.clock.advance(60)
    await asked(stub)
    one, other = stub.of("StartQueryExecution")
    assert one.parameters["QueryString"] == other.parameters["QueryString"]
    assert (
        one.parameters["ClientRequestToken"] != other.parameters["ClientRequestToken"]
    )


# -- when it comes to nothing --------------------------------------------------------

MISSING = "TABLE_NOT_FOUND: line 19:6: Table 'awsdatacatalog.trail.logs' does not exist"


async def test_a_table_that_is_not_there_is_said_and_what_makes_one(
    stub: Stub,
) -> None:
    failed = state(
        "FAILED",
        StateChangeReason=MISSING,
        AthenaError={"ErrorCategory": 2, "ErrorType": 1301, "Retryable": False},
    )
    stub.answers["GetQueryExecution"] = script(failed)
    found = await asked(stub)
    assert found.states("lookup")[-1] is HealthState.REFUSED
    said = found.messages("lookup")[-1]
    assert said.startswith(f"Athena's query on trail.logs: FAILED. {MISSING}.")
    assert "sfnwatch athena-ddl" in said
    assert stub.of("StopQueryExecution") == []


async def test_what_athena_could_not_do_is_tried_again_as_another_query(
    stub: Stub,
) -> None:
    failed = state(
        "FAILED",
        1 << 20,
        AthenaError={"ErrorCategory": 1, "ErrorMessage": "internal \x1b[2J"},
    )
    stub.answers["GetQueryExecution"] = script(failed, state("SUCCEEDED", 1 << 20))
    found = await asked(stub)
    one, other = stub.of("StartQueryExecution")
    assert other.at - one.at >= timedelta(seconds=180)
    tokens = [each.parameters["ClientRequestToken"] for each in (one, other)]
    assert tokens[0] != tokens[1]
    assert len(rows_of(found)) == 6
    assert "internal \u241b[2J." in found.messages("lookup")[0]
    assert found.messages("lookup")[-1] == "Athena scanned 2.0 MiB in 2 queries."


async def test_a_query_that_somebody_cancelled_is_not_begun_again(stub: Stub) -> None:
    reason = "Bytes scanned limit was exceeded"
    stub.answers["GetQueryExecution"] = script(
        state("CANCELLED", StateChangeReason=reason)
    )
    found = await asked(stub)
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert found.messages("lookup")[-1] == (
        f"Athena's query on trail.logs: CANCELLED. {reason}."
    )
    assert len(stub.of("StartQueryExecution")) == 1


async def test_what_athena_will_not_take_is_said_for_good(stub: Stub) -> None:
    refusal = Refusal("InvalidRequestException", "WorkGroup team is not found.")
    stub.answers["StartQueryExecution"] = script(refusal)
    found = await asked(stub, workgroup="team")
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert "WorkGroup team is not found." in found.messages("lookup")[-1]
    assert len(stub.of("StartQueryExecution")) == 1


async def test_a_permission_that_is_missing_is_named(stub: Stub) -> None:
    stub.answers["StartQueryExecution"] = script(Refusal("AccessDeniedException"))
    found = await asked(stub)
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert "Allow athena:StartQueryExecution" in found.messages("lookup")[-1]


async def test_too_many_requests_pass(stub: Stub) -> None:
    stub.answers["GetQueryResults"] = script(
        *[Refusal("TooManyRequestsException")] * 2, result(ROWS)
    )
    found = await asked(stub)
    assert HealthState.THROTTLED in found.states("lookup")
    assert len(rows_of(found)) == 6
    assert len(stub.of("StartQueryExecution")) == 1


# -- the end of a watch --------------------------------------------------------------


async def test_a_query_that_nobody_waits_for_is_stopped(stub: Stub) -> None:
    stub.answers["GetQueryExecution"] = script(state("RUNNING"))
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), stub.clock, table="logs")

        under_way = asyncio.Event()

        async def watch() -> None:
            async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
                async for _ in batches:
                    if stub.of("GetQueryExecution"):
                        under_way.set()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(watch())
            await under_way.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    (stop,) = stub.of("StopQueryExecution")
    assert stop.parameters == {"QueryExecutionId": "q-1"}


async def test_a_stop_that_fails_is_no_trouble(stub: Stub) -> None:
    stub.answers["GetQueryExecution"] = script(state("RUNNING"))
    stub.answers["StopQueryExecution"] = script(Refusal("AccessDeniedException"))
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), stub.clock, table="logs")
        async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
            async for _ in batches:
                if stub.of("GetQueryExecution"):
                    break
    assert len(stub.of("StopQueryExecution")) == 1


async def test_a_query_that_is_done_is_not_stopped_while_it_is_read(
    stub: Stub,
) -> None:
    stub.answers["GetQueryResults"] = script(result(ROWS, token="t-1"))
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), stub.clock, table="logs")
        async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
            async for _ in batches:
                if stub.of("GetQueryResults"):
                    break
    assert stub.of("StopQueryExecution") == []


async def test_no_more_is_awaited_when_the_watcher_says_so(stub: Stub) -> None:
    stub.clock.at = STOP + timedelta(minutes=1)
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), stub.clock, table="logs")
        async for _ in source.batches():
            if len(stub.of("GetQueryResults")) == 1:
                source.end_drain()
    assert len(stub.of("StartQueryExecution")) == 2
    assert stub.clock.now() < STOP + timedelta(minutes=3)


async def test_a_role_that_becomes_known_late_is_asked_for(stub: Stub) -> None:
    subjects = watched()
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        source = Athena(aws, subjects, stub.clock, table="logs")
        async for _ in source.batches():
            if stub.of("StartQueryExecution"):
                subjects.each[0].roles.add("late-role")
    one, other = stub.of("StartQueryExecution")
    assert "late-role" not in one.parameters["QueryString"]
    assert "'%/late-role'" in other.parameters["QueryString"]


async def test_of_an_execution_that_calls_nothing_nothing_is_asked(
    stub: Stub,
) -> None:
    subjects = watched()
    subjects.each[0].trail_plan.clear()
    async with aws_at(stub.url, Feature.ATHENA) as aws:
        found = await gathered(Athena(aws, subjects, stub.clock, table="logs"))
    assert stub.asked == []
    assert "Nothing to ask for" in found.messages("lookup")[-1]
    assert found.states("lookup")[-1] is HealthState.ENDED


async def test_each_request_is_in_the_call_log(stub: Stub) -> None:
    found = await asked(stub)
    told = [r.data for r in found.records if r.source == From.REQUEST]
    assert [(r["service"], r["operation"], r["items"]) for r in told] == [
        ("athena", "StartQueryExecution", None),
        ("athena", "GetQueryExecution", None),
        ("athena", "GetQueryResults", 7),
    ]


# -- names ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["", 'a"; --', "a.b.c", "."])
def test_what_is_no_table_is_refused_and_athena_ddl_named(table: str) -> None:
    with pytest.raises(UsageError, match="sfnwatch athena-ddl"):
        athena_table(table)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partitions": ("day",)}, "no partition column"),
        ({"workgroup": "a b"}, "no name of a workgroup"),
        ({"output": "results"}, "no place"),
    ],
)
async def test_what_can_be_nothing_of_athenas_is_refused_at_once(
    stub: Stub, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        await asked(stub, **options)
    assert stub.asked == []


def test_the_table_of_awss_documentation_has_one_partition_column() -> None:
    table = athena_table("logs", "db", ("timestamp",))
    assert table.name == '"db"."logs"'
    assert (table.day, table.region, table.account) == ("timestamp", None, None)


# -- moto ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto; gives its endpoint URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def post(url: str, body: Any) -> None:
    data = json.dumps(body).encode()
    urlopen(Request(url, data, {"Content-Type": "application/json"})).close()  # noqa: S310


def queue(moto: str, rows: list[dict[str, Any]], names: list[str]) -> None:
    """Have moto answer its next query with rows, as Athena writes them."""
    header = [{"VarCharValue": name} for name in names]
    cells = [
        [{} if row[n] is None else {"VarCharValue": row[n]} for n in names]
        for row in rows
    ]
    info = [{"Name": n, "Type": "varchar"} for n in names]
    results = [
        {"rows": [{"Data": each} for each in (header, *cells)], "column_info": info}
    ]
    place = f"{moto}/moto-api/static/athena/query-results"
    post(place, {"account_id": ACCOUNT, "region": REGION, "results": results})


@pytest.mark.parametrize("looks", [1, 3])
async def test_motos_athena_is_asked_and_read(
    moto: str, looks: int, no_aws: None
) -> None:
    transition = {"progression": "manual", "times": looks}
    post(
        f"{moto}/moto-api/state-manager/set-transition",
        {"model_name": "athena::execution", "transition": transition},
    )
    queue(moto, ROWS, list(ROWS[0]))
    clock = ManualClock(LATER)
    async with aws_at(moto, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), clock, table="trail.logs", patience=Patience(3))
        found = await gathered(source)
    assert rows_of(found) == ROWS
    assert found.states("lookup")[-1] is HealthState.ENDED
    assert set(ROWS[0]) <= set(COLUMNS)
