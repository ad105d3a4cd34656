"""The CREATE statement of the table that Athena is asked."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.athena_ddl import athena_ddl
from sfnwatch.errors import UsageError
from sfnwatch.sources.athena import PARTITIONS
from sfnwatch.sources.trail_sql import COLUMNS, Question, Table, select

sqlglot: Any = pytest.importorskip("sqlglot", reason="parses SQL; in the dev extra")

ACCOUNTS = ("123456789012", "210987654321")
REGIONS = ("eu-west-1", "us-east-1")
ENGINES = ("athena", "hive")


def ddl(**more: Any) -> str:
    known: dict[str, Any] = {
        "bucket": "trail-bucket",
        "accounts": ACCOUNTS,
        "regions": REGIONS,
        "start_date": date(2023, 1, 31),
    }
    return athena_ddl(**{**known, **more})


def parsed(text: str, engine: str = "hive") -> Any:
    (only,) = sqlglot.parse(text, dialect=engine)
    assert isinstance(only, sqlglot.exp.Create)
    return only


def properties(text: str) -> dict[str, str]:
    return dict(re.findall(r"'([a-z.]+)' = '([^']*)'", text))


def location(text: str) -> str:
    (found,) = re.findall(r"LOCATION '([^']*)'", text)
    return str(found)


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_one_statement_that_hive_and_athena_parse(engine: str) -> None:
    create = parsed(ddl(), engine)
    assert create.this.this.name == "cloudtrail_logs"
    columns = {
        each.name.lower()
        for each in create.this.expressions
        if isinstance(each, sqlglot.exp.ColumnDef)
    }
    asked = {path.partition(".")[0] for path in COLUMNS.values()}
    assert asked <= columns


def test_its_partition_columns_are_those_that_are_asked_for() -> None:
    (inside,) = re.findall(r"PARTITIONED BY \((.*)\)\n", ddl())
    assert set(re.findall(r"`?(\w+)`? STRING", inside)) == set(PARTITIONS)
    question = Question(
        (("eu-west-1", "ecs.amazonaws.com"),),
        frozenset(),
        ACCOUNTS[:1],
        datetime(2023, 2, 1, tzinfo=UTC),
        datetime(2023, 2, 1, tzinfo=UTC),
    )
    asked = select(question, Table("t"))
    assert all(f'"{name}" ' in asked for name in PARTITIONS)


def test_every_struct_that_is_asked_into_is_declared() -> None:
    (identity,) = [
        each
        for each in parsed(ddl()).this.expressions
        if getattr(each, "name", "") == "useridentity"
    ]
    written = identity.sql(dialect="hive").lower()
    for path in COLUMNS.values():
        for part in path.split(".")[1:]:
            assert f"{part}:" in written.replace(" :", ":")


def test_its_partitions_are_projected_to_where_cloudtrail_puts_files() -> None:
    told = properties(ddl())
    assert told["projection.enabled"] == "true"
    assert told["projection.account.type"] == "enum"
    assert told["projection.account.values"] == "123456789012,210987654321"
    assert told["projection.region.values"] == "eu-west-1,us-east-1"
    assert told["projection.timestamp.type"] == "date"
    assert told["projection.timestamp.format"] == "yyyy/MM/dd"
    assert told["projection.timestamp.range"] == "2023/01/31,NOW"
    assert told["projection.timestamp.interval.unit"] == "DAYS"
    template = told["storage.location.template"]
    assert template.startswith(location(ddl()))
    filled = template
    for name, value in {
        "account": ACCOUNTS[0],
        "region": REGIONS[0],
        "timestamp": "2023/11/15",
    }.items():
        assert filled.count(f"${{{name}}}") == 1
        filled = filled.replace(f"${{{name}}}", value)
    assert filled == (
        "s3://trail-bucket/AWSLogs/123456789012/CloudTrail/eu-west-1/2023/11/15"
    )


@pytest.mark.parametrize(
    ("given_as", "place"),
    [
        ("b-1", "s3://b-1/AWSLogs/"),
        ("s3://b-1", "s3://b-1/AWSLogs/"),
        ("s3://b-1/", "s3://b-1/AWSLogs/"),
        ("s3://b-1/some/prefix/", "s3://b-1/some/prefix/AWSLogs/"),
        ("b-1/prefix/AWSLogs/", "s3://b-1/prefix/AWSLogs/"),
        ("s3://b-1/AWSLogs", "s3://b-1/AWSLogs/"),
    ],
)
def test_a_bucket_is_taken_as_people_write_it(given_as: str, place: str) -> None:
    assert location(ddl(bucket=given_as)) == place


def test_an_organization_has_a_folder_and_its_accounts_need_no_list() -> None:
    text = ddl(organization="o-abcdef1234", accounts=())
    assert location(text) == "s3://trail-bucket/AWSLogs/o-abcdef1234/"
    told = properties(text)
    assert told["projection.account.type"] == "injected"
    assert "projection.account.values" not in told
    assert parsed(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bucket": "B'; DROP"}, "no bucket"),
        ({"bucket": "b-1/it's"}, "no bucket"),
        ({"bucket": "b-1/${x}"}, "no bucket"),
        ({"accounts": ("12",)}, "account's id"),
        ({"regions": ("eu-west-1', 'x' = '",)}, "Region's name"),
        ({"regions": ()}, "needs the Regions"),
        ({"organization": "o-'"}, "organization's id"),
        ({"table": "a`b"}, "table's name"),
    ],
)
def test_what_can_be_no_part_of_it_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        ddl(**changes)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=14))
def test_nothing_gets_out_of_its_literals(bucket: str, region: str, org: str) -> None:
    try:
        text = ddl(bucket=bucket, regions=(region,), organization=org)
    except UsageError:
        return
    assert text.count("'") == ddl().count("'")
    assert parsed(text)


@pytest.mark.parametrize("tail", ["\n", "\n'", "'"])
def test_a_last_line_that_a_pattern_may_miss_is_refused(tail: str) -> None:
    for changes in (
        {"accounts": (f"123456789012{tail}",)},
        {"regions": (f"eu-west-1{tail}",)},
        {"organization": f"o-abcdef1234{tail}"},
        {"bucket": f"trail-bucket{tail}"},
    ):
        with pytest.raises(UsageError):
            ddl(**changes)
