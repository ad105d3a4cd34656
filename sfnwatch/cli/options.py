"""Options that several commands share, how they are set, and what they come to.

Every option can be set by its long name: `drain = "30m"` in the file holds wherever
there is a --drain, and under `[demo]` for that command alone; SFNWATCH_DRAIN overrules
both, and the command line all of them. So nothing is listed twice: a new option can be
set at once.
"""

import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from sfnwatch.cli import completion
from sfnwatch.cli.narration import lacks_unicode, narrate
from sfnwatch.errors import UsageError
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from sfnwatch.config import Config
    from sfnwatch.model.children import ListFilter
    from sfnwatch.sources.profiles import AwsSettings
    from sfnwatch.sources.targets import CallOptions, ChildOptions
    from sfnwatch.tui.app import ScreenSettings

F = TypeVar("F", bound=Callable[..., Any])
CONFIG = "sfnwatch.config"
"""Where a context's `meta` has the settings that were read."""
WITHOUT = frozenset({"completion", "config", "man", "schema"})
"""Commands that nothing is set for: they must work when a setting is wrong."""


# -- options that can be set -----------------------------------------------------------


class CommaList(click.ParamType[str]):
    """Texts of which the environment has several, with commas in between."""

    name = "text"
    envvar_list_splitter = ","


class CommaChoice(click.Choice[str]):
    """One of some words, of which the environment has several, with commas."""

    envvar_list_splitter = ","


class SettableOption(click.Option):
    """An option that the file and the environment may set."""

    def __init__(self, *args: Any, **more: Any) -> None:
        if more.get("multiple"):
            more.setdefault("type", CommaList())
        super().__init__(*args, **more)
        self.envvar = variable(self.key)

    @property
    def key(self) -> str:
        """What it is called in the file: its long name."""
        return max(self.opts, key=len).lstrip("-")


def variable(key: str) -> str:
    """Name the environment variable that stands for a key."""
    return f"SFNWATCH_{key.upper().replace('-', '_')}"


def option(*names: str, **more: Any) -> Callable[[F], F]:
    """Give a command an option that can be set."""
    return click.option(*names, cls=SettableOption, **more)


def settable(command: click.Command) -> dict[str, SettableOption]:
    """Give a command's options that can be set, by their keys."""
    found = (each for each in command.params if isinstance(each, SettableOption))
    return {each.key: each for each in found}


def commands(context: click.Context) -> Iterator[click.Context]:
    """Yield a context of every command below one, as if nothing were typed."""
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            found = command.make_context(
                name, [], parent=context, resilient_parsing=True
            )
            yield found
            yield from commands(found)


def path_of(context: click.Context) -> tuple[str, ...]:
    """Name a command, and the groups that it is in: `recordings`, `prune`."""
    return tuple(context.command_path.split()[1:])


def known_keys(root: click.Context) -> tuple[str, ...]:
    """Name all keys of options, and the tables of single commands."""
    found: dict[str, None] = {}
    for each in commands(root):
        if keys := settable(each.command):
            found |= dict.fromkeys((*keys, path_of(each)[0]))
    return tuple(found)


def apply_settings(root: click.Context) -> "Config":
    """Have all commands begin with what the file sets; raises UsageError."""
    from sfnwatch.config import load_config

    config = load_config(options=lambda: known_keys(root))
    root.meta[CONFIG] = config
    if config.options:
        root.default_map = _defaults(list(commands(root)), config)
    return config


def _defaults(every: Sequence[click.Context], config: "Config") -> dict[str, Any]:
    """Give what the file sets of each command, as click wants it."""
    keys = {key for each in every for key in settable(each.command)}
    # `[redact]` is a command's table, `redact = true` an option.
    tables = {path_of(each)[0] for each in every}
    shared = {
        key: value
        for key, value in config.options.items()
        if key in keys and not (key in tables and isinstance(value, dict))
    }
    defaults: dict[str, Any] = {}
    for each in every:
        path, table = path_of(each), defaults
        for name in path:
            table = table.setdefault(name, {})
        own = {} if path[0] in shared else _own_table(config, each)
        for key, given in settable(each.command).items():
            whole = ".".join((*path, key)) if key in own else key
            if key in own or key in shared:
                value = own.get(key, shared.get(key))
                table[given.name or key] = _value(config, whole, given, value)
    return defaults


def _own_table(config: "Config", context: click.Context) -> dict[str, Any]:
    """Read the table of one command, `[demo]` or `[recordings.prune]`."""
    from sfnwatch.config import check_keys, convert

    table: Any = config.options
    whole = ""
    for name in path_of(context):
        whole = f"{whole}.{name}".lstrip(".")
        table = convert(config.where, whole, table.get(name, {}), dict[str, Any])
    command = context.command
    below = command.commands if isinstance(command, click.Group) else {}
    known = dict.fromkeys((*settable(command), *below))
    check_keys(config.where, table, known, f"{whole}.")
    return {key: value for key, value in table.items() if key not in below}


def _value(config: "Config", name: str, given: SettableOption, value: Any) -> Any:
    """Give a value as it might be typed."""
    from sfnwatch.config import convert

    word = str | int | float
    if given.is_flag:
        return convert(config.where, name, value, bool)
    if given.multiple:
        value = [value] if isinstance(value, word) else value
        return [str(each) for each in convert(config.where, name, value, list[word])]
    return str(convert(config.where, name, value, word))


def origin(error: click.UsageError) -> str:
    """Say where a wrong value was set; nothing if it was typed."""
    param, context = getattr(error, "param", None), error.ctx
    if context is None or not isinstance(param, SettableOption):
        return ""
    match context.get_parameter_source(param.name or ""):
        case ParameterSource.DEFAULT_MAP:
            return f"{context.find_root().meta[CONFIG].where}: "
        case ParameterSource.ENVIRONMENT:
            return f"{param.envvar}: "
    return ""


def source_of(name: str) -> str:
    """Name who set an option of the command that runs: the option, or a place."""
    context = click.get_current_context()
    param = next(each for each in context.command.params if each.name == name)
    error = click.BadParameter("", context, param)
    return origin(error).removesuffix(": ") or max(param.opts, key=len)


def is_typed(name: str) -> bool:
    """True for what the command line says, and no configuration."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def is_default(name: str) -> bool:
    """True for what nobody has said."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT


# -- types -----------------------------------------------------------------------------


class Amount(click.ParamType[float]):
    """A number with a unit behind it, as `15m` or `100MB`."""

    def __init__(self, name: str, units: Mapping[str, float], examples: str) -> None:
        self.name, self._units, self._examples = name, units, examples

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(value).strip().lower())
        if found is None or found[2] not in self._units:
            msg = f"{value!r} is no {self.name}; write {self._examples}"
            self.fail(msg, param, ctx)
        return float(found[1]) * self._units[found[2]]


_TIMES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZES = {"": 1, "b": 1} | {
    f"{letter}{kind}{end}": base**power
    for power, letter in enumerate("kmg", 1)
    for kind, base in (("", 1000), ("i", 1024))
    for end in ("", "b")
}
DURATION = Amount("duration", _TIMES, "90s, 15m or 1h")
"""In seconds."""
SIZE = Amount("size", _SIZES, "500kB, 100MB or 1GiB")
"""In bytes."""


class Since(click.ParamType[datetime]):
    """A time that is past: so long ago, as `24h`, or a day or a time of one, in UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        with suppress(ValueError, OverflowError):
            at = datetime.fromisoformat(text)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        try:
            ago = timedelta(seconds=DURATION.convert(text, None, None))
            return datetime.now(UTC) - ago
        except (click.BadParameter, OverflowError):
            msg = f"{text!r} is no time; write 90m, 24h, 7d or 2026-11-01"
            self.fail(msg, param, ctx)


SINCE = Since()


class FilePath(click.Path):
    """A file's path; what no file system takes is refused in words."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        try:
            return super().convert(value, param, ctx)
        except ValueError as error:
            self.fail(f"{value!r} is no path: {error}", param, ctx)


def new_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that is there: it may be what is read, and is no copy of it.

    Before anything is done: an execution may be watched for hours first. A pipe or a
    device may be written to, and `-` is stdout.
    """
    if path is None or str(path) == "-":
        return None
    if path.is_file():
        msg = f"Can't write {clean(str(path))}: the file exists."
        raise UsageError(msg, hint="Files are never overwritten: name another.")
    return path


# -- what several commands have --------------------------------------------------------


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for each in reversed(options):
            command = each(command)
        return command

    return apply


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
        shell_complete=completion.regions,
        help="Ask in this Region instead of the ARN's own.",
    ),
    option("--endpoint-url", help="Send requests to this URL instead of AWS."),
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
output_options = _options(
    option(
        "--plain", is_flag=True, help="One line per event; the default off a terminal."
    ),
    option("--json", "as_json", is_flag=True, help="One JSON object per line."),
)
screen_options = _options(
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
)
record_options = _options(
    option(
        "--record",
        type=FilePath(),
        help="Record to this new file.",
    ),
    option("--no-record", is_flag=True, help="Record nothing."),
)


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


speed_option = option(
    "--speed",
    type=Speed(),
    help="Speed-up factor (screen: 20; lines: all at once).",
)
output_option = option(
    "-o",
    "--output",
    type=FilePath(),
    callback=new_file,
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
    callback=lambda _, __, url: (
        url if url == "env" else checked_url(url, "--otlp", "http://127.0.0.1:4318")
    ),
    help="Send spans to this OpenTelemetry collector, as states and calls end: names"
    " and error messages leave this machine. env: to the one that OpenTelemetry's own"
    " variables name.",
)


# -- what they come to: AWS ------------------------------------------------------------


class AwsOptions(NamedTuple):
    """Whom to ask, and for what."""

    settings: "AwsSettings"
    """Its Region is empty where none is given."""
    calls: "CallOptions"
    children: "ChildOptions"


_ENDPOINT = "--endpoint-url"
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


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
        from sfnwatch.sources.permissions import endpoint_refusal

        if refused := endpoint_refusal(url):
            raise UsageError(refused)
    return url


def choose_account(
    *, profile: str | None, region: str | None, endpoint_url: str | None, **_: Any
) -> "AwsSettings":
    """Read whom to ask; raises UsageError."""
    from sfnwatch.sources.profiles import AwsSettings

    if region and not _REGION.fullmatch(region):
        msg = f"--region {clean(region, 200)!r} is no Region."
        raise UsageError(msg, hint="Write it as eu-west-1.")
    return AwsSettings(region or "", profile, checked_url(endpoint_url))


def choose_aws(*, depth: int, children: int, **asked: Any) -> AwsOptions:
    """Read whom to ask, and for what; raises UsageError for what can't be so."""
    from sfnwatch.sources.targets import ChildOptions

    account = choose_account(**asked)
    return AwsOptions(account, _choose_calls(**asked), ChildOptions(depth, children))


def _choose_calls(
    *,
    trail_profile: tuple[str, ...],
    no_lookup: bool,
    athena_partitions: str | None,
    **asked: Any,
) -> "CallOptions":
    from sfnwatch.sources.targets import CallOptions

    columns = tuple(athena_partitions.split(",")) if athena_partitions else None
    known = {k: v for k, v in asked.items() if k in CallOptions.__struct_fields__}
    calls = CallOptions(
        lookup=not no_lookup,
        profiles=trail_profile,
        athena_partitions=columns,
        **known,
    )
    _check_pairs(calls)
    _check_places(calls)
    return calls


_PAIRS = (
    ("consume", "--queue URL", "queue"),
    ("live_tail", "--log-group NAME", "log_group"),
    ("sql", "--archive PATH", "archive"),
    ("athena_partitions", "--athena TABLE", "athena"),
    ("athena_workgroup", "--athena TABLE", "athena"),
    ("athena_output", "--athena TABLE", "athena"),
)
"""What is for another option, how that is written, and its name."""


def _check_pairs(calls: "CallOptions") -> None:
    """Raise UsageError for an option that is for another which is not there."""
    for name, needs, other in _PAIRS:
        there = getattr(calls, other)
        if name == "sql" and there and "://" in there:
            there = None
        if getattr(calls, name) and not there:
            msg = f"--{name.replace('_', '-')} is for {needs}."
            raise UsageError(msg, hint="Give both, or leave it out.")


def _check_places(calls: "CallOptions") -> None:
    """Raise UsageError for what can be no queue, folder, table: before it is asked."""
    for group in (calls.log_group, calls.express_log_group):
        if group is not None:
            _check_log_group(group)
    if calls.queue is not None:
        from sfnwatch.sources.queue import parse_queue_url

        parse_queue_url(calls.queue)
    if calls.archive is not None:
        from sfnwatch.sources.archive import parse_place

        parse_place(calls.archive)
    if calls.sql or calls.athena is not None or calls.lake is not None:
        _check_sql(calls)


def _check_sql(calls: "CallOptions") -> None:
    from sfnwatch.sources import sql_trail

    if calls.sql:
        sql_trail.check_duckdb()
    if calls.lake is not None:
        sql_trail.lake_table(calls.lake)
    if calls.athena is not None:
        sql_trail.athena_place(calls)


def _check_log_group(text: str) -> None:
    from sfnwatch.model.arns import parse_log_group

    try:
        parse_log_group(text)
    except ValueError as error:
        msg = f"{clean(text, 200)!r} is no log group: {error}."
        raise UsageError(msg, hint="Give its name, as /aws/cloudtrail/mine.") from error


def choose_filter(
    *, statuses: tuple[str, ...], since: datetime | None, **_: Any
) -> "ListFilter":
    """Read which executions are listed."""
    from sfnwatch.model.children import ListFilter

    return ListFilter(tuple(dict.fromkeys(statuses)), since)


# -- what they come to: how it is shown ------------------------------------------------


class Output(StrEnum):
    """How a watch or a replay is shown."""

    SCREEN = "screen"
    PLAIN = "plain"
    JSON = "json"


class Display(NamedTuple):
    """How something is shown, and whether and where it is recorded."""

    output: Output
    record: bool
    path: Path | None
    """None: a new file in the recordings' own folder."""
    screen: "ScreenSettings | None"
    """What is asked of a screen, where there is one."""
    filter: str | None = None


TERMINAL = "/dev/tty"
"""Where keys come from while stdin is something else."""


def is_served() -> bool:
    """True where `sfnwatch web` shows the screen, and no terminal does."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")


def choose_display(
    *, recorded: bool = True, piped: bool = False, **asked: Any
) -> Display:
    """Read how to show something; raises UsageError.

    It is `recorded` unless somebody says otherwise, or only if somebody does. Where it
    is `piped` into stdin the keys come from the terminal all the same.
    """
    output = _choose_output(piped=piped, **asked)
    record, path = _choose_recording(recorded=recorded, **asked)
    return Display(
        output, record, path, _choose_screen(output, **asked), asked["filter"]
    )


def _choose_output(*, piped: bool, plain: bool, as_json: bool, **_: Any) -> Output:
    if plain and as_json:
        chosen = _typed_one("plain", "as_json")
        plain, as_json = chosen == "plain", chosen == "as_json"
    if as_json:
        return Output.JSON
    if is_served() and not plain:
        return Output.SCREEN
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)[1 if piped else 0 :]
    usable = all(stream is not None and stream.isatty() for stream in streams)
    usable = usable and not (piped and not os.access(TERMINAL, os.R_OK))
    if plain or not usable or os.environ.get("TERM") == "dumb":
        return Output.PLAIN
    return Output.SCREEN


def _choose_recording(
    *, record: Path | None, no_record: bool, recorded: bool, **_: Any
) -> tuple[bool, Path | None]:
    if record is not None and no_record:
        no_record = _typed_one("record", "no_record") == "no_record"
    if no_record:
        return False, None
    return recorded or record is not None, record


def _typed_one(*names: str) -> str:
    """Of options that exclude each other choose the one typed; raises UsageError."""
    typed = [name for name in names if is_typed(name)]
    if len(typed) != 1:
        said = " and ".join(
            f"--{name.removeprefix('as_').replace('_', '-')}" for name in names
        )
        raise UsageError(f"{said} exclude each other.", hint="Choose one.")
    return typed[0]


def check_choices(context: click.Context) -> None:
    """Raise UsageError for what a command would refuse of its options, taken together.

    What is for the screen is no mistake where this is asked off a terminal.
    """
    asked = context.params
    with context:
        if "trail_profile" in asked:
            choose_aws(**asked)
        elif "profile" in asked:
            choose_account(**asked)
        if "theme" in asked:
            output = _choose_output(piped=False, **asked)
            lines = asked["plain"] or asked["as_json"]
            _choose_screen(output if lines else Output.SCREEN, **asked)
            _choose_recording(recorded=True, **asked)


_OF_THE_SCREEN = ("theme", "time", "ascii", "present", "filter", "keymap", "notify")


def _choose_screen(output: Output, **asked: Any) -> "ScreenSettings | None":
    """Read what is asked of the screen; where lines are printed there is none."""
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    if output is not Output.SCREEN:
        for name in filter(is_typed, _OF_THE_SCREEN):
            msg = f"--{name} is for the screen, and lines are printed."
            raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
        return None
    from sfnwatch.config import Bound, check, with_keymap
    from sfnwatch.tui.actions import ACTIONS
    from sfnwatch.tui.app import ScreenSettings
    from sfnwatch.tui.themes import names

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    actions = {each.id: Bound(each.pane, each.keys) for each in ACTIONS}
    theme = source_of("theme")
    check(config, asked["theme"], theme, themes=names(), actions=actions)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys=config.keys,
        own_themes=tuple(config.themes.values()),
    )


def _check_filter(text: str) -> None:
    from sfnwatch.view.filter_language import FilterError, parse_filter

    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error
