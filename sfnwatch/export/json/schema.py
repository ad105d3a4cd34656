"""The schemas of what is written as JSON."""

import json
from typing import Any

from sfnwatch.templates import read_template


def trace_schema() -> dict[str, Any]:
    """Give the schema of `export --to json`."""
    schema: dict[str, Any] = json.loads(read_template("trace.schema.json"))
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
