"""One question in SQL, put to Athena, to Lake and to DuckDB."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.api_call import decode_call, ids_in
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.sources.athena import AthenaTrail, athena_place
from sfnwatch.sources.duck_trail import DuckTrail
from sfnwatch.sources.lake import LakeTrail, lake_table
from sfnwatch.sources.live_options import CallOptions
from sfnwatch.sources.targets import Targets
from sfnwatch.sources.trail_sql import RECORD_FIELDS, Question, TrailTable, select
from tests import examples
from tests.builders import (
    ACCOUNT,
    REGION,
    ROLE,
    START,
    TASK_ARN,
    TASK_ID,
    api_call,
    at,
    sync_definition,
    sync_history,
)
from tests.sources.clocks import ManualClock
from tests.sources.loopback import Refusal, Stub, client_at, stubbed
from tests.sources.simulation import Watched
from tests.sources.test_archive import (
    IDS,
    OURS,
    STAMP,
    TEN_DAYS,
    context_of,
    delivered,
    gathered,
    key_of,
    known,
    packed,
    put,
    redriven_late,
    search,
)

sqlglot: Any = pytest.importorskip("sqlglot", reason="parses SQL; in the dev extra")
duckdb: Any = pytest.importorskip("duckdb", reason="runs SQL; in the dev extra")

LATER = START + timedelta(days=1)
ID = "3a1f4c0e-9f53-4a58-8f7e-0c5d2b1e6a90"
STORE = f"arn:aws:cloudtrail:us-west-2:123456789012:eventdatastore/{ID}"
TABLE = TrailTable('"default"."cloudtrail_logs"')
LAKE = replace(lake_table(STORE)[1], name="store")
ENGINES = ("athena", "trino", "presto", "duckdb")
Json = Mapping[str, Any]
OPTIONS: Json = {"athena": "trail.logs", "lake": STORE}


# -- the statement ---------------------------------------------------------------------

hostile = st.text(max_size=20) | st.sampled_from(
    ["'; DROP TABLE x; --", "\\' OR 1=1 --", "/* */", "a_b!", "\n--", "{}", "%"]
)
NAME = frozenset(f"{ascii_letters}{digits}_+=,.@-")
"""What IAM makes a role's name of."""
names = st.text(alphabet=sorted(NAME), min_size=1, max_size=12)


def question(**more: Any) -> Question:
    return Question(
        **{
            "queries": ((REGION, "ecs.amazonaws.com"),),
            "roles": frozenset({"a-role"}),
            "accounts": frozenset({ACCOUNT}),
            "since": START,
            "until": START + timedelta(minutes=5),
            **more,
        }
    )


def parsed(sql: str, engine: str) -> Any:
    """Parse the one statement that there is."""
    (only,) = sqlglot.parse(sql, dialect=engine)
    return only


def shape(sql: str, engine: str) -> str:
    """Give a statement without what its literals say."""

    def plain(node: Any) -> Any:
        literal = isinstance(node, sqlglot.exp.Literal)
        return sqlglot.exp.Literal.string("?") if literal else node

    return str(parsed(sql, engine).transform(plain).sql(dialect=engine))


@examples(25)
@given(
    st.lists(hostile, min_size=1, max_size=3, unique=True),
    st.frozensets(names | hostile, max_size=3),
    st.sampled_from([TABLE, LAKE]),
)
def test_whatever_is_asked_for_the_statement_stays_what_it_is(
    regions: list[str], roles: frozenset[str], table: TrailTable
) -> None:
    queries = tuple((region, region) for region in regions)
    sql = select(question(queries=queries, roles=roles), table)
    sound = sum(bool(role) and set(role) <= NAME for role in roles)
    tame = question(
        queries=tuple((f"r{n}", f"s{n}") for n in range(len(regions))),
        roles=frozenset(f"x{n}" for n in range(sound)),
    )
    for engine in ENGINES:
        assert shape(sql, engine) == shape(select(tame, table), engine)
        found = parsed(sql, engine).find_all(sqlglot.exp.Literal)
        assert {each.this for each in found} >= {*map(clean, regions)}


@examples(60)
@given(
    st.datetimes(datetime(2023, 12, 30), datetime(2024, 3, 2), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_the_days_of_the_window_are_read_and_no_others(
    since: datetime, length: timedelta
) -> None:
    until = since + length
    sql = select(question(since=since, until=until), TABLE)
    found = parsed(sql, "athena").find_all(sqlglot.exp.Between)
    (days,) = [each for each in found if each.this.name == "timestamp"]
    low, high = days.args["low"].this, days.args["high"].this
    assert low == f"{since - timedelta(minutes=5):%Y/%m/%d}"
    assert f"{until + timedelta(hours=2):%Y/%m/%d}" <= high
    assert high <= f"{until + timedelta(hours=2, seconds=1):%Y/%m/%d}"


# -- services that answer anything -----------------------------------------------------


def script(*answers: Any) -> Callable[[Json], Any]:
    """Answer with one after the other, and with the last for ever."""
    left = list(answers)

    def answer(_: Json) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


class Asking(Struct):
    """A service that is asked about an execution, which is long over."""

    make: Callable[..., AthenaTrail | LakeTrail]
    stub: Stub
    clock: ManualClock = field(default_factory=lambda: ManualClock(LATER))
    targets: Targets = field(default_factory=known)
    starts: list[datetime] = field(default_factory=list)

    async def run(
        self, also: Callable[[Any, Watched], Any] = lambda *_: None, **more: Any
    ) -> Watched:
        """Ask to the end; `also` is given the source, and told after each batch."""
        context = context_of(self.targets, self.clock, drain=900, **OPTIONS, **more)
        async with client_at(self.stub.url) as aws:
            source = self.make(aws, context)
            return await gathered(source, lambda watched: also(source, watched))

    async def leave(self, operation: str) -> None:
        """Ask, and be gone when an operation was asked for."""
        context = context_of(self.targets, self.clock, **OPTIONS)
        usual = self.stub.answers[operation]
        async with client_at(self.stub.url) as aws, asyncio.TaskGroup() as group:
            task = group.create_task(self.make(aws, context).run(lambda _: None))

            def answer(asked: Json) -> Any:
                task.cancel()
                return usual(asked)

            self.stub.answers[operation] = answer

    def started(self, answer: Any) -> Callable[[Json], Any]:
        def start(_: Json) -> Any:
            self.starts.append(self.clock.at)
            return answer

        return start

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.stub.asked]


def ids(watched: Watched) -> list[Any]:
    return watched.told(RecordKind.ATHENA, "eventid")


# -- Athena ----------------------------------------------------------------------------

ROWS = [
    {
        **dict.fromkeys(RECORD_FIELDS),
        "eventid": record["eventID"],
        "eventtime": record["eventTime"],
        "eventsource": record["eventSource"],
        "eventname": record["eventName"],
        "arn": record["userIdentity"]["arn"],
    }
    for record in OURS
]


def result(rows: Iterable[Json], token: str = "", *, header: bool = True) -> Json:
    """Write GetQueryResults' answer: the names are a row, and null is no value."""
    texts = [list(row.values()) for row in rows]
    cells = [[*RECORD_FIELDS], *texts] if header else texts
    told = [[{"VarCharValue": cell} if cell else {} for cell in row] for row in cells]
    more = {"NextToken": token} if token else {}
    return {"ResultSet": {"Rows": [{"Data": each} for each in told]}, **more}


def state(name: str, scanned: int = 0, **more: Any) -> Json:
    statistics = {"DataScannedInBytes": scanned}
    status = {"State": name, **more}
    return {"QueryExecution": {"Status": status, "Statistics": statistics}}


@pytest.fixture
async def athena() -> AsyncIterator[Asking]:
    """Serve an Athena whose every query succeeds at once, with the seed's rows."""
    async with stubbed() as stub:
        asking = Asking(AthenaTrail, stub)
        stub.answers |= {
            "StartQueryExecution": asking.started({"QueryExecutionId": "q-1"}),
            "GetQueryExecution": script(state("SUCCEEDED", 3 << 20)),
            "GetQueryResults": script(result(ROWS)),
            "StopQueryExecution": script({}),
        }
        yield asking


async def test_a_finished_execution_takes_one_query_in_athena(athena: Asking) -> None:
    watched = await athena.run(athena_workgroup="team", athena_output="s3://results/x/")
    assert [received.record for received in watched.of(RecordKind.ATHENA)] == ROWS
    told = [r.record for r in watched.of(RecordKind.REQUEST)]
    assert [(each["operation"], each["items"]) for each in told] == [
        ("StartQueryExecution", None),
        ("GetQueryExecution", None),
        ("GetQueryResults", 7),
    ]
    last = watched.healths("lookup")[-1]
    assert (last.source, last.state) == ("athena", HealthState.ENDED)
    assert last.message == "Athena scanned 3.0 MiB in 1 query."
    assert last.coverage == LATER - timedelta(minutes=15)
    sent = dict(athena.stub.of("StartQueryExecution")[0])
    sql = sent.pop("QueryString")
    assert len(sent.pop("ClientRequestToken")) == 32
    assert sent == {
        "QueryExecutionContext": {"Database": "trail"},
        "WorkGroup": "team",
        "ResultConfiguration": {"OutputLocation": "s3://results/x/"},
    }
    assert 'FROM "trail"."logs"' in sql
    assert "\"timestamp\" BETWEEN '2023/11/15' AND '2023/11/15'" in sql
    assert f"\"region\" = '{REGION}'" in sql
    assert f"\"account\" = '{ACCOUNT}'" in sql
    assert "eventtime BETWEEN '2023-11-15T00:28:19Z' AND '2023-11-15T00:48:34Z'" in sql
    assert "LIKE '%/StepFunctions-sync-role' ESCAPE '!'" in sql


async def test_results_are_read_page_by_page_and_no_row_twice(athena: Asking) -> None:
    athena.stub.answers["GetQueryResults"] = script(
        result(ROWS[:2], "t-1"),
        result(ROWS[2:5], "t-2", header=False),
        Refusal("InvalidNextTokenException"),
        result(ROWS[:2], "t-1"),
        *[Refusal("TooManyRequestsException")] * 2,
        result(ROWS[1:], header=False),
    )
    watched = await athena.run()
    assert ids(watched) == [row["eventid"] for row in ROWS]
    pages = athena.stub.of("GetQueryResults")
    tokens = [page.get("NextToken") for page in pages]
    assert tokens == [None, "t-1", "t-2", None, "t-1", "t-1", "t-1"]
    assert {page["MaxResults"] for page in pages} == {1000}
    assert HealthState.THROTTLED in watched.states("lookup")
    assert len(athena.starts) == 1


async def test_a_running_execution_is_asked_about_every_few_minutes(
    athena: Asking,
) -> None:
    athena.clock.at = at(20)
    history = [sync_definition(), *sync_history()[:5]]
    athena.targets = known(history=history, finished=False)

    def end(_: Any, __: Watched) -> None:
        if athena.clock.at > at(21 * 60) and not athena.targets.finished:
            athena.targets.watched[0].stopped_at = at(21 * 60)
            athena.targets.watched[0].finish()

    watched = await athena.run(end)
    gaps = [(b - a).total_seconds() for a, b in pairwise(athena.starts)]
    assert athena.starts[0] == at(20)
    assert all(299 <= gap <= 301 for gap in gaps[:-1])
    assert athena.starts[-1] == at(36 * 60)
    sent = athena.stub.of("StartQueryExecution")
    assert len({each["ClientRequestToken"] for each in sent}) == len(sent) == 9
    # What has not happened yet is not asked for.
    assert "AND '2023-11-15T00:28:45Z'" in sent[0]["QueryString"]
    assert watched.states("lookup") == ["connecting", "live", "draining", "ended"]
    assert watched.messages("lookup")[-1] == "Athena scanned 27.0 MiB in 9 queries."


async def test_what_ran_before_a_redrive_is_paid_for_once(athena: Asking) -> None:
    athena.clock.at = at(TEN_DAYS + 600)
    athena.targets = redriven_late()

    def end(_: Any, __: Watched) -> None:
        if athena.clock.at > at(TEN_DAYS + 1800):
            athena.targets.watched[0].stopped_at = at(TEN_DAYS + 1800)
            athena.targets.watched[0].finish()

    await athena.run(end)
    first, *others = [
        each["QueryString"] for each in athena.stub.of("StartQueryExecution")
    ]
    assert "BETWEEN '2023-11-15T00:28:" in first
    assert len(others) > 3
    assert all("BETWEEN '2023-11-25T00:28:" in each for each in others)


async def test_a_start_that_was_not_answered_is_the_same_query_again(
    athena: Asking,
) -> None:
    fault = Refusal("InternalServerException", status=500)
    start = script(fault, fault, fault, {"QueryExecutionId": "q-1"})
    athena.stub.answers["StartQueryExecution"] = start
    watched = await athena.run()
    sent = athena.stub.of("StartQueryExecution")
    assert len(sent) == 4
    assert len({json.dumps(each, sort_keys=True) for each in sent}) == 1
    assert len(ids(watched)) == 6


MISSING = "SYNTAX_ERROR: line 1:8: Table does not exist"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            state(
                "FAILED", StateChangeReason=MISSING, AthenaError={"ErrorCategory": 2}
            ),
            f"Athena's query on trail.logs: FAILED. {MISSING}. Check the table's name",
        ),
        (
            state("CANCELLED", StateChangeReason="Bytes scanned limit was exceeded"),
            "query on trail.logs: CANCELLED. Bytes scanned limit was exceeded.",
        ),
    ],
)
async def test_what_athena_will_not_do_is_said_for_good(
    athena: Asking, answer: Any, said: str
) -> None:
    athena.stub.answers["GetQueryExecution"] = script(answer)
    watched = await athena.run()
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert said in watched.messages("lookup")[-1]
    assert len(athena.starts) == 1


async def test_what_athena_could_not_do_is_tried_again_as_another_query(
    athena: Asking,
) -> None:
    error = {"ErrorCategory": 1, "ErrorMessage": "internal \x1b[2J"}
    failed = state("FAILED", 1 << 20, AthenaError=error)
    well = state("SUCCEEDED", 1 << 20)
    athena.stub.answers["GetQueryExecution"] = script(failed, well)
    watched = await athena.run()
    one, other = athena.starts
    assert other - one >= timedelta(seconds=180)
    sent = athena.stub.of("StartQueryExecution")
    assert len({each["ClientRequestToken"] for each in sent}) == 2
    assert len(ids(watched)) == 6
    assert "internal \u241b[2J." in watched.messages("lookup")[0]
    assert watched.messages("lookup")[-1] == "Athena scanned 2.0 MiB in 2 queries."


async def test_queries_that_fail_again_and_again_are_not_paid_for_without_end(
    athena: Asking,
) -> None:
    athena.stub.answers["GetQueryExecution"] = script(state("FAILED"))
    watched = await athena.run()
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert len(athena.starts) == 3


async def test_a_query_that_nobody_waits_for_is_stopped(athena: Asking) -> None:
    athena.stub.answers["GetQueryExecution"] = script(state("RUNNING"))
    await athena.leave("GetQueryExecution")
    (stop,) = athena.stub.of("StopQueryExecution")
    assert stop == {"QueryExecutionId": "q-1"}
    athena.stub.answers["StopQueryExecution"] = script(Refusal("AccessDeniedException"))
    await athena.leave("GetQueryExecution")
    athena.stub.answers["GetQueryExecution"] = script(state("SUCCEEDED"))
    athena.stub.answers["GetQueryResults"] = script(result(ROWS, "t-1"))
    athena.stub.asked.clear()
    await athena.leave("GetQueryResults")
    assert "StopQueryExecution" not in athena.operations, "it has run"


async def test_what_becomes_known_late_is_asked_for_and_a_drain_can_be_ended(
    athena: Asking,
) -> None:
    athena.clock.at = at(309 + 60)
    running = [state("RUNNING")] * 3
    athena.stub.answers["GetQueryExecution"] = script(*running, state("SUCCEEDED"))

    def rows(_: Json) -> Any:
        if len(athena.starts) == 2:
            athena.targets.roles.add("late-role")
        return result(ROWS)

    athena.stub.answers["GetQueryResults"] = rows
    await athena.run(lambda source, _: athena.starts and source.end_drain())
    sent = athena.stub.of("StartQueryExecution")
    assert ["late-role" in each["QueryString"] for each in sent] == [False, False, True]
    assert at(309 + 60 + 6) <= athena.clock.at < at(309 + 3 * 60)


# -- Lake ------------------------------------------------------------------------------


def cells(record: Json) -> list[Json]:
    """Write a row as GetQueryResults does: a list of cells, and maps hold texts."""
    identity = record["userIdentity"]
    row = {
        "eventID": record["eventID"],
        "eventtime": record["eventTime"].replace("T", " ").replace("Z", ".000"),
        "eventSource": record["eventSource"],
        "eventName": record["eventName"],
        "arn": identity["arn"],
        "issuerarn": identity["sessionContext"]["sessionIssuer"]["arn"],
        "errorcode": "",
        "invokedby": identity["invokedBy"],
    }
    for name in ("requestParameters", "responseElements"):
        items = (record[name] or {}).items()
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in items}
        row |= {name: json.dumps(texts)} if texts else {}
    return [{name: value} for name, value in row.items()]


def answer(status: str = "FINISHED", rows: Iterable[Json] = (), **more: Any) -> Json:
    statistics = {"BytesScanned": 5 << 20}
    told = {"QueryStatus": status, "QueryStatistics": statistics}
    return {**told, "QueryResultRows": [cells(record) for record in rows], **more}


@pytest.fixture
async def lake() -> AsyncIterator[Asking]:
    """Serve a Lake whose every query is finished at once, with the seed's rows."""
    async with stubbed() as stub:
        asking = Asking(LakeTrail, stub)
        stub.answers |= {
            "StartQuery": asking.started({"QueryId": ID}),
            "GetQueryResults": script(answer(rows=OURS)),
            "CancelQuery": script({"QueryId": ID, "QueryStatus": "CANCELLED"}),
        }
        yield asking


async def test_a_finished_execution_takes_one_query_in_lake(lake: Asking) -> None:
    lake.stub.answers["GetQueryResults"] = script(
        answer("QUEUED"),
        answer(),
        answer(rows=OURS[:3], NextToken="t-1234"),
        Refusal("InvalidNextTokenException"),
        answer(rows=OURS),
    )
    watched = await lake.run()
    assert sorted(ids(watched)) == IDS
    assert lake.operations == ["StartQuery", *["GetQueryResults"] * 5]
    assert {each.region for each in lake.stub.asked} == {"us-west-2"}
    last = watched.healths("lookup")[-1]
    assert (last.source, last.state) == ("lake", HealthState.ENDED)
    assert last.message == "CloudTrail Lake scanned 5.0 MiB in 1 query."
    (start,) = lake.stub.of("StartQuery")
    sql = start["QueryStatement"]
    assert f"\nFROM {ID}\n" in sql
    assert "eventtime BETWEEN '2023-11-15 00:28:19' AND '2023-11-15 00:48:34'" in sql
    assert "json_format(CAST(requestParameters AS JSON)) AS requestparameters" in sql
    # What was nested is JSON again, and its ids are found.
    run = watched.of(RecordKind.ATHENA)[0]
    call, inner = decode_call(run)
    assert ids_in(inner) >= {TASK_ARN, TASK_ID, "my-cluster"}
    assert (call.event_time, call.error_code, call.whole) == (at(0.898), None, True)


async def test_a_map_of_lake_s_that_is_no_json_is_left_as_it_is(lake: Asking) -> None:
    odd = [*cells(OURS[0])[:-2], {"requestParameters": "{cluster=c, tasks=[x]}"}]
    told = {**answer(), "QueryResultRows": [odd]}
    lake.stub.answers["GetQueryResults"] = script(told)
    watched = await lake.run()
    assert watched.told(RecordKind.ATHENA, "requestparameters") == [
        "{cluster=c, tasks=[x]}"
    ]


FAILED = answer("FAILED", ErrorMessage="the \x1b query failed.")


@pytest.mark.parametrize(
    ("results", "starts", "state", "said"),
    [
        (FAILED, 2, "ended", f"query on {STORE}: FAILED. the \u241b query failed."),
        (answer("CANCELLED"), 1, "refused", f"query on {STORE}: CANCELLED."),
    ],
)
async def test_what_lake_says_no_to_is_tried_again_if_that_may_help(
    lake: Asking, results: Any, starts: int, state: str, said: str
) -> None:
    lake.stub.answers["GetQueryResults"] = script(results, answer(rows=OURS))
    watched = await lake.run()
    assert said in watched.messages("lookup")[0]
    assert watched.states("lookup")[-1] == state
    assert len(lake.starts) == starts
    assert len(ids(watched)) == (6 if state == "ended" else 0)
    assert all((b - a).total_seconds() >= 180 for a, b in pairwise(lake.starts))


def of_athena(table: str, **more: Any) -> Callable[[], Any]:
    return partial(athena_place, CallOptions(athena=table, **more))


NO_STORES = ["", ID, STORE.upper(), f"{STORE}; DROP", f"{STORE}\n"]
NO_TABLES = ["", 'a"; --', "a.b.c", ".", "-a", "a" * 256, "é"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        *[(of_athena(name), "sfnwatch athena-ddl") for name in NO_TABLES],
        (of_athena("t", athena_partitions=("day",)), "no partition column"),
        *[(partial(lake_table, arn), "no ARN of an event data") for arn in NO_STORES],
    ],
)
def test_what_can_be_no_name_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


# -- DuckDB ----------------------------------------------------------------------------

OTHER = api_call("RunTask", 2, key="other", role=ROLE.replace("role/", "role/o-"))
AMID = [
    api_call("StopTask", 20, key="m-1", parameters={"task": "x", "é": ["\u2028", 1.5]}),
    api_call("ListTasks", 30, key="m-2", error=("ThrottlingException", 'it\'s "slow"')),
    api_call("ListTasks", 31, key="m-3", role=ROLE.replace("role/", "role/a/path/")),
    api_call("ListTasks", 32, key="m-4", invoked_by=None),
]


async def by_duckdb(
    folder: Path, targets: Targets | None = None, **more: Any
) -> Watched:
    context = context_of(targets, archive=str(folder), **more)
    return await gathered(DuckTrail(None, context))


async def test_duckdb_finds_what_the_archive_finds_and_reads_the_same_out_of_it(
    tmp_path: Path,
) -> None:
    put(tmp_path / "it's [a]*?", delivered([*OURS, OTHER, *AMID]))
    put(tmp_path, {key_of(START, region="us-east-1"): b"not to be read"})
    asked, read = await by_duckdb(tmp_path), await search(tmp_path)
    rows, records = asked.of(RecordKind.ATHENA), read.of(RecordKind.TRAIL)
    assert len(rows) == 10
    for row, record in zip(
        sorted(rows, key=lambda r: str(r.record["eventid"])),
        sorted(records, key=lambda r: str(r.record["eventID"])),
        strict=True,
    ):
        by_row, inner = decode_call(row)
        by_record, outer = decode_call(record)
        by_record.kind = by_row.kind
        assert by_row == by_record
        assert inner["requestParameters"] == outer["requestParameters"]
        assert inner["responseElements"] == outer["responseElements"]
    last = asked.healths("lookup")[-1]
    assert (last.source, last.state, last.message) == ("archive", "ended", "")
    assert last.coverage == read.healths("lookup")[-1].coverage


async def test_a_role_known_late_has_what_was_read_asked_again(tmp_path: Path) -> None:
    files = {
        key_of(STAMP): packed([OURS[0], OTHER]),
        key_of(STAMP, 1): packed(OURS[1:]),
    }
    put(tmp_path, files)
    targets = known()

    def learn(watched: Watched) -> None:
        if ids(watched):
            targets.roles.add("o-StepFunctions-sync-role")

    source = DuckTrail(None, context_of(targets, archive=str(tmp_path)))
    assert sorted(ids(await gathered(source, learn))) == ["other", *IDS]


WHOSE = {
    "ours": ROLE,
    "path": ROLE.replace("role/", "role/service-role/"),
    "longer": f"{ROLE}-2",
    "at the front": ROLE.replace("role/", "role/not-"),
    "pattern": ROLE.replace("-", "_"),
}


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({ROLE.rpartition("/")[2]}, {"ours", "path", "alone", "first", "last"}),
        ({"StepFunctions_sync_role"}, {"pattern"}),
        ({"StepFunctions%", "x' OR '1'='1"}, set()),
        (set(), {*WHOSE, "alone", "first", "last"}),
    ],
)
async def test_what_the_statement_finds_is_of_the_role_the_service_and_the_time(
    tmp_path: Path, roles: set[str], expected: set[str]
) -> None:
    records = [
        api_call("RunTask", 1, key=key, role=role) for key, role in WHOSE.items()
    ]
    alone = api_call("RunTask", 1, key="alone", invoked_by="states.x.amazonaws.com")
    del alone["userIdentity"]["sessionContext"]
    records += [
        alone,
        api_call("GetObject", 1, key="service", source="s3.amazonaws.com"),
        {**api_call("RunTask", 1, key="Region"), "awsRegion": "us-east-1"},
        api_call("RunTask", -5, key="before"),
        api_call("RunTask", -4, key="first"),
        api_call("RunTask", 309 + 900, key="last"),
        api_call("RunTask", 309 + 901, key="after"),
    ]
    put(tmp_path, {"x.json.gz": packed(records)})
    targets = known()
    targets.roles = roles
    assert {*ids(await by_duckdb(tmp_path, targets))} == expected


async def test_one_bad_file_is_named_and_of_a_torn_one_what_is_whole_is_asked(
    tmp_path: Path,
) -> None:
    odd = {**OURS[0], "errorMessage": "half \ud800 of it"}
    torn = json.dumps({"Records": OURS}).encode()[:-30]
    put(tmp_path, {"a-odd.json.gz": packed([odd]), "b-torn.json": torn})
    watched = await by_duckdb(tmp_path)
    assert sorted(ids(watched)) == IDS[:4] + IDS[5:]
    (message,) = watched.messages("lookup")
    assert message.startswith("2 of the trail's 2 files could not be read whole: a-odd")
    assert "Malformed JSON" in message
    assert "SELECT" not in message
