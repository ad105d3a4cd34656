"""The commands that print what to set up: none of them touches an account.

What they print is in `templates/`.

- The queue: a rule needs the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS to be
  given calls that only read, such as the DescribeTasks by which Step Functions polls;
  and whatever it says, there are events of API calls only where a trail logs them.
- The lab: the rule by which Step Functions learns of a task's end is not the stack's.
  Step Functions makes it when a `.sync` machine is made, one for the account and
  Region, and both roles must be allowed to.
- The table: its columns and SerDe are those of AWS's documentation. Beyond its one
  partition column, the day, account and Region are two more, and all are projected.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from sfnwatch.cli.narration import put
from sfnwatch.cli.options import SINCE, option
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.model.values import clean

_KEPT = 90
"""Days that Event history goes back: before them a trail alone knows."""
_ECS = "ecs.amazonaws.com"
_MOST = 2_000
"""Characters of the services' names: EventBridge takes a pattern of 4,096."""
_SERVICE = re.compile(r"[a-z0-9.-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*()/=-]*")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_NAME = re.compile(r"[a-z0-9_]{1,128}")


@click.command("iam-policy", short_help="Print the minimal IAM policy.")
@option(
    "--with",
    "features",
    multiple=True,
    metavar="OPTION",
    help="Also for this option: queue, consume, log-group, live-tail, archive,"
    " athena, lake, express, start.",
)
def iam_policy(features: tuple[str, ...]) -> int:
    """Print the minimal IAM policy for watching; all of it only reads.

    What --with adds may do more: `consume` deletes messages that were read. The
    resources are wide: narrow them to your queue, bucket, log group, table.

    \b
    sfnwatch iam-policy > policy.json
    sfnwatch iam-policy --with queue --with start
    """
    from sfnwatch.sources.permissions import Feature
    from sfnwatch.sources.permissions import iam_policy as policy

    known = {str(feature): feature for feature in Feature}
    for name in features:
        if name not in known:
            msg = f"There is no option {clean(name, 100)!r} that needs more."
            raise UsageError(msg, hint=f"There are: {', '.join(known)}.")
    _print_json(policy([known[name] for name in features]))
    return Outcome.SUCCEEDED


@click.command("setup-queue", short_help="Print a template for --queue.")
@click.argument("services", nargs=-1, metavar="[SERVICE…]")
def setup_queue(services: tuple[str, ...]) -> int:
    """Print a CloudFormation template of what --queue needs; nothing is applied.

    A queue, and EventBridge rules that feed it with the calls Step Functions makes and
    with the states of ECS tasks. SERVICES, such as `ecs`, narrow it to theirs. A trail
    must be logging in the account and Region.

    \b
    sfnwatch setup-queue ecs > queue.json
    aws cloudformation deploy --stack-name sfnwatch-queue --template-file queue.json
    """
    _print_json(queue_template(services))
    return Outcome.SUCCEEDED


@click.command(short_help="Print a template of an experiment to watch.")
@option("--with-queue", is_flag=True, help="With what --queue needs; takes a trail.")
def lab(*, with_queue: bool) -> int:
    """Print a CloudFormation template of an experiment; nothing is applied.

    A Fargate task that sleeps for five minutes, and four state machines that run it in
    as many ways: see which calls each makes, and how Step Functions learns that the
    task has stopped. It costs nothing while nothing runs; each execution far below one
    US cent.

    \b
    sfnwatch lab > lab.json
    aws cloudformation deploy --stack-name sfnwatch-lab \\
      --template-file lab.json --capabilities CAPABILITY_IAM
    aws cloudformation describe-stacks --stack-name sfnwatch-lab \\
      --query 'Stacks[0].Outputs'
    aws stepfunctions start-execution --state-machine-arn ARN   # of each
    sfnwatch ARN ARN ARN ARN                                    # of all four
    aws cloudformation delete-stack --stack-name sfnwatch-lab   # when no task runs
    """
    template = _template("lab.json")
    if with_queue:
        for part, more in queue_template([_ECS]).items():
            if isinstance(more, dict):
                template[part] |= more
    _print_json(template)
    return Outcome.SUCCEEDED


@click.command("athena-ddl", short_help="Print a table's statement for --athena.")
@click.argument("bucket", metavar="BUCKET|s3://BUCKET/PREFIX")
@option("--account", "accounts", multiple=True, metavar="ID", help="An account's ID.")
@option("--region", "regions", multiple=True, metavar="REGION", help="A Region.")
@option("--organization", metavar="o-ID", help="For an organization's trail.")
@option(
    "--since",
    type=SINCE,
    help="The trail's first day; 90 days ago, if not given.",
)
@option("--table", metavar="NAME", default="cloudtrail_logs", show_default=True)
def athena_ddl(
    bucket: str,
    *,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    organization: str | None,
    since: datetime | None,
    table: str,
) -> int:
    """Print the statement that makes a table over a trail; nothing is applied.

    Its partitions are projected: a query reads the files of the days, the account and
    the Region it names, and no crawler is needed. Give each account and Region that
    you want to query; without accounts each query must name one.

    \b
    sfnwatch athena-ddl s3://my-trail --account 123456789012 --region eu-west-1
    """
    first = since.date() if since else _first_day()
    statement = table_statement(
        bucket, accounts, regions, first=first, organization=organization, table=table
    )
    put(statement)
    return Outcome.SUCCEEDED


def _first_day() -> date:
    return (datetime.now(UTC) - timedelta(days=_KEPT)).date()


def _template(name: str) -> dict[str, Any]:
    import json

    template: dict[str, Any] = json.loads(_text(name))
    return template


def _text(name: str) -> str:
    from importlib.resources import files

    return (files("sfnwatch.templates") / name).read_text("utf-8")


def _print_json(value: Any) -> None:
    import json

    put(json.dumps(value, indent=2))


# -- the queue -------------------------------------------------------------------------


def queue_template(services: Sequence[str] = ()) -> dict[str, Any]:
    """Give the queue's template, for these services' calls only; all without any.

    They are named as CloudTrail names them: `ecs`, `ecs.amazonaws.com`. Without ECS
    among them there is no rule for its tasks either. Raises UsageError.
    """
    sources = list(dict.fromkeys(map(_event_source, services)))
    if len("".join(sources)) > _MOST:
        msg = "Too many services for one rule: name fewer, or none to have all."
        raise UsageError(msg)
    template = _template("queue.json")
    made = template["Resources"]
    if sources:
        pattern = made["CallsRule"]["Properties"]["EventPattern"]
        pattern["detail"]["eventSource"] = sources
    if sources and _ECS not in sources:
        del made["TasksRule"]
        document = made["QueuePolicy"]["Properties"]["PolicyDocument"]
        rules = document["Statement"][0]["Condition"]["ArnEquals"]
        rules["aws:SourceArn"] = [{"Fn::GetAtt": ["CallsRule", "Arn"]}]
    return template


def _event_source(name: str) -> str:
    """Take a service's name, with or without its ending."""
    short = name.strip().lower().removesuffix(".amazonaws.com")
    if not _SERVICE.fullmatch(short):
        msg = f"{clean(name, 60)!r} is not the name of a service's events."
        raise UsageError(msg, hint=f"Name services as ecs or {_ECS}.")
    return f"{short}.amazonaws.com"


# -- the table -------------------------------------------------------------------------


def table_statement(
    bucket: str,
    accounts: Sequence[str],
    regions: Sequence[str],
    *,
    first: date,
    organization: str | None = None,
    table: str = "cloudtrail_logs",
) -> str:
    """Write the statement; raises UsageError for what can be no part of it.

    `bucket` may be `s3://BUCKET/PREFIX`. With no accounts, each query must name one:
    that is for an organization's trail, whose accounts come and go.
    """
    from string import Template

    _check_parts(accounts, regions, organization, table)
    root = f"{_root(bucket)}AWSLogs/" + (f"{organization}/" if organization else "")
    properties = {
        "projection.enabled": "true",
        **_projected("account", accounts),
        **_projected("region", regions),
        "projection.timestamp.type": "date",
        "projection.timestamp.format": "yyyy/MM/dd",
        "projection.timestamp.interval": "1",
        "projection.timestamp.interval.unit": "DAYS",
        "projection.timestamp.range": f"{first:%Y/%m/%d},NOW",
        "storage.location.template": (
            f"{root}${{account}}/CloudTrail/${{region}}/${{timestamp}}"
        ),
    }
    listed = ",\n".join(f"  '{key}' = '{value}'" for key, value in properties.items())
    statement = Template(_text("athena_table.sql"))
    return statement.substitute(table=table, location=root, properties=listed)


def _projected(column: str, values: Sequence[str]) -> dict[str, str]:
    """Project a column from a list, or from what each query names."""
    kind = f"projection.{column}.type"
    if not values:
        return {kind: "injected"}
    known = ",".join(dict.fromkeys(values))
    return {kind: "enum", f"projection.{column}.values": known}


def _root(bucket: str) -> str:
    """Give the folder in which `AWSLogs` lies."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/").removesuffix("AWSLogs").strip("/")
    if not _BUCKET.fullmatch(name) or not _PREFIX.fullmatch(prefix):
        raise UsageError(
            f"{clean(bucket, 200)} is no bucket that holds a trail.",
            hint="Give it as BUCKET or s3://BUCKET/PREFIX, where AWSLogs lies.",
        )
    return f"s3://{name}/{prefix}/" if prefix else f"s3://{name}/"


def _check_parts(
    accounts: Sequence[str],
    regions: Sequence[str],
    organization: str | None,
    table: str,
) -> None:
    given = [
        *(("an account's ID", account, _ACCOUNT) for account in accounts),
        *(("a Region's name", region, _REGION) for region in regions),
        ("an organization's ID", organization or "o-none000000", _ORGANIZATION),
        ("a table's name", table, _NAME),
    ]
    for what, value, pattern in given:
        if not pattern.fullmatch(value):
            raise UsageError(f"{clean(value, 100)} is not {what}.")
    if not regions:
        raise UsageError(
            "The table needs the Regions that the trail covers.",
            hint="Name at least one, with --region.",
        )


COMMANDS = (iam_policy, setup_queue, lab, athena_ddl)
