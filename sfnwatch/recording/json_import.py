"""Reads JSON files that are no recordings.

The AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write one value, a
list of values, or one value after the other (JSON Lines).
"""

from collections.abc import Iterator
from typing import Any

from sfnwatch.model.json_stream import LISTS, JsonPath, JsonStream
from sfnwatch.model.strict_json import NotJsonError
from sfnwatch.model.values import list_of, mapping_of, parse_json
from sfnwatch.recording.format import bad_file
from sfnwatch.recording.imported_file import KNOWN, NOT_KNOWN, ImportedFile
from sfnwatch.recording.record_shapes import UnknownItemError, recognize
from sfnwatch.recording.recorded_file import ByteStream

_TOKENS = ("nextToken", "NextToken")


def import_json(stream: ByteStream) -> ImportedFile:
    """Return the records of a JSON file; raises BadFileError."""
    imported = ImportedFile(stream.path)
    text = JsonStream(stream.blocks())
    at: JsonPath = ()
    try:
        for place, value in text.items():
            if place and isinstance(place[-1], str):
                imported.has_next |= place[-1] in _TOKENS and bool(value)
                continue
            for at, item in _items(imported, value, place):  # noqa: B007 - see below
                if found := recognize(item):
                    imported.add(*found)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error) from error
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error.position)) from error
    except ValueError as error:
        unknown = isinstance(error, UnknownItemError)
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in at)
        words = (NOT_KNOWN if unknown else "", steps.lstrip("."), str(error))
        # A file with a single value is named without a line: it adds nothing.
        line = text.line if at or text.line > 1 else None
        what = ": ".join(filter(None, words))
        hint = KNOWN if unknown else ""
        raise bad_file(stream.path, what, line=line, hint=hint) from error
    return imported


def _items(
    imported: ImportedFile, value: Any, place: JsonPath
) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the items of AWS's list in a value, or the value itself, with their paths.

    A record may stand in a list as a JSON text: for example CloudTrailEvent texts that
    were picked out of LookupEvents' answer.
    """
    value = value if not isinstance(value, str) else parse_json(value) or value
    told = mapping_of(value)
    imported.has_next |= any(told.get(key) for key in _TOKENS)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _items(imported, item, (*place, number))
    elif key := next(filter(told.__contains__, LISTS), None):
        yield from _items(imported, told[key], (*place, key))
    elif isinstance(rows := told.get("results"), list):
        # CloudWatch Logs Insights: each row is a list of fields with their values.
        for number, row in enumerate(rows):
            cells = map(mapping_of, list_of(row))
            item = {cell.get("field"): cell.get("value") for cell in cells}
            yield (*place, "results", number), item
    else:
        yield place, value
