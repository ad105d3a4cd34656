"""Options and arguments, those that several commands share.

Every option can be set by its long name: `drain = "30m"` in the file holds wherever
there is a --drain, and under `[demo]` for that command alone; SFNWATCH_DRAIN overrules
both, and the command line all of them. So nothing is listed twice: a new option can be
set at once. How that goes is in `settings.py`.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from sfnwatch.cli import completion
from sfnwatch.cli.naming import named_execution
from sfnwatch.cli.narration import narrate
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.arns import parse_log_group
from sfnwatch.model.values import clean, without_login

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_CENTURY, _LARGEST = 36_500 * 86_400.0, float(1 << 60)
"""Seconds and bytes: more is meant by nobody, and clocks do not reach that far."""


# -- types -----------------------------------------------------------------------------


class Parsed(click.ParamType[T]):
    """What is read from a text; the environment has several, with commas in between."""

    envvar_list_splitter = ","

    def __init__(self, read: Callable[[str], T], name: str, example: str) -> None:
        """Have it read by a function, which raises ValueError for what is not so."""
        self.name, self._read, self._example = name, read, example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        if not isinstance(value, str):
            done: T = value
            return done
        try:
            return self._read(value.strip())
        except (ValueError, OverflowError):
            msg = f"{without_login(value)!r} is no {self.name}; write {self._example}"
            self.fail(msg, param, ctx)


def _url(text: str) -> str:
    parts = urlsplit(text)
    # A port that is none raises ValueError, too.
    host, _ = parts.hostname, parts.port
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", text):
        raise ValueError(text)
    return text


def form(pattern: str) -> Callable[[str], str]:
    """Have a text read that is of a form."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return read


def _amount(units: Mapping[str, float], most: float) -> Callable[[str], float]:
    """Have a number read with a unit behind it, as `15m` or `100MB`."""

    def read(text: str) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.lower())
        if found is None or found[2] not in units:
            raise ValueError(text)
        amount = float(found[1]) * units[found[2]]
        if amount > most:
            raise OverflowError
        return amount

    return read


_seconds = _amount({"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}, _CENTURY)
_bytes = _amount(
    {"": 1, "b": 1}
    | {
        f"{letter}{kind}{end}": base**power
        for power, letter in enumerate("kmg", 1)
        for kind, base in (("", 1000), ("i", 1024))
        for end in ("", "b")
    },
    _LARGEST,
)


def _past(text: str) -> datetime | timedelta:
    """Read a day or a time of one, in UTC; or how long ago it is, as `24h`."""
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return timedelta(seconds=_seconds(text))


def _log_group(text: str) -> str:
    parse_log_group(text)
    return text


_LOG_GROUP = Parsed(_log_group, "log group", "/aws/cloudtrail/mine")
DURATION = Parsed(_seconds, "duration", "90s, 15m or 1h")
"""In seconds."""
SIZE = Parsed(_bytes, "size", "500kB, 100MB or 1GiB")
"""In bytes."""
SINCE = Parsed(_past, "time", "90m, 24h, 7d or 2026-11-01")
_ANY = Parsed(str, "text", "any")


class CommaChoice(click.Choice[str]):
    """One of some words, of which the environment has several, with commas."""

    envvar_list_splitter = ","


class Speed(click.FloatRange):
    """How many times as fast."""

    def __init__(self) -> None:
        super().__init__(0.1, 10_000)

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        speed: float = super().convert(value, param, ctx)
        # No comparison tells that it is out of the range.
        if math.isnan(speed):
            self.fail(f"{value!r} is no speed.", param, ctx)
        return speed


class FilePath(click.Path):
    """A file's path; what no file system takes is refused in words."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if value == "":
            self.fail("'' is no path", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except ValueError as error:
            self.fail(f"{value!r} is no path: {error}", param, ctx)


def _new_file(
    _: click.Context, param: click.Parameter, path: Path | None
) -> Path | None:
    """Refuse a file that can't be made, or is there: it may be what is read.

    Before anything is done: an execution may be watched for hours first. A pipe or a
    device may be written to, and `-` is stdout. A recording makes its folder.
    """
    is_output = param.name == "output"
    if path is None or (str(path) == "-" and is_output):
        return None
    msg = f"Can't write {clean(str(path))}: "
    if path.is_file():
        hint = "Files are never overwritten: name another."
        raise UsageError(f"{msg}the file exists.", hint=hint)
    if is_output and not path.parent.is_dir():
        raise SfnwatchError(f"{msg}No such file or directory.")
    return path


# -- options that can be set -----------------------------------------------------------


class SettableOption(click.Option):
    """An option that the file and the environment may set."""

    def __init__(self, *args: Any, **more: Any) -> None:
        if more.get("multiple"):
            more.setdefault("type", _ANY)
        super().__init__(*args, **more)
        self.envvar = variable(self.key)

    @property
    def key(self) -> str:
        """What it is called in the file: its long name."""
        return max(self.opts, key=len).lstrip("-")


def variable(key: str) -> str:
    """Name the environment variable that stands for a key."""
    return f"SFNWATCH_{key.upper().replace('-', '_')}"


option = partial(click.option, cls=SettableOption)
"""Gives a command an option that can be set."""


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for each in reversed(options):
            command = each(command)
        return command

    return apply


# -- what several commands have --------------------------------------------------------


def each_once(names: Sequence[str], read: Callable[[str], T]) -> list[T]:
    """Read what is named; raises UsageError for stdin twice: what was read is gone."""
    if names.count("-") > 1:
        raise UsageError("stdin can be read once.", hint="Name - once.")
    return [read(name) for name in names]


files_argument = click.argument(
    "files",
    nargs=-1,
    required=True,
    shell_complete=completion.files,
    callback=lambda _, __, names: each_once(names, Path),
)
executions_argument = partial(
    click.argument,
    "executions",
    nargs=-1,
    shell_complete=completion.executions,
    callback=lambda _, __, texts: [*filter(None, map(named_execution, texts))],
)
json_option = option("--json", "as_json", is_flag=True, help="One JSON object.")


def _debug_to(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Begin a debug file, until the program ends."""
    if path is None or context.resilient_parsing:
        return
    from sfnwatch.cli.debug import debugging

    root = context.find_root()
    root.with_resource(debugging(path, sys.argv, narrate))


debug_option = option(
    "--debug",
    type=FilePath(),
    callback=_debug_to,
    is_eager=True,
    expose_value=False,
    help="Write to this file what is asked, answered and decided, for a bug report: no"
    " payloads, no credentials.",
)
account_options = _options(
    option(
        "--profile",
        shell_complete=completion.profiles,
        help="Use this profile of your AWS configuration.",
    ),
    option(
        "--region",
        type=Parsed(form("[a-z0-9]+(-[a-z0-9]+)*"), "Region", "eu-west-1"),
        shell_complete=completion.regions,
        help="Ask in this Region instead of the ARN's own.",
    ),
    option(
        "--endpoint-url",
        type=Parsed(_url, "URL", "http://127.0.0.1:4597"),
        help="Send requests to this URL instead of AWS.",
    ),
    debug_option,
)
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
"""What ListExecutions can be asked for alone."""
filter_options = _options(
    option(
        "--status",
        "statuses",
        multiple=True,
        type=CommaChoice(STATUSES, case_sensitive=False),
        metavar="STATUS",
        help=f"List those of this status alone: {', '.join(STATUSES)}.",
    ),
    option(
        "--since",
        type=SINCE,
        help="List those that were started since: so long ago (90m, 24h, 7d), or a day"
        " (2026-11-01).",
    ),
)
drain_option = option(
    "--drain",
    type=DURATION,
    default="15m",
    show_default=True,
    help="Wait this long for late CloudTrail records after the end.",
)
aws_options = _options(
    account_options,
    option(
        "--trail-profile",
        "profiles",
        multiple=True,
        metavar="PROFILE",
        shell_complete=completion.profiles,
        help="Look in this profile's account too, if calls are logged there.",
    ),
    option(
        "--queue",
        metavar="URL",
        help="Read calls and ECS task states from this SQS queue, which EventBridge"
        " feeds; see sfnwatch setup-queue.",
    ),
    option("--consume", is_flag=True, help="With --queue: delete messages once read."),
    option(
        "--log-group",
        type=_LOG_GROUP,
        metavar="NAME|ARN",
        help="Read calls from the log group that a trail delivers to.",
    ),
    option(
        "--live-tail",
        is_flag=True,
        help="With --log-group: follow it too, a second behind; CloudWatch Logs charges"
        " for each minute of that, until the watch ends.",
    ),
    option(
        "--archive",
        metavar="PATH|s3://…",
        help="Read calls from a trail's files in a folder or bucket: only the days,"
        " the account and the Regions of the executions.",
    ),
    option("--sql", is_flag=True, help="With --archive PATH: through DuckDB."),
    option(
        "--athena",
        metavar="[DATABASE.]TABLE",
        help="Query calls from a table over a trail; see sfnwatch athena-ddl.",
    ),
    option(
        "--athena-partitions",
        metavar="COLUMN,…",
        callback=lambda _, __, names: tuple(names.split(",")) if names else None,
        help="With --athena: the table's partitions, if not athena-ddl's; AWS's"
        " documented table has `timestamp` alone.",
    ),
    option("--athena-workgroup", metavar="NAME", help="With --athena."),
    option(
        "--athena-output", metavar="s3://…", help="With --athena: place for results."
    ),
    option("--lake", metavar="ARN", help="Query calls from an event data store."),
    option(
        "--express-log-group",
        type=_LOG_GROUP,
        metavar="NAME|ARN",
        help="Read Express executions from here, not from where their state machine"
        " logs.",
    ),
    option(
        "--look-back",
        type=DURATION,
        default="24h",
        show_default=True,
        help="How long before now an Express execution is looked for.",
    ),
    option(
        "--depth",
        type=click.IntRange(0, 20),
        default=3,
        show_default=True,
        help="Follow child executions this many levels deep; 0: not at all.",
    ),
    option(
        "--children",
        type=click.IntRange(0, 200),
        default=10,
        show_default=True,
        help="Read this many of a Map Run's failed executions, and as many others; all"
        " are counted.",
    ),
    option("--no-lookup", is_flag=True, help="Do not ask LookupEvents for the calls."),
    drain_option,
)
display_options = _options(
    option(
        "--plain", is_flag=True, help="One line per event; the default off a terminal."
    ),
    option("--json", "as_json", is_flag=True, help="One JSON object per line."),
    option(
        "--theme",
        metavar="NAME",
        shell_complete=completion.themes,
        help="Colors of the screen.",
    ),
    option(
        "--time",
        type=click.Choice(["utc", "local"]),
        default="utc",
        show_default=True,
        help="Times in UTC or in your time zone.",
    ),
    option(
        "--ascii",
        is_flag=True,
        help="Draw with ASCII alone; so it is where the locale has no more, as LANG=C.",
    ),
    option(
        "--present",
        is_flag=True,
        help="Presentation mode: names masked, keys shown, lines explained.",
    ),
    option("--filter", metavar="FILTER", help="Show some lines only; press ?."),
    option(
        "--keymap",
        metavar="NAME",
        help="Take the keys of a key map: vim, or your own keymaps/NAME.toml.",
    ),
    option(
        "--notify",
        type=click.Choice(["off", "bell", "desktop"]),
        default="off",
        show_default=True,
        help="How to tell that an execution ended.",
    ),
    option(
        "--record",
        type=FilePath(),
        callback=_new_file,
        help="Record to this new file.",
    ),
    option("--no-record", is_flag=True, help="Record nothing."),
)


speed_option = option(
    "--speed",
    type=Speed(),
    help="Speed-up factor (screen: 20; lines: all at once).",
)
output_option = option(
    "-o",
    "--output",
    type=FilePath(),
    callback=_new_file,
    help="Write to this new file instead of stdout.",
)
format_option = option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="For people, for a page or an issue, for programs.",
)
redact_option = option(
    "--redact", is_flag=True, help="Replace names, IDs and payloads first."
)
otlp_option = option(
    "--otlp",
    metavar="ENDPOINT",
    type=Parsed(lambda t: t if t == "env" else _url(t), "URL", "http://127.0.0.1:4318"),
    help="Send spans to this OpenTelemetry collector, as states and calls end: names"
    " and error messages leave this machine. env: to the one that OpenTelemetry's own"
    " variables name.",
)
