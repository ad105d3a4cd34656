"""The options and arguments of commands: what they take, and how it is read or refused.

Every option can be set by its long name. `drain = "30m"` in the configuration file
holds for each command with a --drain, and under `[demo]` for that command alone.
SFNWATCH_DRAIN overrules both, and the command line overrules all of them. Settings are
not listed a second time, so a new option can be set at once; see `settings.py`.

Shell completion imports no SDK and does not ask AWS: profiles come from AWS's own
files, Regions from the list that comes with botocore, executions from the recordings.

An execution is named by its ARN or by a page in the console; it can be found by its
state machine or Map Run, which are named in the same ways. A state machine also has a
name, which people know by heart. Every other text is refused, with words that say what
it is.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

import click
from msgspec.structs import replace

from sfnwatch.cli.narration import ask_unseen, can_ask, is_served, narrate
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    Named,
    StateMachineArn,
    parse_log_group,
    parse_states_arn,
)
from sfnwatch.model.execution_list import ListFilter
from sfnwatch.model.records import Batch
from sfnwatch.model.texts import clean, without_login
from sfnwatch.recording.format import SUFFIX
from sfnwatch.recording.library import read_header, recording_paths, recordings_dir
from sfnwatch.sources.aws_settings import (
    AwsSettings,
    mfa_devices,
    profile_names,
    region_names,
)
from sfnwatch.sources.endpoints import endpoint_refusal
from sfnwatch.sources.live_options import CallOptions, ChildOptions, LiveOptions

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Completes = Callable[[click.Context, click.Parameter, str], list[Any]]
_LONGEST_SECONDS = 36_500 * 86_400.0
"""A century: nobody means more, and clocks do not reach that far."""
_LARGEST_BYTES = float(1 << 60)
"""The largest size that an option takes; nobody means more."""
_SLOWEST = 0.1
_FASTEST = 10_000
_NUMBER = r"(\d+(?:\.\d+)?)\s*"
_MOST = 200
"""Most recordings that completion reads, newest first: nobody chooses among more."""
HINT = (
    "Give an execution's ARN or console URL, or the ARN or the name of its state"
    " machine."
)
_SHOWN = 200
_LONGEST = 80
"""Most characters of a name, by AWS's own limit."""
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
"""Characters that AWS allows in no name."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ANY_ARN = re.compile(r"arn:[a-z-]*:[a-z0-9-]*:", re.IGNORECASE)
_FILE = re.compile(r"\.(jsonl?|csv)(\.gz|\.zst)?$", re.IGNORECASE)


# -- types -----------------------------------------------------------------------------


class Parsed(click.ParamType[T]):
    """A value read from a text; an environment variable separates several by commas."""

    envvar_list_splitter = ","

    def __init__(self, read: Callable[[str], T], name: str, example: str) -> None:
        """Read values by a function, which raises ValueError for a wrong text."""
        self.name = name
        self._read = read
        self._example = example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        if not isinstance(value, str):
            return cast("T", value)
        try:
            return self._read(value.strip())
        except (ValueError, OverflowError):
            msg = f"{without_login(value)!r} is no {self.name}; write {self._example}"
            self.fail(msg, param, ctx)


def _url(text: str) -> str:
    parts = urlsplit(text)
    # Reading a wrong port raises ValueError, too.
    host = parts.hostname
    _ = parts.port
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", text):
        raise ValueError(text)
    return text


def matched(pattern: str, text: str) -> re.Match[str]:
    """Match the whole of a text; raises ValueError."""
    if found := re.fullmatch(pattern, text):
        return found
    raise ValueError(text)


def form(pattern: str) -> Callable[[str], str]:
    """Return a function that reads a text of a form, a regular expression."""
    return lambda text: matched(pattern, text)[0]


def _no_more_than(most: float, amount: float) -> float:
    if amount > most:
        raise OverflowError
    return amount


def _seconds(text: str) -> float:
    """Return the seconds of a duration such as `15m`."""
    found = matched(rf"{_NUMBER}([smhd]?)", text.lower())
    unit = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2]]
    return _no_more_than(_LONGEST_SECONDS, float(found[1]) * unit)


def _bytes(text: str) -> float:
    """Return the bytes of a size such as `100MB` or `1GiB`."""
    found = matched(rf"{_NUMBER}(?:([kmg])(i?))?b?", text.lower())
    base = 1024 if found[3] else 1000
    power = "kmg".find(found[2] or "b") + 1
    return _no_more_than(_LARGEST_BYTES, float(found[1]) * base**power)


def _past(text: str) -> datetime | timedelta:
    """Return a day or a time, in UTC if it has no zone; or how long ago, as `24h`."""
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return timedelta(seconds=_seconds(text))


def _speed(text: str) -> float:
    speed = float(text)
    if not _SLOWEST <= speed <= _FASTEST:
        raise ValueError(text)
    return speed


def _log_group(text: str) -> str:
    parse_log_group(text)
    return text


_LOG_GROUP = Parsed(_log_group, "log group", "/aws/cloudtrail/mine")
DURATION = Parsed(_seconds, "duration", "90s, 15m or 1h")
"""In seconds."""
SIZE = Parsed(_bytes, "size", "500kB, 100MB or 1GiB")
"""In bytes."""
SINCE = Parsed(_past, "time", "90m, 24h, 7d or 2026-11-01")
SPEED = Parsed(_speed, "speed", f"a number from {_SLOWEST} to {_FASTEST}")
"""A factor; 2 is twice as fast."""
FORMATS = click.Choice(["text", "markdown", "json"])
PORT = click.IntRange(0, 65535)
_ANY = Parsed(str, "text", "any")


class CommaChoice(click.Choice[str]):
    """One of some words; an environment variable separates several by commas."""

    envvar_list_splitter = ","


class FilePath(click.Path):
    """A file's path; a text that no file system takes is refused in plain words."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail("'' is no path", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except ValueError as error:
            self.fail(f"{value!r} is no path: {error}", param, ctx)


class NewFile(FilePath):
    """The path of a file to be made.

    A file that can't be made, or that exists, is refused before anything is done. It
    may be the file that is read, or an execution may be watched for hours first. A pipe
    or a device may be written to, and `-` is stdout. For a recording, a missing folder
    is made.
    """

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path = super().convert(value, param, ctx)
        is_output = param.name == "output"
        if str(path) == "-" and is_output:
            return None
        msg = f"Can't write {clean(str(path))}: "
        if path.is_file():
            hint = "Files are never overwritten: name another."
            raise UsageError(f"{msg}the file exists.", hint=hint)
        if is_output and not path.parent.is_dir():
            raise SfnwatchError(f"{msg}No such file or directory.")
        return path


# -- completion ------------------------------------------------------------------------


def completing(names: Callable[[], Iterable[str]]) -> Completes:
    """Return a completion of the names that begin with the typed text.

    Names that a shell would not take as one word are left out.
    """

    def complete(_: click.Context, __: click.Parameter, text: str) -> list[str]:
        found = (name for name in dict.fromkeys(names()) if name.startswith(text))
        return list(filter(_is_word, found))

    return complete


def _is_word(name: str) -> bool:
    return name.isprintable() and not set(name) & set(" \"'`$\\;&|<>(),*?")


def _themes() -> Iterable[str]:
    """Return the names of the themes, without those of a configuration."""
    from sfnwatch.tui.themes import names

    return sorted(names())


def _recording_files() -> Iterator[Path]:
    return islice(recording_paths(recordings_dir()), _MOST)


def _recordings() -> Iterator[str]:
    return (file.name.removesuffix(SUFFIX) for file in _recording_files())


def _executions() -> Iterator[str]:
    """Yield the ARNs of recorded executions, of the newest recording first."""
    for path in _recording_files():
        if header := read_header(path):
            yield from header.executions


profiles = completing(lambda: sorted(profile_names()))
recordings = completing(_recordings)
executions = completing(_executions)


files = click.Path().shell_complete
"""Leaves the completion of files to the shell."""


def files_or_executions(
    context: click.Context, param: click.Parameter, text: str
) -> list[Any]:
    """Complete executions once an ARN is begun; otherwise leave files to the shell."""
    offered: Completes = executions if text.startswith("arn:") else files
    return offered(context, param, text)


# -- names of executions ---------------------------------------------------------------


def named_executions(texts: Sequence[str]) -> list[Named]:
    """Read texts that name executions; raises UsageError, also if none does."""
    read = [named for text in texts if (named := named_execution(text)) is not None]
    if not read:
        raise UsageError("No execution is named.", hint=HINT)
    return read


def named_execution(text: str) -> Named | None:
    """Read a text that names an execution, or what it is found by; None if it is blank.

    Raises UsageError, which says what the text is instead, and what to give.
    """
    text = text.strip()
    if not text:
        return None
    try:
        named = parse_states_arn(text)
        # AWS allows no such name: the characters can only be meant for a terminal.
        why = "" if named.arn.isprintable() else "no ARN has such characters"
    except ValueError as error:
        if not _is_address(text):
            return _name(text)
        why = str(error)
    if why:
        msg = f"{clean(text, _SHOWN)!r} names no execution: {why}."
        raise UsageError(msg, hint=HINT)
    return named


def concerns(named: Named, execution: ExecutionArn) -> bool:
    """True for an execution of the named state machine, also one of its Map Runs.

    A named execution or Map Run stands for its state machine. A bare name stands for
    the state machines of that name in any account and Region.
    """
    if not isinstance(named, MachineName):
        places = {(e.partition, e.account, e.region) for e in (named, execution)}
        if len(places) > 1:
            return False
    if isinstance(named, MachineName | StateMachineArn):
        own = named.name
    else:
        own = named.state_machine_name
    # A Map Run's label follows a slash.
    names = {each.partition("/")[0] for each in (own, execution.state_machine_name)}
    return len(names) == 1


def looks_like_file(text: str) -> bool:
    """True for a text with a folder or a file's ending, if it is no ARN and no URL."""
    if _is_address(text):
        return False
    return "/" in text or "\\" in text or _FILE.search(text) is not None


def _is_address(text: str) -> bool:
    return bool(_URL.match(text) or _ANY_ARN.search(unquote(text)))


def _name(text: str) -> MachineName:
    """Read a state machine's name; raises UsageError if AWS would not allow it."""
    if _FILE.search(text):
        why = "looks like a file's name."
        hint = f"For a file: sfnwatch replay FILE. {HINT}"
    elif _FORBIDDEN.search(text) or len(text) > _LONGEST or not text.isprintable():
        why = "is no name of a state machine."
        hint = HINT
    else:
        return MachineName(text)
    raise UsageError(f"{clean(text, _SHOWN)!r} {why}", hint=hint)


# -- options that can be set -----------------------------------------------------------


class SettableOption(click.Option):
    """An option that the configuration file and the environment may set."""

    def __init__(self, *args: Any, **more: Any) -> None:
        if more.get("multiple"):
            more.setdefault("type", _ANY)
        more.setdefault("show_default", "default" in more)
        super().__init__(*args, **more)
        self.envvar = variable(self.key)

    @property
    def key(self) -> str:
        """The option's key in the configuration file: its long name."""
        return max(self.opts, key=len).lstrip("-")


def variable(key: str) -> str:
    """Return the name of the environment variable for a key."""
    return f"SFNWATCH_{key.upper().replace('-', '_')}"


def option(spec: str, text: str, *, dest: str = "", **more: Any) -> Callable[[F], F]:
    """Return a decorator that adds an option that can be set to a command.

    `spec` is the option as in --help, such as `-o,--output FILE`, and `text` is its
    help. `dest` is its parameter's name, if that is another.
    """
    names, _, metavar = spec.partition(" ")
    every = filter(None, (*names.split(","), dest))
    more |= {"metavar": metavar or None, "help": text}
    return click.option(*every, cls=SettableOption, **more)


flag = partial(option, is_flag=True)


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for each in reversed(options):
            command = each(command)
        return command

    return apply


# -- options and arguments of several commands -----------------------------------------


def each_once(names: Sequence[str], read: Callable[[str], T]) -> list[T]:
    """Read each name; raises UsageError if stdin is named twice."""
    if names.count("-") > 1:
        raise UsageError("stdin can be read once.", hint="Name - once.")
    return [read(name) for name in names]


def argument(
    name: str, read: Callable[[Any], Any], offer: Any, **more: Any
) -> Callable[..., Callable[[F], F]]:
    """Return a decorator that adds an argument to a command.

    `read` reads the argument, and `offer` completes it.
    """
    more |= {"shell_complete": offer, "callback": lambda _, __, given: read(given)}
    return partial(click.argument, name, **more)


files_argument = argument("files", partial(each_once, read=Path), files, nargs=-1)(
    required=True
)
executions_argument = argument(
    "executions",
    lambda texts: [*filter(None, map(named_execution, texts))],
    executions,
    nargs=-1,
)
name_argument = argument(
    "name", lambda text: named_execution(text or ""), executions, required=False
)


def _debug_to(context: click.Context, _: click.Parameter, path: Path | None) -> None:
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
"""The statuses that ListExecutions can filter by."""
filter_options = _options(
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
aws_options = _options(
    account_options,
    option(
        "--trail-profile PROFILE",
        "Look in this profile's account too, if calls are logged there.",
        dest="profiles",
        multiple=True,
        shell_complete=profiles,
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
        type=_LOG_GROUP,
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
        callback=lambda _, __, names: tuple(names.split(",")) if names else None,
    ),
    option("--athena-workgroup NAME", "With --athena."),
    option("--athena-output s3://…", "With --athena: place for results."),
    option("--lake ARN", "Query calls from an event data store."),
    option(
        "--express-log-group NAME|ARN",
        "Read Express executions from here, not from where their state machine logs.",
        type=_LOG_GROUP,
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
    option("--theme NAME", "Colors of the screen.", shell_complete=completing(_themes)),
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


# -- the settings and options of a watch -----------------------------------------------


def choose_account(**asked: Any) -> AwsSettings:
    """Return the settings of AWS from options; the Region is empty if none is given.

    Raises UsageError if the endpoint would be asked unencrypted.
    """
    endpoint_url: str | None = asked.get("endpoint_url")
    if refused := endpoint_refusal(endpoint_url):
        raise UsageError(refused)
    return AwsSettings(asked.get("region") or "", asked.get("profile"), endpoint_url)


def choose_aws(**asked: Any) -> tuple[AwsSettings, LiveOptions]:
    """Return the settings of AWS and the options of a watch, from a command's options.

    Raises UsageError for options that can't be.
    """
    account = choose_account(**asked)
    known = {k: v for k, v in asked.items() if k in CallOptions.__struct_fields__}
    calls = CallOptions(lookup=not asked["no_lookup"], **known)
    _check_pairs(calls)
    _check_places(calls)
    children = ChildOptions(asked["depth"], asked["children"])
    redrive = asked.get("follow_redrive", False)
    drain = asked["drain"]
    return account, LiveOptions(calls, children, drain, follow_redrive=redrive)


_PAIRS = (
    ("consume", "--queue URL", "queue"),
    ("live_tail", "--log-group NAME", "log_group"),
    ("sql", "--archive PATH", "archive"),
    ("athena_partitions", "--athena TABLE", "athena"),
    ("athena_workgroup", "--athena TABLE", "athena"),
    ("athena_output", "--athena TABLE", "athena"),
)
"""An option that needs another one, how that one is written, and its name."""


def _check_pairs(calls: CallOptions) -> None:
    """Raise UsageError for an option that needs another one which is not given."""
    for name, needs, other in _PAIRS:
        there = getattr(calls, other)
        if name == "sql" and there and "://" in there:
            there = None
        if getattr(calls, name) and not there:
            msg = f"--{name.replace('_', '-')} is for {needs}."
            raise UsageError(msg, hint="Give both, or leave it out.")


def _check_places(calls: CallOptions) -> None:
    """Raise UsageError for a text that can't name a queue, a bucket or a table.

    That is checked before anything is asked.
    """
    if calls.queue is not None:
        from sfnwatch.sources.queue import parse_queue_url

        parse_queue_url(calls.queue)
    if calls.archive is not None:
        from sfnwatch.sources.archive_bucket import parse_place

        parse_place(calls.archive)
    if calls.sql:
        from sfnwatch.sources.duck_trail import check_duckdb

        check_duckdb()
    if calls.lake is not None:
        from sfnwatch.sources.lake import lake_table

        lake_table(calls.lake)
    if calls.athena is not None:
        from sfnwatch.sources.athena import athena_place

        athena_place(calls)


# -- signing in, and finding -----------------------------------------------------------


def sign_in(settings: AwsSettings, others: Sequence[str] = ()) -> AwsSettings:
    """Ask for the MFA codes that profiles need; return settings with their credentials.

    That is done before there is a screen, and only at a terminal. Without one such a
    profile is refused when it is used. `others` are further profiles that the watch
    uses. Raises RefusedError for a code that is refused.
    """
    if is_served() or not can_ask():
        return settings
    whose = [settings, *(replace(settings, profile=name) for name in others)]
    for each in whose:
        devices = mfa_devices(replace(each, signed_in=settings.signed_in))
        if not devices:
            continue
        from sfnwatch.sources.aws_client import have_role

        codes = {device.serial: _ask_code(device.serial) for device in devices}
        keys = asyncio.run(have_role(each, codes))
        signed_in = {**settings.signed_in, devices[0].profile: keys}
        settings = replace(settings, signed_in=signed_in)
    return settings


def signed_in(**asked: Any) -> AwsSettings:
    """Choose the account, and sign in; raises the errors of both."""
    return sign_in(choose_account(**asked))


def _ask_code(serial: str) -> str:
    while True:
        code = ask_unseen(f"MFA code for {serial}: ").strip()
        if re.fullmatch("[0-9]{6}", code):
            return code
        narrate("An MFA code has six digits; ctrl+c ends this.")


def find_executions(
    named: Sequence[Named], settings: AwsSettings, *, coming: bool = False
) -> tuple[list[ExecutionArn], Batch]:
    """Return the named executions, and the requests that finding them took.

    Raises SfnwatchError.
    """
    from sfnwatch.sources.discovery import Search

    search = Search(settings)
    found = asyncio.run(search.find(named, narrate, coming=coming))
    return found, tuple(search.asked)


def choose_filter(**asked: Any) -> ListFilter:
    """Return the filter for a list of executions, from options."""
    return ListFilter(tuple(dict.fromkeys(asked["statuses"])), asked["since"])
