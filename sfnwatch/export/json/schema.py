"""The schemas of the JSON exports."""

import json
from typing import Any

from sfnwatch.templates import read_template


def trace_schema() -> dict[str, Any]:
    """Return the schema of `export --to json`."""
    schema: dict[str, Any] = json.loads(read_template("trace.schema.json"))
    return schema


def line_schema() -> dict[str, Any]:
    """Return the schema of each line of `--json`; it shares parts with the trace's."""
    schema = trace_schema()
    return {
        "$schema": schema["$schema"],
        "title": "A line of sfnwatch --json, version 1",
        "$ref": "#/$defs/line",
        "$defs": schema["$defs"],
    }
