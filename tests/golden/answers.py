"""What a program says about some files, in sections that are compared one by one.

Only its command line is used, so any edition of it can be asked. Sentences of findings
are left out, since wording may change. What depends on links stands in sections of its
own, so that a corrected link leaves the other sections equal.
"""

import csv
import hashlib
import io
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

Sections = dict[str, dict[str, Any]]
"""Name of a section, then an execution's ARN ("" for the whole trace), to its items."""
LINK_COLUMNS = (
    *("execution", "state", "entered_id", "scheduled_id", "role", "rule"),
    "evidence",
)
"""Columns of the CSV that say of a call how it is linked."""
LINK_KEYS = ("role", "link")
"""The same in JSON; a call's role (action, poll, stop) follows from its link."""
_NAMES = ("event_id", "scheduled_id", "id", "arn", "kind")
"""Keys that an item is known by, the first that it has."""
_LIMIT = 300


@dataclass(frozen=True)
class Answer:
    """The three outputs; `trace` is in sections, `lines` are sorted."""

    trace: Sections
    lines: list[str]
    table: str
    errors: str = ""
    """What it printed on stderr, for a reader only."""

    @property
    def sections(self) -> Sections:
        return self.trace | line_sections(self.lines) | table_sections(self.table)


Program = Callable[[Sequence[str], Path], subprocess.CompletedProcess[bytes]]
"""Runs a command line in a folder, which takes what it writes."""


def ask(program: Program, files: Sequence[Path], folder: Path) -> Answer:
    """Have a program tell what is in files, which make one trace together."""
    names = [str(path.absolute()) for path in files]
    trace = program(("export", *names, "--to", "json"), folder)
    lines = program(("replay", *names, "--json", "--no-record"), folder)
    table = program(("export", *names, "--to", "csv"), folder)
    ended = {"export json": trace, "replay json": lines, "export csv": table}
    codes = {name: each.returncode for name, each in ended.items()}
    told = json.loads(trace.stdout) if trace.stdout else {}
    return Answer(
        {"exit codes": {"": codes}} | trace_sections(told),
        sorted({_line(json.loads(line)) for line in lines.stdout.splitlines()}),
        table.stdout.decode(),
        errors="".join(each.stderr.decode() for each in ended.values()),
    )


def run(
    program: Sequence[str],
    words: Sequence[str],
    folder: Path,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run the program with no settings of the user; `folder` takes what it writes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SFNW"))}
    homes = {f"XDG_{name}_HOME": str(folder) for name in ("STATE", "CONFIG")}
    return subprocess.run(
        (*program, *words),
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**kept, **homes, **(more or {})},
    )


def trace_sections(trace: Mapping[str, Any]) -> Sections:
    """Divide what `export --to json` prints."""
    found: Sections = defaultdict(dict)
    for execution in trace.get("executions", ()):
        arn, visits = execution["arn"], execution["visits"]
        found["executions"][arn] = _without(execution, "visits", "findings")
        found["visits"][arn] = [_without(visit, "attempts") for visit in visits]
        found["attempts"][arn] = [
            {"visit": visit["id"], **attempt}
            for visit in visits
            for attempt in visit["attempts"]
        ]
        found["findings"][arn] = _findings(execution["findings"])
    if trace:
        arns = [execution["arn"] for execution in trace["executions"]]
        found["trace"][""] = {"keys": sorted(trace), "executions": arns}
        found["findings"][""] = _findings(trace["findings"])
    for name in ("calls", "task_states"):
        items = trace.get(name, ())
        if items:
            found[name][""] = [_without(item, *LINK_KEYS) for item in items]
            found[f"links of {name}"][""] = [_link(item) for item in items]
    for map_run in trace.get("map_runs", ()):
        found["map_runs"][map_run["arn"]] = map_run
    return dict(found)


def line_sections(lines: Sequence[str]) -> Sections:
    """Divide what `replay --json` prints: a set of lines, in no order."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for text in lines:
        line = json.loads(text)
        section = f"lines: {line['kind']}"
        arn = str(line.get("execution") or line.get("arn") or "")
        for finding in line.pop("findings", ()):
            found["lines: findings"][arn].add(canonical(finding))
        if "link" in line:
            found[f"{section} links"][arn].add(canonical(_link(line)))
        found[section][arn].add(canonical(_without(line, *LINK_KEYS)))
    return {
        section: {arn: sorted(items) for arn, items in by_arn.items()}
        for section, by_arn in found.items()
    }


def table_sections(table: str) -> Sections:
    """Divide what `export --to csv` prints; `csv order` has what is left of it."""
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    if not rows:
        return {}
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        row_id = row["call_id"] or f"{row['execution']}#{row['history_id']}"
        arn = "" if row["call_id"] else row["execution"]
        apart = {"text", *(LINK_COLUMNS if row["call_id"] else ())}
        kind = "calls" if row["call_id"] else "events"
        facts = ",".join(row[key] for key in row if key not in apart)
        found[f"csv: {kind}"][arn].append(facts)
        found["csv: text"][arn].append(f"{row_id} {row['text']}")
        found["csv: order"][""].append(row_id)
        if row["call_id"]:
            linked = ",".join(row[key] for key in LINK_COLUMNS)
            found["csv: links"][""].append(f"{row_id} {linked}")
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    plain = "as Python's csv writes it" if out.getvalue() == table else "other quotes"
    found["csv: format"][""] = [",".join(rows[0]), plain]
    return {section: dict(by_arn) for section, by_arn in found.items()}


def digests(sections: Sections) -> dict[str, dict[str, str]]:
    """Give each section's count and digest (SHA-256, cut) for each execution."""
    return {
        section: {key: _digest(value) for key, value in items.items()}
        for section, items in sections.items()
    }


def _digest(value: Any) -> str:
    digest = hashlib.sha256(canonical(value).encode()).hexdigest()
    count = f"{len(value)} " if isinstance(value, list) else ""
    return f"{count}{digest[:16]}"


def differences(before: Sections, after: Sections, limit: int = _LIMIT) -> list[str]:
    """List the lines that differ, under the names of their sections."""
    found: list[str] = []
    for section in sorted({*before, *after}):
        old, new = before.get(section, {}), after.get(section, {})
        if not old or not new:
            found += ["", section, "-no longer there" if old else "+not there before"]
            continue
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                lines = list(_difference(old.get(key), new.get(key)))
                found += ["", f"{section}  {key}".rstrip(), *lines[:limit]]
                if len(lines) > limit:
                    found.append(f"... and {len(lines) - limit} lines more")
    return found


def _difference(old: Any, new: Any) -> Iterator[str]:
    lines = unified_diff(list(_leaves(old)), list(_leaves(new)), lineterm="", n=0)
    return (line for line in lines if not line.startswith(("---", "+++", "@@")))


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    """Put a value on lines, each of which says what it is of: `2.status: "failed"`."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and not path:
        for item in value:
            yield from _leaves(item, _name(item))
    elif value is not None or path:
        yield f"{path}: {canonical(value)}" if path else str(value)


def _name(item: Any) -> str:
    """Name an item of a section by what tells it from the others."""
    told = json.loads(item) if isinstance(item, str) and item[:1] == "{" else item
    if not isinstance(told, dict):
        return ""
    return str(next((told[key] for key in _NAMES if told.get(key)), "?"))


def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _without(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item[key] for key in item if key not in keys}


def _link(item: Mapping[str, Any]) -> dict[str, Any]:
    told = ("event_id", "event_name", *LINK_KEYS)
    return {key: item[key] for key in told if key in item}


def _findings(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort them: their order is the report's, and no part of the trace."""
    return sorted((_without(each, "text") for each in findings), key=canonical)


def _line(line: dict[str, Any]) -> str:
    if "findings" in line:
        line["findings"] = _findings(line["findings"])
    return canonical(line)
