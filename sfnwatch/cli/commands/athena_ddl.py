"""The command that prints the statement of a table for --athena.

The table's columns and SerDe are those of AWS's documentation. That has one partition
column, the day; this table also has the account and the Region, and all three are
projected.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from string import Template
from typing import Any

import click

from sfnwatch.cli.narration import put
from sfnwatch.cli.parameter_types import SINCE, Parsed, form, matched
from sfnwatch.cli.settable_option import option
from sfnwatch.templates import read_template


def _root(bucket: str) -> str:
    """Return the folder that has `AWSLogs` in it; raises ValueError."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/").removesuffix("AWSLogs").strip("/")
    matched(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
    matched(r"[A-Za-z0-9!_.*()/=-]*", prefix)
    if prefix:
        return f"s3://{name}/{prefix}/"
    return f"s3://{name}/"


_TRAIL = Parsed(_root, "bucket of a trail", "BUCKET or s3://BUCKET/PREFIX")
_ID = Parsed(form(r"[0-9]{12}"), "ID", "123456789012")
_REGION = Parsed(form(r"[a-z]{2,}(-[a-z]+)+-[0-9]+"), "Region", "eu-west-1")
_ORGANIZATION = Parsed(
    form(r"o-[a-z0-9]{10,32}"), "organization's ID", "o-exampleorgid"
)
_NAME = Parsed(form(r"[a-z0-9_]{1,128}"), "name", "cloudtrail_logs")


@click.command("athena-ddl")
@click.argument("root", type=_TRAIL, metavar="BUCKET|s3://BUCKET/PREFIX")
@option("--account", "An account's ID.", dest="accounts", type=_ID, multiple=True)
@option(
    "--region", "A Region.", dest="regions", type=_REGION, multiple=True, required=True
)
@option("--organization o-ID", "For an organization's trail.", type=_ORGANIZATION)
@option(
    "--since",
    "The trail's first day; 90 days ago, if not given.",
    type=SINCE,
    default="90d",
    show_default=False,
)
@option("--table", "", type=_NAME, default="cloudtrail_logs")
def athena_ddl(root: str, table: str, **asked: Any) -> None:
    """Print the statement that makes a table over a trail; nothing is applied.

    Its partitions are projected: a query reads the files of the days, the account and
    the Region it names, and no crawler is needed. Give each account and Region that
    you want to query; without accounts each query must name one.

    \b
    sfnwatch athena-ddl s3://my-trail --account 123456789012 --region eu-west-1
    """
    first: datetime | timedelta = asked["since"]
    if isinstance(first, timedelta):
        first = datetime.now(UTC) - first
    location = f"{root}AWSLogs/"
    if asked["organization"]:
        location += f"{asked['organization']}/"
    properties = (
        *_projection("account", asked["accounts"]),
        *_projection("region", asked["regions"]),
    )
    statement = Template(read_template("athena_table.sql")).substitute(
        table=table,
        location=location,
        projected="\n".join(properties),
        first=f"{first:%Y/%m/%d}",
    )
    put(statement)


def _projection(column: str, values: Sequence[str]) -> Iterator[str]:
    """Yield the properties that project a column: from values, or from each query.

    Without values, each query must name one. That suits the accounts of an
    organization's trail, which come and go.
    """
    if not values:
        yield f"  'projection.{column}.type' = 'injected',"
        return
    distinct_values = ",".join(dict.fromkeys(values))
    yield f"  'projection.{column}.type' = 'enum',"
    yield f"  'projection.{column}.values' = '{distinct_values}',"
