"""Times, texts and JSON values: read as AWS writes them, written as people read them.

A time inside is an aware UTC `datetime`; what we write has milliseconds, the resolution
of GetExecutionHistory.

Anyone who can start an execution or call an API can write the strings, and neither
Textual nor Rich takes control characters out: an ESC in a state's error would reach the
terminal. So every string is cleaned where it becomes text for a person. Nothing is
dropped silently: what can't be shown leaves a visible mark.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import UnionType
from typing import Any, TypeGuard, TypeVar, get_args

import msgspec

from sfnwatch.model.known_secrets import KNOWN_SECRETS

# -- times -----------------------------------------------------------------------------

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_EPOCH_MS = 1e11
"""Epoch numbers above this are milliseconds: in seconds it would be the year 5138."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_time(value: Any) -> datetime:
    """Read an epoch number (s or ms), an ISO 8601 string or a datetime.

    A time without an offset is UTC, as CloudTrail's and Athena's are. One at the very
    ends of the calendar is moved off them: to it, too, a margin is added or taken away.
    Raises ValueError for anything else.
    """
    try:
        at = _parsed(value)
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {value!r:.60}") from error
    return within(at)


def within(at: datetime) -> datetime:
    """Move a time off the ends of the calendar, where it is there."""
    return at if _FIRST.year <= at.year < _LAST.year else min(max(at, _FIRST), _LAST)


def _parsed(value: Any) -> datetime:
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(float(value))
    raise ValueError(f"not a time: {value!r:.60}")


def _from_epoch(seconds: float) -> datetime:
    in_milliseconds = abs(seconds) > _EPOCH_MS
    return datetime.fromtimestamp(seconds / 1000 if in_milliseconds else seconds, UTC)


def _from_text(text: str) -> datetime:
    if "T" not in text and _NUMBER.fullmatch(text):
        # Python would read some, such as 1712091501000, as the ISO date of 1712-09-15.
        return _from_epoch(float(text))
    try:
        # Athena writes a timestamp with its zone as `2023-11-15 00:28:25.000 UTC`.
        parsed = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError as error:
        raise ValueError(f"not a time: {text!r:.60}") from error
    if parsed.tzinfo is UTC:
        return parsed
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def maybe_time(value: Any) -> datetime | None:
    """Read a time that may be absent or nonsense."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except ValueError:
        return None


def iso(at: datetime) -> str:
    """Write a time as `2023-11-15T00:28:24.102Z`."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=256)
def maybe_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def stamp(at: datetime | None) -> float:
    """Give a time as a number to sort by; no time comes before all others."""
    return at.timestamp() if at else 0.0


def microseconds(at: datetime) -> int:
    """Count from 1970: whole numbers, as a second past the year 9999 is no datetime."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    return _EPOCH + count * _MICROSECOND


def seconds_between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


# -- texts -----------------------------------------------------------------------------

_SPACE = "Zs"
"""Spaces of any width are shown. Controls, formats (bidi, zero-width, BOM), line and
page separators, surrogates, private and unassigned characters are not printable."""
_REPLACEMENT = "\ufffd"
_PICTURES = 0x2400
"""U+2400 … U+241F are the pictures of the control characters 0x00 … 0x1F."""


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_PICTURES + code)
    space = unicodedata.category(character) == _SPACE
    return character if space or character.isprintable() else _REPLACEMENT


_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def clean(text: str, limit: int | None = None) -> str:
    """Give `text` without anything a terminal or a page could act on.

    `limit` cuts to so many characters and says how much is left out. Secrets in use are
    taken out before: half of one would not be known.
    """
    text = KNOWN_SECRETS.hide(text)
    rest = 0
    if limit is not None and len(text) > limit:
        rest = byte_count(text[limit:])
        text = text[:limit]
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return f"{text}… {size(rest)} more" if rest else text


def without_login(text: str) -> str:
    """Give a text without the names and passwords of the URLs in it."""
    return _LOGIN.sub("…", text)


def clean_lines(text: str) -> list[str]:
    """Clean a text of several lines, line by line; tabs become four spaces."""
    return [clean(line) for line in text.replace("\t", "    ").split("\n")]


def byte_count(text: str) -> int:
    """Count the bytes that a text takes in UTF-8, as AWS's limits do."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def size(count: int) -> str:
    """Write a number of bytes as a person would."""
    kib = 1024
    if count < kib:
        return f"{count} B"
    if count < kib * kib:
        return f"{count / kib:.0f} KiB"
    return f"{count / kib / kib:.1f} MiB"


def duration(seconds: float) -> str:
    """Write a length of time: `0.26 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 10:  # noqa: PLR2004 - two digits are enough from here
        return f"{seconds:.2f} s"
    if seconds < 59.95:  # noqa: PLR2004 - what would be rounded up to 60.0
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s"


def clock(seconds: float) -> str:
    """Write an elapsed time as a clock: `04:52`, `1:04:52`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


# -- JSON ------------------------------------------------------------------------------

S = TypeVar("S", bound=msgspec.Struct)
_TEXTS = frozenset({str, bytes})
_SCALARS = frozenset({int, float, bool, type(None)})
_PARSERS: tuple[Callable[[str | bytes], Any], ...] = (msgspec.json.decode, json.loads)
"""The first is twice as fast, and strict: what it takes Python's parser reads alike."""


def parse_json(text: Any) -> Any:
    """Parse a JSON text; None when it isn't one, or is nested past all reason."""
    if not text or type(text) not in _TEXTS:
        return None
    for parse in _PARSERS:
        try:
            return parse(text)
        except (ValueError, RecursionError):
            continue
    return None


def parse_object(text: str | bytes) -> Mapping[str, Any]:
    """Parse a JSON object; an empty one for anything else."""
    return mapping_of(parse_json(text))


def encode_json(value: Any) -> bytes:
    """Write a JSON value as bytes of ASCII.

    Raises ValueError for what JSON can't hold, NaN and infinities among it.
    """
    try:
        return ascii_json(value).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def values_at(value: Any, path: str) -> Iterator[str]:
    """Yield the strings at a dotted `path`; `[]` walks a list: `Tasks[].TaskArn`."""
    found = [value]
    for key, is_list in _steps(path):
        found = [v[key] for v in found if _is_mapping(v) and key in v]
        if not found:
            return
        if is_list:
            found = [item for v in found if isinstance(v, list) for item in v]
    yield from (v for v in found if isinstance(v, str) and v)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[tuple[str, bool], ...]:
    """Split a path into its keys, and whether what stands at each is a list."""
    parts = path.split(".")
    return tuple((part.removesuffix("[]"), part.endswith("[]")) for part in parts)


def strings_in(value: Any) -> list[str]:
    """Give every string that stands as a value inside a JSON value, in any order.

    Iterative, since requestParameters may be nested as deep as its sender likes.
    """
    found: list[str] = []
    left = [value]
    for current in left:
        kind = type(current)
        if kind is str:
            found.append(current)
        elif kind is dict:
            left.extend(current.values())
        elif kind is list or kind is tuple:
            left.extend(current)
        elif kind not in _SCALARS and isinstance(current, Mapping):
            left.extend(current.values())
    return found


def text_of(value: Any) -> str | None:
    """Take a string, or nothing: a field may hold anything in a hostile record."""
    return value if isinstance(value, str) and value else None


def required_text(record: Mapping[str, Any], key: str) -> str:
    """Take a string that must be there; raises KeyError and ValueError."""
    value = record[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is {value!r:.60}")
    return value


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Take an object, or an empty one."""
    return value if value and _is_mapping(value) else {}


def list_of(value: Any) -> list[Any]:
    """Take a list, or an empty one."""
    return value if isinstance(value, list) else []


def int_of(value: Any) -> int | None:
    """Take a whole number; JSON's true and false are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def float_of(value: Any) -> float | None:
    """Take a number that is finite, and none that is past all reason."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: text_of,
    int: int_of,
    float: float_of,
    datetime: maybe_time,
}


def read_fields(kind: type[S], record: Mapping[str, Any], /, **known: Any) -> S:
    """Read a Struct's fields by their names in the record, whatever stands there.

    What is missing or of another type has its field's default; what is no text, number
    or time is for the caller to give, as `known`.
    """
    for name, key, reader in _readers_of(kind):
        value = None if name in known else reader(record.get(key))
        if value is not None:
            known[name] = value
    return kind(**known)


@lru_cache(maxsize=64)
def _readers_of(
    kind: type[msgspec.Struct],
) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    found = []
    for each in msgspec.structs.fields(kind):
        types = get_args(each.type) if isinstance(each.type, UnionType) else [each.type]
        reader = next((_READERS[t] for t in types if t in _READERS), None)
        if reader is not None:
            found.append((each.name, each.encode_name, reader))
    return tuple(found)


def _is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    # Nearly all are dicts; to ask the abstract class takes ten times as long.
    return type(value) is dict or isinstance(value, Mapping)


def canonical(value: Any) -> str:
    """Write a JSON value so that equal values give equal texts.

    What was read at the edge of the nesting allowed may be past it here: then all
    its strings stand for it.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError:
        return json.dumps(sorted(strings_in(value)))


def ascii_json(value: Any, *, indent: int | None = None) -> str:
    """Write a JSON value in printable ASCII, strings unaltered.

    NaN and infinities, which JSON doesn't have, raise ValueError.
    """
    # msgspec's would indent faster, but refuses half of a surrogate pair.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


# -- JSON, strictly --------------------------------------------------------------------


class NotJsonError(ValueError):
    """A text that isn't JSON, and the character where that shows."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Python's parser without what is lax in it: what it takes can be written again."""
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_BLANKS = re.compile(r"[ \t\r\n]*")


def skip_space(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def scan_value(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`, and tell where it ends.

    Raises NotJsonError, for what is nested too deep for Python as well.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON: {error.msg}", error.pos) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep to be read", start) from error
    except ValueError as error:
        what = str(error).partition(":")[0]
        raise NotJsonError(f"not JSON: {what}", start) from error


def parse_value(text: str) -> Any:
    """Read the one JSON value of a text; raises NotJsonError."""
    value, end = scan_value(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end < len(text):
        raise NotJsonError("not JSON: Extra data", end)
    return value


def decode_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object, and nothing else; raises ValueError."""
    try:
        found: Any = _OBJECTS.decode(data)
    except (ValueError, RecursionError):
        # Python's own parser takes half of a surrogate pair, and says what is wrong.
        found = parse_value(data.decode())
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as for all bad data
    return found
