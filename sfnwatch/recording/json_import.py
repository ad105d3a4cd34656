"""Reads JSON files that are no recordings.

The AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write one value, a
list of values, or one value after the other (JSON Lines).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sfnwatch.errors import BadFileError
from sfnwatch.model.json_stream import LISTS, JsonPath, JsonStream
from sfnwatch.model.strict_json import NotJsonError
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of
from sfnwatch.recording.format import bad_file
from sfnwatch.recording.imported_file import KNOWN, NOT_KNOWN, ImportedFile
from sfnwatch.recording.record_shapes import UnknownItemError, recognize
from sfnwatch.recording.recorded_file import ByteStream

_TOKENS = ("nextToken", "NextToken")
"""The keys of the token with which AWS is asked for the next page."""


def import_json(stream: ByteStream) -> ImportedFile:
    """Return the records of a JSON file; raises BadFileError."""
    imported = ImportedFile(stream.path)
    text = JsonStream(stream.blocks())
    item_path: JsonPath = ()
    try:
        for value_path, value in text.items():
            if value_path and isinstance(value_path[-1], str):
                # The value stands beside an answer's list.
                if value_path[-1] in _TOKENS and value:
                    imported.has_next = True
                continue
            for path, item in _items(imported, value, value_path):
                item_path = path
                kind_and_record = recognize(item)
                if kind_and_record:
                    imported.add(*kind_and_record)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error) from error
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error.position)) from error
    except ValueError as error:
        # A file with a single value is named without a line: it adds nothing.
        line = text.line if item_path or text.line > 1 else None
        raise _bad_item(stream.path, error, item_path, line) from error
    return imported


def _bad_item(
    path: Path, error: ValueError, item_path: JsonPath, line: int | None
) -> BadFileError:
    """Return the error of an item: `run.json:3: Events[2].detail: …`."""
    reasons = [_dotted(item_path), str(error)]
    hint = ""
    if isinstance(error, UnknownItemError):
        reasons.insert(0, NOT_KNOWN)
        hint = KNOWN
    return bad_file(path, ": ".join(filter(None, reasons)), line=line, hint=hint)


def _dotted(path: JsonPath) -> str:
    """Return a path as people write it: `Events[2].detail`."""
    dotted = ""
    for step in path:
        dotted += f"[{step}]" if isinstance(step, int) else f".{step}"
    return dotted.lstrip(".")


def _items(
    imported: ImportedFile, value: Any, place: JsonPath
) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the items of AWS's list in a value, or the value itself, with their paths.

    A record may stand in a list as a JSON text: for example CloudTrailEvent texts that
    were picked out of LookupEvents' answer.
    """
    if isinstance(value, str):
        value = parse_json(value) or value
    fields = mapping_of(value)
    if any(fields.get(token) for token in _TOKENS):
        imported.has_next = True
    list_key = next((key for key in LISTS if key in fields), None)
    rows = fields.get("results")
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _items(imported, item, (*place, number))
    elif list_key:
        yield from _items(imported, fields[list_key], (*place, list_key))
    elif isinstance(rows, list):
        for number, row in enumerate(rows):
            yield (*place, "results", number), _insights_row(row)
    else:
        yield place, value


def _insights_row(row: Any) -> dict[str, Any]:
    """Return a row of CloudWatch Logs Insights: a list of fields, with their values.

    A field whose name is no text is left out.
    """
    values: dict[str, Any] = {}
    for cell in list_of(row):
        field = mapping_of(cell)
        name = text_of(field.get("field"))
        if name:
            values[name] = field.get("value")
    return values
