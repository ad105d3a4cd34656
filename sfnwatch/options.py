"""Options that several commands share, and what they come to."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from sfnwatch import completing
from sfnwatch.errors import UsageError
from sfnwatch.served import is_served
from sfnwatch.settings import (
    AwsOptions,
    Output,
    RecordSettings,
    ScreenOptions,
)
from sfnwatch.sources.wanted import Following, TrailOptions
from sfnwatch.trace.text import clean

_F = TypeVar("_F", bound=Callable[..., Any])
_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>s|m|h|d)?")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


def seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    """Read a length of time: `90`, `90s`, `15m`, `1h`, `30d`."""
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        msg = f"{value!r} is no duration; write 90s, 15m or 1h"
        raise click.BadParameter(msg)
    return float(match["number"]) * _UNITS[match["unit"]]


def _options(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    def apply(command: _F) -> _F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


account_options = _options(
    click.option(
        "--profile",
        shell_complete=completing.profiles,
        help="Use this profile of your AWS configuration.",
    ),
    click.option(
        "--region",
        shell_complete=completing.regions,
        help="Ask in this Region instead of the ARN's own.",
    ),
    click.option("--endpoint-url", help="Send requests to this URL instead of AWS."),
)
aws_options = _options(
    account_options,
    click.option(
        "--trail-profile",
        multiple=True,
        metavar="PROFILE",
        shell_complete=completing.profiles,
        help="Look in the account of this profile too, where calls land there.",
    ),
    click.option(
        "--queue",
        metavar="URL",
        help="Read calls and ECS task states from this SQS queue, which EventBridge"
        " feeds; see sfnwatch setup-queue.",
    ),
    click.option(
        "--consume", is_flag=True, help="With --queue: delete what was handed on."
    ),
    click.option(
        "--log-group",
        metavar="NAME|ARN",
        help="Read calls from the log group that a trail delivers to.",
    ),
    click.option(
        "--live-tail",
        is_flag=True,
        help="With --log-group: follow it too, a second behind; CloudWatch Logs charges"
        " for each minute of that, until the watch ends.",
    ),
    click.option(
        "--archive",
        metavar="PATH|s3://…",
        help="Read calls from a trail's files in a folder or bucket: only the days,"
        " the account and the Regions of the executions.",
    ),
    click.option("--sql", is_flag=True, help="With --archive PATH: through DuckDB."),
    click.option(
        "--athena",
        metavar="[DATABASE.]TABLE",
        help="Query calls from a table over a trail; see sfnwatch athena-ddl.",
    ),
    click.option(
        "--athena-partitions",
        metavar="COLUMN,…",
        help="With --athena: the table's partitions, if not athena-ddl's; AWS's"
        " documented table has `timestamp` alone.",
    ),
    click.option("--athena-workgroup", metavar="NAME", help="With --athena."),
    click.option(
        "--athena-output", metavar="s3://…", help="With --athena: place for results."
    ),
    click.option("--lake", metavar="ARN", help="Query calls from an event data store."),
    click.option(
        "--express-log-group",
        metavar="NAME|ARN",
        help="Read Express executions from here, not from where their state machine"
        " logs.",
    ),
    click.option(
        "--look-back",
        metavar="DURATION",
        callback=seconds,
        default="24h",
        show_default=True,
        help="How long before now an Express execution is looked for.",
    ),
    click.option(
        "--depth",
        type=click.IntRange(0, 20),
        default=3,
        show_default=True,
        help="Follow the executions that others begin so deep; 0: not at all.",
    ),
    click.option(
        "--children",
        type=click.IntRange(0, 200),
        default=10,
        show_default=True,
        help="Read so many of a Map Run's executions that failed, and so many others;"
        " all are counted.",
    ),
    click.option(
        "--no-lookup", is_flag=True, help="Do not ask LookupEvents for the calls."
    ),
)
output_options = _options(
    click.option(
        "--plain", is_flag=True, help="A line an event; the default off a terminal."
    ),
    click.option("--json", "as_json", is_flag=True, help="A JSON object a line."),
)
record_options = _options(
    click.option(
        "--record",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Record to this new file.",
    ),
    click.option("--no-record", is_flag=True, help="Record nothing."),
)
otlp_option = click.option(
    "--otlp",
    metavar="ENDPOINT",
    callback=lambda _, __, url: checked_url(url, "--otlp", "http://127.0.0.1:4318"),
    help="Send spans to this OpenTelemetry collector, as states and calls end: names"
    " and error messages leave this machine.",
)
screen_options = _options(
    click.option(
        "--theme",
        metavar="NAME",
        shell_complete=completing.themes,
        help="Colours of the screen.",
    ),
    click.option(
        "--time",
        type=click.Choice(["utc", "local"]),
        help="Times in UTC, the default, or in your zone.",
    ),
    click.option("--ascii", is_flag=True, default=None, help="Draw with ASCII alone."),
    click.option(
        "--present",
        is_flag=True,
        default=None,
        help="For a talk: names masked, keys shown, rows explained.",
    ),
    click.option("--filter", metavar="FILTER", help="Show some rows only; press ?."),
)
drain_option = click.option(
    "--drain",
    metavar="DURATION",
    callback=seconds,
    default="15m",
    show_default=True,
    help="Await late CloudTrail records so long after the end.",
)


_ENDPOINT = "--endpoint-url"


def checked_url(
    url: str | None,
    option: str = _ENDPOINT,
    example: str = "http://127.0.0.1:4597",
) -> str | None:
    """Read a URL; raises UsageError, for AWS's also where it would be in the clear."""
    if url is not None and not re.match(r"https?://[^/\s]+", url):
        msg = f"{option} {clean(url, 200)!r} is no URL."
        raise UsageError(msg, hint=f"Write it as {example}.")
    # A collector gets no signed request, and is mostly reached by its name.
    if url is not None and option == _ENDPOINT:
        from sfnwatch.sources.endpoints import refusal

        if refused := refusal(url):
            raise UsageError(refused)
    return url


def choose_aws(
    *,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    depth: int,
    children: int,
    **asked: Any,
) -> AwsOptions:
    """Read whom to ask; raises UsageError for what can't be so."""
    url, following = checked_url(endpoint_url), Following(depth, children)
    return AwsOptions(profile, region, url, _trail(**asked), following)


def _trail(
    *,
    trail_profile: tuple[str, ...],
    no_lookup: bool,
    queue: str | None,
    consume: bool,
    log_group: str | None,
    live_tail: bool,
    archive: str | None,
    sql: bool,
    athena: str | None,
    athena_partitions: str | None,
    athena_workgroup: str | None,
    athena_output: str | None,
    lake: str | None,
    express_log_group: str | None,
    look_back: float,
    **_: Any,
) -> TrailOptions:
    for given, option, needs, there in (
        (consume, "--consume", "--queue URL", queue),
        (live_tail, "--live-tail", "--log-group NAME", log_group),
        (sql, "--sql", "--archive PATH", archive and "://" not in archive),
        (athena_partitions, "--athena-partitions", "--athena TABLE", athena),
        (athena_workgroup, "--athena-workgroup", "--athena TABLE", athena),
        (athena_output, "--athena-output", "--athena TABLE", athena),
    ):
        if given and not there:
            msg = f"{option} is for {needs}."
            raise UsageError(msg, hint="Give both, or leave it out.")
    if queue is not None:
        from sfnwatch.sources.queue_url import parse_queue_url

        parse_queue_url(queue)
    if archive is not None:
        from sfnwatch.sources.archive_shelf import parse_place

        parse_place(archive)
    if sql:
        from sfnwatch.sources.duck import check_duckdb

        check_duckdb()
    if lake is not None:
        from sfnwatch.sources.lake import lake_table

        lake_table(lake)
    partitions = tuple(athena_partitions.split(",")) if athena_partitions else None
    if athena is not None:
        _check_athena(athena, partitions, athena_workgroup, athena_output)
    return TrailOptions(
        lookup=not no_lookup,
        profiles=trail_profile,
        queue=queue,
        consume=consume,
        log_group=log_group and _checked_group(log_group),
        live_tail=live_tail,
        archive=archive,
        sql=sql,
        athena=athena,
        athena_partitions=partitions,
        athena_workgroup=athena_workgroup,
        athena_output=athena_output,
        lake=lake,
        express_log_group=express_log_group and _checked_group(express_log_group),
        look_back=look_back,
    )


def _check_athena(
    name: str,
    partitions: tuple[str, ...] | None,
    workgroup: str | None,
    output: str | None,
) -> None:
    """Raise UsageError for what can be no table: before anything is recorded."""
    from sfnwatch.sources import athena

    database, _, table = name.rpartition(".")
    athena.athena_table(table, database or "default", partitions or athena.PARTITIONS)
    if workgroup is not None:
        athena.checked_workgroup(workgroup)
    if output is not None:
        athena.checked_output(output)


def _checked_group(text: str) -> str:
    from sfnwatch.trace.log_groups import parse_log_group

    try:
        parse_log_group(text)
    except ValueError as error:
        msg = f"{clean(text, 200)!r} is no log group: {error}."
        raise UsageError(msg, hint="Give its name, as /aws/cloudtrail/mine.") from error
    return text


def is_typed(name: str) -> bool:
    """True for what the command line says, and no configuration."""
    context = click.get_current_context(silent=True)
    typed = click.core.ParameterSource.COMMANDLINE
    return context is None or context.get_parameter_source(name) is typed


def _typed_one(*names: str) -> str | None:
    """Of options that exclude each other choose the one that was typed."""
    typed = [name for name in names if is_typed(name)]
    return typed[0] if len(typed) == 1 else None


def choose_output(*, plain: bool, as_json: bool, **_: Any) -> Output:
    if plain and as_json:
        chosen = _typed_one("plain", "as_json")
        if chosen is None:
            msg = "--plain and --json exclude each other."
            raise UsageError(msg, hint="Choose one.")
        plain, as_json = chosen == "plain", chosen == "as_json"
    if as_json:
        return Output.JSON
    if is_served() and not plain:
        return Output.SCREEN
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)
    usable = all(stream is not None and stream.isatty() for stream in streams)
    if plain or not usable or os.environ.get("TERM") == "dumb":
        return Output.PLAIN
    return Output.SCREEN


def choose_recording(
    *, record: Path | None, no_record: bool, default: bool = True, **_: Any
) -> RecordSettings:
    if record is not None and no_record:
        chosen = _typed_one("record", "no_record")
        if chosen is None:
            msg = "--record and --no-record exclude each other."
            raise UsageError(msg, hint="Choose one.")
        no_record = chosen == "no_record"
        record = None if no_record else record
    return RecordSettings((default or record is not None) and not no_record, record)


def choose_screen(
    output: Output,
    *,
    theme: str | None,
    time: Literal["utc", "local"] | None,
    ascii: bool | None,  # noqa: A002 - the option's name
    present: bool | None,
    filter: str | None,  # noqa: A002 - the option's name
    **_: Any,
) -> ScreenOptions:
    """Read the screen's options; raises UsageError for a filter that can't be read."""
    if filter is not None:
        _check_filter(filter)
    asked = ScreenOptions(theme, time, ascii, present, filter)
    if output is Output.SCREEN:
        return asked
    for name in ("theme", "time", "ascii", "present", "filter"):
        if getattr(asked, name) is not None and is_typed(name):
            msg = f"--{name} is for the screen, and lines are printed."
            raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return ScreenOptions()


def _check_filter(text: str) -> None:
    from sfnwatch.trace.filters import FilterError, parse_filter

    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error
