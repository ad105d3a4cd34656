"""The JSON schema of what is written for other programs, as it is shipped.

It is a file, so that programs that are not Python's can take it from the package too.
"""

import json
from importlib.resources import files
from typing import Any


def trace_schema() -> dict[str, Any]:
    """Give the schema of `export --to json`."""
    template = files("sfnwatch.next.templates") / "trace.schema.json"
    schema: dict[str, Any] = json.loads(template.read_text("utf-8"))
    return schema


def line_schema() -> dict[str, Any]:
    """Give the schema of each line of `--json`, which shares its parts with that."""
    schema = trace_schema()
    return {
        "$schema": schema["$schema"],
        "title": "A line of sfnwatch --json, version 1",
        "$ref": "#/$defs/line",
        "$defs": schema["$defs"],
    }
