"""The options and arguments that several commands have."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from sfnwatch.cli.execution_names import named_execution, read_executions
from sfnwatch.cli.parameter_types import (
    DURATION,
    FORMATS,
    LOG_GROUP,
    SINCE,
    SPEED,
    CommaChoice,
    FilePath,
    NewFile,
    Parsed,
    T,
    form,
    http_url,
)
from sfnwatch.cli.settable_option import F, combined, flag, option
from sfnwatch.cli.value_completion import (
    Completes,
    complete_executions,
    complete_files,
    complete_profiles,
    complete_themes,
    completing,
)
from sfnwatch.errors import UsageError
from sfnwatch.sources.aws_settings import region_names


def each_once(names: Sequence[str], read: Callable[[str], T]) -> list[T]:
    """Read each name; raises UsageError if stdin is named twice."""
    if names.count("-") > 1:
        raise UsageError("stdin can be read once.", hint="Name - once.")
    return list(map(read, names))


def argument(
    name: str, read: Callable[[Any], Any], complete: Completes, **more: Any
) -> Callable[..., Callable[[F], F]]:
    """Return a function that makes decorators, which add an argument to a command.

    `read` reads the argument, and `complete` completes it.
    """
    return partial(
        click.argument,
        name,
        callback=lambda _, __, value: read(value),
        shell_complete=complete,
        **more,
    )


files_argument = argument(
    "files", partial(each_once, read=Path), complete_files, nargs=-1
)(required=True)
executions_argument = argument(
    "executions", read_executions, complete_executions, nargs=-1
)
name_argument = argument(
    "name",
    lambda text: named_execution(text or ""),
    complete_executions,
    required=False,
)


def _http_url_or_env(text: str) -> str:
    return text if text == "env" else http_url(text)


def _comma_separated(
    _context: click.Context, _param: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text else None


def _begin_debugging(
    context: click.Context, _param: click.Parameter, path: Path | None
) -> None:
    """Write a debug file until the program ends."""
    if path is not None and not context.resilient_parsing:
        from sfnwatch.cli.debug_file import debugging

        context.find_root().with_resource(debugging(path))


json_option = flag("--json", "One JSON object.", dest="as_json")
speed_option = option(
    "--speed", "Speed-up factor (screen: 20; lines: all at once).", type=SPEED
)
output_option = option(
    "-o,--output", "Write to this new file instead of stdout.", type=NewFile()
)
format_option = option(
    "--format",
    "For people, for a page or an issue, for programs.",
    dest="form",
    type=FORMATS,
    default="text",
)
redact_option = flag("--redact", "Replace names, IDs and payloads first.")
otlp_option = option(
    "--otlp ENDPOINT",
    "Send spans to this OpenTelemetry collector, as states and calls end: names and"
    " error messages leave this machine. env: to the one that OpenTelemetry's own"
    " variables name.",
    type=Parsed(_http_url_or_env, "URL", "http://127.0.0.1:4318"),
)
debug_option = option(
    "--debug",
    "Write to this file what is asked, answered and decided, for a bug report: no"
    " payloads, no credentials.",
    type=FilePath(),
    callback=_begin_debugging,
    is_eager=True,
    expose_value=False,
)
account_options = combined(
    option(
        "--profile",
        "Use this profile of your AWS configuration.",
        shell_complete=complete_profiles,
    ),
    option(
        "--region",
        "Ask in this Region instead of the ARN's own.",
        type=Parsed(form("[a-z0-9]+(-[a-z0-9]+)*"), "Region", "eu-west-1"),
        shell_complete=completing(region_names),
    ),
    option(
        "--endpoint-url",
        "Send requests to this URL instead of AWS.",
        type=Parsed(http_url, "URL", "http://127.0.0.1:4597"),
    ),
    debug_option,
)
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
"""The statuses that ListExecutions can filter by."""
filter_options = combined(
    option(
        "--status STATUS",
        f"List those of this status alone: {', '.join(STATUSES)}.",
        dest="statuses",
        multiple=True,
        type=CommaChoice(STATUSES, case_sensitive=False),
    ),
    option(
        "--since",
        "List those that were started since: so long ago (90m, 24h, 7d), or a day"
        " (2026-11-01).",
        type=SINCE,
    ),
)
drain_option = option(
    "--drain",
    "Wait this long for late CloudTrail records after the end.",
    type=DURATION,
    default="15m",
)
aws_options = combined(
    account_options,
    option(
        "--trail-profile PROFILE",
        "Look in this profile's account too, if calls are logged there.",
        dest="profiles",
        multiple=True,
        shell_complete=complete_profiles,
    ),
    option(
        "--queue URL",
        "Read calls and ECS task states from this SQS queue, which EventBridge feeds;"
        " see sfnwatch setup-queue.",
    ),
    flag("--consume", "With --queue: delete messages once read."),
    option(
        "--log-group NAME|ARN",
        "Read calls from the log group that a trail delivers to.",
        type=LOG_GROUP,
    ),
    flag(
        "--live-tail",
        "With --log-group: follow it too, a second behind; CloudWatch Logs charges for"
        " each minute of that, until the watch ends.",
    ),
    option(
        "--archive PATH|s3://…",
        "Read calls from a trail's files in a folder or bucket: only the days, the"
        " account and the Regions of the executions.",
    ),
    flag("--sql", "With --archive PATH: through DuckDB."),
    option(
        "--athena [DATABASE.]TABLE",
        "Query calls from a table over a trail; see sfnwatch athena-ddl.",
    ),
    option(
        "--athena-partitions COLUMN,…",
        "With --athena: the table's partitions, if not athena-ddl's; AWS's documented"
        " table has `timestamp` alone.",
        callback=_comma_separated,
    ),
    option("--athena-workgroup NAME", "With --athena."),
    option("--athena-output s3://…", "With --athena: place for results."),
    option("--lake ARN", "Query calls from an event data store."),
    option(
        "--express-log-group NAME|ARN",
        "Read Express executions from here, not from where their state machine logs.",
        type=LOG_GROUP,
    ),
    option(
        "--look-back",
        "How long before now an Express execution is looked for.",
        type=DURATION,
        default="24h",
    ),
    option(
        "--depth",
        "Follow child executions this many levels deep; 0: not at all.",
        type=click.IntRange(0, 20),
        default=3,
    ),
    option(
        "--children",
        "Read this many of a Map Run's failed executions, and as many others; all are"
        " counted.",
        type=click.IntRange(0, 200),
        default=10,
    ),
    flag("--no-lookup", "Do not ask LookupEvents for the calls."),
    drain_option,
)
display_options = combined(
    flag("--plain", "One line per event; the default off a terminal."),
    flag("--json", "One JSON object per line.", dest="as_json"),
    option("--theme NAME", "Colors of the screen.", shell_complete=complete_themes),
    option(
        "--time",
        "Times in UTC or in your time zone.",
        type=click.Choice(["utc", "local"]),
        default="utc",
    ),
    flag(
        "--ascii",
        "Draw with ASCII alone: the default when the locale lacks Unicode.",
    ),
    flag("--present", "Presentation mode: names masked, keys shown, lines explained."),
    option("--filter FILTER", "Show some lines only; press ?."),
    option(
        "--keymap NAME",
        "Take the keys of a key map: vim, or your own keymaps/NAME.toml.",
    ),
    option(
        "--notify",
        "How to tell that an execution ended.",
        type=click.Choice(["off", "bell", "desktop"]),
        default="off",
    ),
    option("--record", "Record to this new file.", type=NewFile()),
    flag("--no-record", "Record nothing."),
)
