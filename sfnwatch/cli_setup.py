"""The commands that print what to set up: none of them touches an account."""

import json
from datetime import UTC, date, datetime, timedelta

import click

from sfnwatch.errors import Outcome, UsageError
from sfnwatch.trace.text import clean

_KEPT = 90
"""Days that Event history goes back: before them a trail alone knows."""


@click.command("iam-policy", short_help="Print the least IAM policy it needs.")
@click.option(
    "--with",
    "features",
    multiple=True,
    metavar="OPTION",
    help="Also for this option: queue, consume, log-group, live-tail, archive,"
    " athena, lake, express, start.",
)
def iam_policy(features: tuple[str, ...]) -> int:
    """Print the least IAM policy a watcher needs; without --with all of it reads.

    The resources are wide: narrow them to your queue, bucket, log group, table.
    """
    from sfnwatch.sources.allowed import Feature
    from sfnwatch.sources.allowed import iam_policy as policy

    known = {str(feature): feature for feature in Feature}
    for name in features:
        if name not in known:
            msg = f"There is no option {clean(name, 100)!r} that needs more."
            raise UsageError(msg, hint=f"There are: {', '.join(known)}.")
    click.echo(json.dumps(policy([known[name] for name in features]), indent=2))
    return Outcome.SUCCEEDED


@click.command("setup-queue", short_help="Print a template for --queue.")
@click.argument("event_sources", nargs=-1, metavar="[SERVICE…]")
def setup_queue(event_sources: tuple[str, ...]) -> int:
    """Print a CloudFormation template of what --queue needs; nothing is applied.

    A queue, and rules of EventBridge that feed it with the calls Step Functions makes
    and with what becomes of ECS tasks. SERVICES, such as `ecs`, narrow it to theirs.
    A trail must be logging in the account and Region.
    """
    from sfnwatch.setup_queue import template_text

    try:
        click.echo(template_text(event_sources), nl=False)
    except ValueError as error:
        raise UsageError(f"{error}.", hint="Name services as ecs or batch.") from error
    return Outcome.SUCCEEDED


@click.command(short_help="Print a template of an experiment to watch.")
@click.option(
    "--with-queue", is_flag=True, help="With what --queue needs; takes a trail."
)
def lab(*, with_queue: bool) -> int:
    """Print a CloudFormation template of an experiment; nothing is applied.

    A Fargate task that sleeps for five minutes, and four state machines that run it in
    as many ways: what calls each makes, and who notices the end, is what to look for.
    While nothing runs it costs nothing; each execution far below one US cent.

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
    from sfnwatch.lab import template_text

    click.echo(template_text(queue=with_queue), nl=False)
    return Outcome.SUCCEEDED


@click.command("athena-ddl", short_help="Print a table's statement for --athena.")
@click.argument("bucket", metavar="BUCKET|s3://BUCKET/PREFIX")
@click.option("--account", "accounts", multiple=True, metavar="ID")
@click.option("--region", "regions", multiple=True, metavar="REGION")
@click.option("--organization", metavar="o-ID", help="For an organization's trail.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The trail's first day; 90 days ago, if not given.",
)
@click.option("--table", metavar="NAME", default="cloudtrail_logs", show_default=True)
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
    is to be asked for.
    """
    from sfnwatch.athena_ddl import athena_ddl as statement

    first = since.date() if since else _first_day()
    click.echo(
        statement(
            bucket,
            accounts,
            regions,
            start_date=first,
            organization=organization,
            table=table,
        )
    )
    return Outcome.SUCCEEDED


def _first_day() -> date:
    return (datetime.now(UTC) - timedelta(days=_KEPT)).date()


@click.command(short_help="Print the JSON schema of a trace.")
@click.argument(
    "what", type=click.Choice(["trace", "lines"]), required=False, default="trace"
)
def schema(what: str) -> int:
    """Print the JSON schema of what programs are given.

    `trace` is what `export --to json` writes, `lines` what each line of --json is.
    Keys may be added in this version, and are never renamed.
    """
    from sfnwatch.export.schema import line_schema, trace_schema

    told = trace_schema() if what == "trace" else line_schema()
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    return Outcome.SUCCEEDED


COMMANDS = (iam_policy, setup_queue, lab, athena_ddl, schema)
