"""One question in SQL: nothing gets out of a literal, nothing wanted is left out."""

from datetime import UTC, datetime, timedelta
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfnwatch.sources.trail_sql import (
    COLUMNS,
    Question,
    Table,
    identifier,
    literal,
    select,
    table_name,
)
from sfnwatch.trace.calls import _WHOLE, _states

sqlglot: Any = pytest.importorskip("sqlglot", reason="parses SQL; in the dev extra")
duckdb: Any = pytest.importorskip("duckdb", reason="runs SQL; in the dev extra")

AT = datetime(2023, 11, 15, 0, 28, 24, 102000, UTC)
TABLE = Table(table_name("default", "cloudtrail_logs"))
LAKE = Table(
    "t",
    day=None,
    region=None,
    account=None,
    time="%Y-%m-%d %H:%M:%S",
    payload="json_format(CAST({} AS JSON))",
)
ENGINES = ("athena", "trino", "presto", "duckdb")
hostile = st.text(max_size=20) | st.sampled_from(
    [
        "'; DROP TABLE x; --",
        "' OR ''='",
        "\\' OR 1=1 --",
        "''",
        "/* */",
        "%",
        "a_b!",
        "\n--",
        "\u2019",
        "{}",
        "$(x)${y}",
    ]
)


def question(**more: Any) -> Question:
    known: dict[str, Any] = {
        "queries": (("eu-west-1", "ecs.amazonaws.com"),),
        "roles": frozenset({"a-role"}),
        "accounts": ("123456789012",),
        "since": AT,
        "until": AT + timedelta(minutes=5),
    }
    return Question(**{**known, **more})


def parsed(sql: str, engine: str) -> Any:
    """Parse the one statement that there is."""
    (only,) = sqlglot.parse(sql, dialect=engine)
    return only


def literals(sql: str, engine: str) -> list[str]:
    return [
        each.this
        for each in parsed(sql, engine).find_all(sqlglot.exp.Literal)
        if each.is_string
    ]


def shape(sql: str, engine: str) -> str:
    """Give a statement without what its literals say."""

    def plain(node: Any) -> Any:
        if isinstance(node, sqlglot.exp.Literal):
            return sqlglot.exp.Literal.string("?")
        return node

    return str(parsed(sql, engine).transform(plain).sql(dialect=engine))


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_a_literal_says_what_was_given_and_nothing_more(text: str) -> None:
    try:
        written = literal(text)
    except ValueError:
        assert "\0" in text
        return
    (row,) = duckdb.sql(f"SELECT {written} AS a").fetchall()
    assert row == (text,)
    for engine in ENGINES:
        assert literals(f"SELECT {written} AS a", engine) == [text]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no text"):
        literal(text)


NAME = frozenset(f"{ascii_letters}{digits}_+=,.@-")
"""What IAM makes a role's name of."""
names = st.text(alphabet=sorted(NAME), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(hostile, min_size=1, max_size=3, unique=True),
    st.frozensets(names | hostile, max_size=3),
    st.lists(hostile, min_size=1, max_size=2, unique=True),
    st.sampled_from([TABLE, LAKE]),
)
@example([""], frozenset(), ["\0"], LAKE)
@example(["r"], frozenset(), ["\0"], TABLE)
def test_whatever_is_asked_for_the_statement_stays_what_it_is(
    regions: list[str], roles: frozenset[str], accounts: list[str], table: Table
) -> None:
    asked = {
        "queries": tuple((region, region) for region in regions),
        "roles": roles,
        "accounts": tuple(accounts),
    }
    # A table without an account's column is not asked for one.
    told = (*regions, *(accounts if table.account else ()))
    if any("\0" in text for text in told):
        with pytest.raises(ValueError, match="no text"):
            select(question(**asked), table)
        return
    sql = select(question(**asked), table)
    sound = [r for r in roles if r.isascii() and set(r) <= NAME and r]
    tame = {
        "queries": tuple((f"r{n}", f"s{n}") for n in range(len(regions))),
        "roles": frozenset(f"x{n}" for n in range(len(sound))),
        "accounts": tuple(f"a{n}" for n in range(len(accounts))),
    }
    usual = select(question(**tame), table)
    for engine in ENGINES:
        assert shape(sql, engine) == shape(usual, engine)
        assert set(literals(sql, engine)) >= {*regions}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12))
def test_a_name_is_one_or_refused(name: str) -> None:
    try:
        written = identifier(name)
    except ValueError:
        assert not (name and name.isascii() and name.replace("_", "a").isalnum())
        return
    assert written == f'"{name}"'
    assert '"' not in name
    for engine in ENGINES:
        (column,) = parsed(f"SELECT {written}", engine).find_all(sqlglot.exp.Column)
        assert column.name == name


@pytest.mark.parametrize("name", ['a"; --', "", "-a", "a.b", "a" * 256, "é"])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        table_name("default", name)


# -- what it finds -------------------------------------------------------------------


def among(rows: list[dict[str, Any]], asked: Question) -> set[str]:
    """Run the statement over rows; gives the ids of those that it finds."""
    texts = ("timestamp", "region", "account", *COLUMNS)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE trail (useridentity STRUCT(arn VARCHAR, accountid VARCHAR,"
            " invokedby VARCHAR, sessioncontext STRUCT(sessionissuer STRUCT(arn"
            " VARCHAR))), "
            + ", ".join(
                f'"{name}" VARCHAR'
                for name in texts
                if "." not in COLUMNS.get(name, "")
            )
            + ")"
        )
        for row in rows:
            marks = ", ".join(f"${name}" for name in row)
            names = ", ".join(f'"{name}"' for name in row)
            connection.execute(
                f"INSERT INTO trail ({names}) VALUES ({marks})",  # noqa: S608
                row,
            )
        found = connection.execute(select(asked, Table("trail"))).fetchall()
    return {row[0] for row in found}


def row(key: str, **more: Any) -> dict[str, Any]:
    role = more.pop("role", "a-role")
    session = f"arn:aws:sts::123456789012:assumed-role/{role}/xyz"
    issuer = f"arn:aws:iam::123456789012:role/{role}"
    return {
        "timestamp": "2023/11/15",
        "region": "eu-west-1",
        "account": "123456789012",
        "awsregion": "eu-west-1",
        "eventid": key,
        "eventsource": "ecs.amazonaws.com",
        "eventtime": "2023-11-15T00:28:30Z",
        "sourceipaddress": more.pop("address", "10.0.0.1"),
        "useridentity": {
            "arn": more.pop("arn", session),
            "accountid": None,
            "invokedby": more.pop("invoked_by", None),
            "sessioncontext": {"sessionissuer": {"arn": more.pop("issuer", issuer)}},
        },
        **more,
    }


def test_only_what_is_asked_for_is_found() -> None:
    rows = [
        row("it"),
        row("path", issuer="arn:aws:iam::123456789012:role/service-role/a-role"),
        row("session alone", issuer=None),
        row("another role", role="b-role"),
        row("a longer name", role="a-role2"),
        row("a longer name at the front", role="not-a-role"),
        row("another service", eventsource="s3.amazonaws.com"),
        row("another Region", awsregion="us-east-1"),
        row("another partition", region="us-east-1"),
        row("another account", account="210987654321"),
        row("another day", timestamp="2023/11/17"),
        row("before", eventtime="2023-11-15T00:28:23Z"),
        row("at once", eventtime="2023-11-15T00:28:24Z"),
        row("at last", eventtime="2023-11-15T00:33:25Z"),
        row("after", eventtime="2023-11-15T00:33:26Z"),
    ]
    found = among(rows, question())
    assert found == {"it", "path", "session alone", "at once", "at last"}


def test_each_region_is_asked_for_what_is_called_there() -> None:
    queries = (("eu-west-1", "ecs.amazonaws.com"), ("us-east-1", "iam.amazonaws.com"))
    there = {"awsregion": "us-east-1", "region": "us-east-1"}
    rows = [
        row("ecs"),
        row("iam", eventsource="iam.amazonaws.com", **there),
        row("iam here", eventsource="iam.amazonaws.com"),
        row("ecs there", **there),
    ]
    assert among(rows, question(queries=queries)) == {"ecs", "iam"}


@settings(max_examples=60, deadline=None)
@given(names, names)
def test_a_role_is_found_by_its_name_and_no_other_is(one: str, other: str) -> None:
    rows = [row("one", role=one), row("other", role=other)]
    found = among(rows, question(roles=frozenset({one})))
    assert found == ({"one", "other"} if one == other else {"one"})


@pytest.mark.parametrize("pattern", ["a_role", "a%role", "a!role"])
def test_a_name_is_no_pattern(pattern: str) -> None:
    rows = [row("other", role="a-role"), row("it", role=pattern)]
    found = among(rows, question(roles=frozenset({pattern, "z"})))
    assert found == ({"it"} if pattern == "a_role" else set())


SPELT = [
    "states.amazonaws.com",
    "states.amazonaws.com.cn",
    "states.us-gov-west-1.amazonaws.com",
    "states.eu-west-1.amazonaws.com",
]


@pytest.mark.parametrize("spelt", SPELT)
@pytest.mark.parametrize("column", ["invoked_by", "address"])
def test_without_a_role_all_that_step_functions_made_is_found(
    spelt: str, column: str
) -> None:
    assert _states(spelt)
    rows = [row("it", **{column: spelt}), row("other", address="ecs.amazonaws.com")]
    assert among(rows, question(roles=frozenset())) == {"it"}


def test_too_many_roles_are_not_named_one_by_one() -> None:
    many = frozenset(f"role-{n:04}" for n in range(500))
    long = select(question(roles=many), TABLE)
    short = select(question(roles=many), TABLE, 10_000)
    assert len(long) > 10_000 > len(short)
    assert short == select(question(roles=frozenset()), TABLE)
    assert among([row("it", invoked_by=SPELT[0])], question(roles=frozenset()))


def test_a_name_that_iam_gives_no_role_is_not_asked_for() -> None:
    assert "''" not in select(question(roles=frozenset({"x' OR '1'='1"})), TABLE)


# -- partitions ----------------------------------------------------------------------

times = st.datetimes(datetime(2019, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
edges = st.sampled_from(
    [
        datetime(2023, 12, 31, 23, 59, 59, 999_000, UTC),
        datetime(2024, 2, 29, 22, 0, 0, 0, UTC),
        datetime(2024, 3, 1, 0, 0, 0, 0, UTC),
        datetime(2023, 11, 30, 23, 58, 0, 0, UTC),
    ]
)


def days_of(sql: str) -> tuple[str, str]:
    found = parsed(sql, "athena").find_all(sqlglot.exp.Between)
    (days,) = [each for each in found if each.this.name == "timestamp"]
    return days.args["low"].this, days.args["high"].this


@settings(max_examples=60, deadline=None)
@given(
    times | edges,
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(minutes=110)),
)
def test_the_days_of_the_window_are_read_and_no_others(
    since: datetime, length: timedelta, late: timedelta
) -> None:
    until = since + length
    low, high = days_of(select(question(since=since, until=until), TABLE))
    assert f"{since:%Y/%m/%d}" >= low >= f"{since - timedelta(minutes=6):%Y/%m/%d}"
    assert high >= f"{until + late:%Y/%m/%d}"
    assert high <= f"{until + timedelta(hours=2, seconds=1):%Y/%m/%d}"


def test_an_afternoon_is_read_from_one_day_of_one_region_and_account() -> None:
    since = datetime(2023, 11, 15, 14, 0, tzinfo=UTC)
    sql = select(question(since=since, until=since + timedelta(hours=1)), TABLE)
    assert "\"timestamp\" BETWEEN '2023/11/15' AND '2023/11/15'" in sql
    assert "\"region\" = 'eu-west-1'" in sql
    assert "\"account\" = '123456789012'" in sql
    assert sql.count("2023/") == 2


def test_a_table_that_has_no_such_partition_is_not_asked_for_it() -> None:
    sql = select(question(), Table("t", region=None, account=None))
    columns = {each.name for each in parsed(sql, "athena").find_all(sqlglot.exp.Column)}
    assert "timestamp" in columns
    assert not columns & {"region", "account"}


def test_a_row_has_all_that_makes_a_call_whole() -> None:
    assert set(COLUMNS) == set(_WHOLE)
    names = [
        e.alias_or_name for e in parsed(select(question(), LAKE), "presto").selects
    ]
    assert names == list(COLUMNS)
