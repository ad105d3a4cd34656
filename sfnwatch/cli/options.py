"""Options and arguments, what they take, and what a shell may put behind them.

Every option can be set by its long name: `drain = "30m"` in the file holds wherever
there is a --drain, and under `[demo]` for that command alone; SFNWATCH_DRAIN overrules
both, and the command line all of them. So nothing is listed twice: a new option can be
set at once. How that goes is in `settings.py`.

To complete something no SDK is imported and nothing is asked of AWS: profiles come from
AWS's own files, Regions from the list that lies beside botocore, executions from the
recordings.
"""

import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from click.shell_completion import CompletionItem

from sfnwatch.cli.account import named_execution
from sfnwatch.cli.narration import narrate
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.arns import parse_log_group
from sfnwatch.model.values import clean, without_login
from sfnwatch.recording.format import SUFFIX
from sfnwatch.recording.library import read_header, recording_paths, recordings_dir
from sfnwatch.sources.profiles import region_names

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Found = list[CompletionItem[str]]
_CENTURY, _LARGEST = 36_500 * 86_400.0, float(1 << 60)
"""Seconds and bytes: more is meant by nobody, and clocks do not reach that far."""
_MOST = 200
"""Recordings looked into to complete, the newest first: nobody chooses among more."""


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
        except (ValueError, OverflowError, KeyError):
            msg = f"{without_login(value)!r} is no {self.name}; write {self._example}"
            self.fail(msg, param, ctx)


def _url(text: str) -> str:
    parts = urlsplit(text)
    # A port that is none raises ValueError, too.
    host, _ = parts.hostname, parts.port
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", text):
        raise ValueError(text)
    return text


def matched(pattern: str, text: str) -> re.Match[str]:
    """Match the whole of a text; raises ValueError."""
    if found := re.fullmatch(pattern, text):
        return found
    raise ValueError(text)


def form(pattern: str) -> Callable[[str], str]:
    """Have a text read that is of a form."""
    return lambda text: matched(pattern, text)[0]


def _amount(units: Mapping[str, float], most: float) -> Callable[[str], float]:
    """Have a number read with a unit behind it, as `15m` or `100MB`."""

    def read(text: str) -> float:
        found = matched(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.lower())
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
FORMATS = click.Choice(["text", "markdown", "json"])
PORT = click.IntRange(0, 65535)
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

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
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


# -- what a shell may put there --------------------------------------------------------


def completing(
    names: Callable[[], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], Found]:
    """Offer those names that begin with what was typed.

    What a shell would not take as a word is left out.
    """

    def complete(_: click.Context, __: click.Parameter, text: str) -> Found:
        found = (name for name in dict.fromkeys(names()) if name.startswith(text))
        return [CompletionItem(name) for name in found if _is_word(name)]

    return complete


def _is_word(name: str) -> bool:
    return name.isprintable() and not set(name) & set(" \"'`$\\;&|<>(),*?")


def _profiles() -> Iterator[str]:
    """Read the names of profiles, which AWS's two files write in two ways."""
    for variable_of_aws, usual, name in (
        ("AWS_CONFIG_FILE", "~/.aws/config", r"profile\s+(.+)|(default)"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", r"(.+)"),
    ):
        path = Path(os.environ.get(variable_of_aws) or usual).expanduser()
        with suppress(OSError, ValueError):
            # A pipe's writer would be waited for.
            text = path.read_text() if path.is_file() else ""
            for found in re.finditer(rf"(?m)^\[(?:{name})\]", text):
                yield next(filter(None, found.groups())).strip(" \"'")


def _themes() -> Iterable[str]:
    """Name the themes there are, but for those of a configuration."""
    from sfnwatch.tui.themes import names

    return sorted(names())


def _recording_files() -> Iterator[Path]:
    return islice(recording_paths(recordings_dir()), _MOST)


def _recordings() -> Iterator[str]:
    return (file.name.removesuffix(SUFFIX) for file in _recording_files())


def _executions() -> Iterator[str]:
    """Name what was recorded, the last one first."""
    for path in _recording_files():
        if header := read_header(path):
            yield from header.executions


profiles = completing(lambda: sorted({*_profiles()}))
recordings = completing(_recordings)
executions = completing(_executions)


def files(_: click.Context, __: click.Parameter, text: str) -> Found:
    """Leave it to the shell."""
    return [CompletionItem(text, type="file")]


def files_or_executions(
    context: click.Context, param: click.Parameter, text: str
) -> Found:
    """Leave files to the shell, unless it is an ARN that was begun."""
    offered = executions if text.startswith("arn:") else files
    return offered(context, param, text)


# -- options that can be set -----------------------------------------------------------


class SettableOption(click.Option):
    """An option that the file and the environment may set."""

    def __init__(self, *args: Any, **more: Any) -> None:
        if more.get("multiple"):
            more.setdefault("type", _ANY)
        more.setdefault("show_default", "default" in more)
        super().__init__(*args, **more)
        self.envvar = variable(self.key)

    @property
    def key(self) -> str:
        """What it is called in the file: its long name."""
        return max(self.opts, key=len).lstrip("-")


def variable(key: str) -> str:
    """Name the environment variable that stands for a key."""
    return f"SFNWATCH_{key.upper().replace('-', '_')}"


def option(
    name: str, text: str, *, short: str = "", dest: str = "", **more: Any
) -> Callable[[F], F]:
    """Give a command an option that can be set.

    `text` is what --help says of it, `dest` its parameter, if that is called otherwise.
    """
    names = filter(None, (short, name, dest))
    return click.option(*names, cls=SettableOption, help=text, **more)


flag = partial(option, is_flag=True)


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
    shell_complete=files,
    callback=lambda _, __, names: each_once(names, Path),
)
executions_argument = partial(
    click.argument,
    "executions",
    nargs=-1,
    shell_complete=executions,
    callback=lambda _, __, texts: [*filter(None, map(named_execution, texts))],
)
name_argument = partial(
    click.argument,
    "name",
    required=False,
    shell_complete=executions,
    callback=lambda _, __, text: named_execution(text or ""),
)


def _debug_to(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Begin a debug file, until the program ends."""
    if path is not None and not context.resilient_parsing:
        from sfnwatch.cli.doctor import debugging

        context.find_root().with_resource(debugging(path, sys.argv, narrate))


json_option = flag("--json", "One JSON object.", dest="as_json")
speed_option = option(
    "--speed", "Speed-up factor (screen: 20; lines: all at once).", type=Speed()
)
output_option = option(
    "--output",
    "Write to this new file instead of stdout.",
    short="-o",
    type=FilePath(),
    callback=_new_file,
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
    "--otlp",
    "Send spans to this OpenTelemetry collector, as states and calls end: names and"
    " error messages leave this machine. env: to the one that OpenTelemetry's own"
    " variables name.",
    metavar="ENDPOINT",
    type=Parsed(lambda t: t if t == "env" else _url(t), "URL", "http://127.0.0.1:4318"),
)
debug_option = option(
    "--debug",
    "Write to this file what is asked, answered and decided, for a bug report: no"
    " payloads, no credentials.",
    type=FilePath(),
    callback=_debug_to,
    is_eager=True,
    expose_value=False,
)
account_options = _options(
    option(
        "--profile",
        "Use this profile of your AWS configuration.",
        shell_complete=profiles,
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
        type=Parsed(_url, "URL", "http://127.0.0.1:4597"),
    ),
    debug_option,
)
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
"""What ListExecutions can be asked for alone."""
filter_options = _options(
    option(
        "--status",
        f"List those of this status alone: {', '.join(STATUSES)}.",
        dest="statuses",
        multiple=True,
        type=CommaChoice(STATUSES, case_sensitive=False),
        metavar="STATUS",
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
aws_options = _options(
    account_options,
    option(
        "--trail-profile",
        "Look in this profile's account too, if calls are logged there.",
        dest="profiles",
        multiple=True,
        metavar="PROFILE",
        shell_complete=profiles,
    ),
    option(
        "--queue",
        "Read calls and ECS task states from this SQS queue, which EventBridge feeds;"
        " see sfnwatch setup-queue.",
        metavar="URL",
    ),
    flag("--consume", "With --queue: delete messages once read."),
    option(
        "--log-group",
        "Read calls from the log group that a trail delivers to.",
        type=_LOG_GROUP,
        metavar="NAME|ARN",
    ),
    flag(
        "--live-tail",
        "With --log-group: follow it too, a second behind; CloudWatch Logs charges for"
        " each minute of that, until the watch ends.",
    ),
    option(
        "--archive",
        "Read calls from a trail's files in a folder or bucket: only the days, the"
        " account and the Regions of the executions.",
        metavar="PATH|s3://…",
    ),
    flag("--sql", "With --archive PATH: through DuckDB."),
    option(
        "--athena",
        "Query calls from a table over a trail; see sfnwatch athena-ddl.",
        metavar="[DATABASE.]TABLE",
    ),
    option(
        "--athena-partitions",
        "With --athena: the table's partitions, if not athena-ddl's; AWS's documented"
        " table has `timestamp` alone.",
        metavar="COLUMN,…",
        callback=lambda _, __, names: tuple(names.split(",")) if names else None,
    ),
    option("--athena-workgroup", "With --athena.", metavar="NAME"),
    option("--athena-output", "With --athena: place for results.", metavar="s3://…"),
    option("--lake", "Query calls from an event data store.", metavar="ARN"),
    option(
        "--express-log-group",
        "Read Express executions from here, not from where their state machine logs.",
        type=_LOG_GROUP,
        metavar="NAME|ARN",
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
display_options = _options(
    flag("--plain", "One line per event; the default off a terminal."),
    flag("--json", "One JSON object per line.", dest="as_json"),
    option(
        "--theme",
        "Colors of the screen.",
        metavar="NAME",
        shell_complete=completing(_themes),
    ),
    option(
        "--time",
        "Times in UTC or in your time zone.",
        type=click.Choice(["utc", "local"]),
        default="utc",
    ),
    flag(
        "--ascii",
        "Draw with ASCII alone; so it is where the locale has no more, as LANG=C.",
    ),
    flag("--present", "Presentation mode: names masked, keys shown, lines explained."),
    option("--filter", "Show some lines only; press ?.", metavar="FILTER"),
    option(
        "--keymap",
        "Take the keys of a key map: vim, or your own keymaps/NAME.toml.",
        metavar="NAME",
    ),
    option(
        "--notify",
        "How to tell that an execution ended.",
        type=click.Choice(["off", "bell", "desktop"]),
        default="off",
    ),
    option("--record", "Record to this new file.", type=FilePath(), callback=_new_file),
    flag("--no-record", "Record nothing."),
)
