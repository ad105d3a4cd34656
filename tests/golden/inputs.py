"""The files whose traces are compared: our own recordings, and what others recorded.

Others' records lie in a folder that is no part of the project. Most were published
without their times or inside another document: they are put into the form that AWS
gives them, in a folder that a caller names and throws away.
"""

import csv
import gzip
import importlib.util
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
SUFFIX = ".sfnwatch.jsonl.gz"
FIXTURES = Path(
    os.environ.get("SFNWATCH_FIXTURES")
    or HERE.parents[1].parent / "shared" / "fixtures"
)
"""Where others' records are, unless a caller says so."""
ABSENT = f"no recorded fixtures at {FIXTURES}; set SFNWATCH_FIXTURES"
SEED = "cloudtrail-real/seed_codmon_ecs_runTask_athena_rows_2023.json"
_BEGUN = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
_DAY = timedelta(days=1)
_COLUMNS = ("eventtime", "eventsource", "eventname", "errorcode", "errormessage", "arn")
_TASK = re.compile(r"arn:aws:ecs:[\w:/-]+:task/[\w/-]+")
_ENDS = ("TaskSucceeded", "TaskStateExited", "ExecutionSucceeded")

Event = dict[str, Any]
Case = Callable[[Path], list[Path]]
"""Puts files into a folder, if it has to, and lists what makes one trace."""
FixtureCase = Callable[[Path, Path], list[Path]]
"""The same, given the folder of others' records first."""


# -- our own ---------------------------------------------------------------------


def recorded(name: str, folder: Path) -> list[Path]:
    del folder
    return [RECORDINGS / f"{name}{SUFFIX}"]


def as_files(name: str, folder: Path) -> list[Path]:
    """Write what a recording holds as the AWS CLI would, a file an answer."""
    events: dict[str, list[Event]] = defaultdict(list)
    others: list[Any] = []
    lookups: list[Event] = []
    with gzip.open(RECORDINGS / f"{name}{SUFFIX}", "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            match line.get("source"):
                case "history":
                    events[line["execution"]].append(line["data"])
                case "lookup":
                    lookups.append(line["data"])
                case "describe" | "definition" | "map-run" | "children" | "task-state":
                    others.append(line["data"])
    histories = [{"events": events[arn]} for arn in events]
    return _written(folder, "answer", *histories, *others, {"Events": lookups})


def own_cases() -> dict[str, Case]:
    names = [p.name.removesuffix(SUFFIX) for p in RECORDINGS.glob(f"*{SUFFIX}")]
    cases: dict[str, Case] = {name: partial(recorded, name) for name in sorted(names)}
    for name in ("demo-three-ways", "demo-distributed", "demo-failure-queue"):
        cases[f"files-of-{name}"] = partial(as_files, name)
    return cases


# -- others' ---------------------------------------------------------------------


def localstack(fixtures: Path, folder: Path) -> list[Path]:
    """Give every history its own day: none is taken for a page of another."""
    found = []
    for number, path in enumerate(sorted(fixtures.glob("history-localstack/*.json"))):
        try:
            events = history(fixtures, path, start=_BEGUN + number * _DAY)
        except ValueError:
            continue  # its event ids were blanked
        found += _written(folder, path.stem, {"events": events}, plain=True)
    return found


def raw_histories(fixtures: Path, folder: Path) -> list[Path]:
    del folder
    return sorted(fixtures.glob("history-raw/*.json"))


def calls(kind: str, fixtures: Path, folder: Path) -> list[Path]:
    """Put the records of a folder into trail files, and a response as it is."""
    found = []
    for path in sorted(fixtures.glob(f"{kind}/*.json")):
        document = _load(path)
        if "rows" in document:
            continue
        records = list(document.get("records") or document.get("Records") or [])
        if "record" in document:
            records.append(document["record"])
        answer = document.get("response", {"Records": records})
        found += _written(folder, path.stem, answer, plain=True)
    return found


def seed(number: int | None, fixtures: Path, folder: Path) -> list[Path]:
    """Write the seed's rows as Athena does: all, or one run's beside a history."""
    cases: dict[str, list[Event]] = defaultdict(list)
    for row in _load(fixtures / SEED)["rows"]:
        cases[row["case"]].append(row)
    every = list(cases.values())
    if number is None:
        return [_table(folder, [row for rows in every for row in rows])]
    rows, (task,) = every[number], set(_TASK.findall(json.dumps(every[1])))
    begun, last = (datetime.fromisoformat(rows[at]["eventtime"]) for at in (0, -1))
    role = f"arn:aws:iam::123456789012:role/{rows[0]['arn'].split('/')[1]}"
    stopped = last + timedelta(seconds=10)
    events = sync_run(fixtures, begun, stopped, task=task, role=role)
    # A call after the end: by then every poll would be there.
    after = {**rows[0], "eventname": "ListTasks"}
    after["eventtime"] = (stopped + timedelta(minutes=10)).isoformat()
    table = _table(folder, rows if number else [*rows, after])
    return [table, *_written(folder, "history", {"events": events})]


def ecs_task(fixtures: Path, folder: Path) -> list[Path]:
    """Put a task's recorded output into a history of its own times."""
    (path,) = fixtures.glob("ecs-real/*.json")
    output = _load(path)["taskSucceededOutput"]
    times = [datetime.fromtimestamp(output[k] / 1000, _BEGUN.tzinfo) for k in _LIFE]
    events = sync_run(fixtures, *times, task=output["TaskArn"], output=output)
    return _written(folder, "history", {"events": events})


_LIFE = ("CreatedAt", "StoppedAt")


def task_state(fixtures: Path, folder: Path) -> list[Path]:
    """Put a task's documented event beside a history of that task."""
    event = _load(fixtures / "eventbridge-docs" / "ecs_task_state_change.json")["event"]
    at, minute = datetime.fromisoformat(event["time"]), timedelta(minutes=1)
    task = event["detail"]["taskArn"]
    events = sync_run(fixtures, at - minute, at + minute, task=task)
    return _written(folder, "history", {"events": events}, event)


def logs(fixtures: Path, folder: Path) -> list[Path]:
    """Give the recorded logs of executions, each an ARN and times of its own."""
    found = []
    for number, path in enumerate(sorted(fixtures.glob("api-localstack/*.json"))):
        told = _load(path)["recorded"]
        events = told.get("logged_execution_events", [told.get("end_event")])
        if events == [None]:
            continue
        for event in events:
            at = _BEGUN + number * _DAY + timedelta(seconds=int(event["id"]))
            event["event_timestamp"] = str(round(at.timestamp() * 1000))
            event["execution_arn"] = (
                f"arn:aws:states:eu-central-1:111111111111:express:{path.stem}:run:one"
            )
            _as_texts(event["details"])
        found += _written(folder, path.stem, events, plain=True)
    return found


def described(fixtures: Path, folder: Path) -> list[Path]:
    """Open a description, a definition and a history, all of one machine."""
    api = fixtures / "api-localstack"
    events = _answers(api / "logs_level_ALL_with_data.json")["get_execution_history"]
    for event in events["events"]:
        at = _BEGUN + timedelta(seconds=event["id"])
        event["timestamp"] = at.isoformat()
        for details in event.values():
            _as_texts(details)
    told = _answers(api / "describe_execution.json")["describe_execution"]
    told |= {"startDate": _BEGUN.isoformat(), "stopDate": (_BEGUN + _DAY).isoformat()}
    machine = _answers(api / "describe_state_machine_for_execution.json")
    definition = machine["describe_resp"]
    definition["definition"] = json.dumps(definition["definition"])
    return _written(folder, "answer", events, told, definition)


def map_run(fixtures: Path, folder: Path) -> list[Path]:
    """Open what describes a Map Run beside a history that has one."""
    path = fixtures / "history-localstack" / "map_distributed.json"
    told = _answers(fixtures / "api-localstack" / "map_run_list_and_describe.json")
    answer, events = told["describe_map_run"], history(fixtures, path)
    answer |= {"startDate": events[0]["timestamp"], "stopDate": (_BEGUN + _DAY)}
    for event in events:
        if "mapRunStartedEventDetails" in event:
            event["mapRunStartedEventDetails"]["mapRunArn"] = answer["mapRunArn"]
    return _written(folder, "answer", {"events": events}, answer)


def fixture_cases() -> dict[str, FixtureCase]:
    return {
        "history-localstack": localstack,
        "history-raw": raw_histories,
        "cloudtrail-docs": partial(calls, "cloudtrail-docs"),
        "cloudtrail-real": partial(calls, "cloudtrail-real"),
        "seed-rows": partial(seed, None),
        "seed-sync": partial(seed, 0),
        "seed-denied": partial(seed, 1),
        "ecs-task": ecs_task,
        "ecs-task-state": task_state,
        "express-logs": logs,
        "described": described,
        "map-run": map_run,
    }


def history(fixtures: Path, path: Path, **options: Any) -> list[Event]:
    """Give a sanitized history as AWS would have; ValueError if its ids are gone."""
    tool = fixtures / "tools" / "rehydrate.py"
    spec = importlib.util.spec_from_file_location("rehydrate", tool)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    start = options.get("start", _BEGUN).isoformat()
    events: list[Event] = module.rehydrate(_load(path), start=start)["events"]
    return events


def sync_run(
    fixtures: Path,
    begun: datetime,
    stopped: datetime,
    *,
    task: str,
    role: str | None = None,
    output: Event | None = None,
) -> list[Event]:
    """Give the recorded history of an `ecs:runTask.sync`, as if of another run."""
    path = fixtures / "history-localstack" / "ecs_runTask_sync_succeeded.json"
    events = history(fixtures, path)
    text = _TASK.sub(task, json.dumps(events, default=str))
    events = list(json.loads(text))
    for event in events:
        at = stopped + timedelta(seconds=2) if event["type"] in _ENDS else begun
        at += timedelta(milliseconds=10 * event["id"])
        event["timestamp"] = at.isoformat()
        if "executionStartedEventDetails" in event and role:
            event["executionStartedEventDetails"]["roleArn"] = role
        if "taskSucceededEventDetails" in event:
            details = event["taskSucceededEventDetails"]
            told = output or json.loads(details["output"])
            told |= {"StoppedAt": round(stopped.timestamp() * 1000)}
            details["output"] = json.dumps(told)
    return events


def _load(path: Path) -> Event:
    document: Event = json.loads(path.read_text())
    document.pop("_source", None)
    return document


def _answers(path: Path) -> Event:
    """Read recorded answers with something in place of what was masked."""
    text = json.dumps(_load(path)["recorded"])
    text = text.replace("<partition>", "aws").replace("<region>", "eu-central-1")
    told: Event = json.loads(re.sub(r"<(\w+)>", r"\1", text))
    return told


def _as_texts(details: Any) -> None:
    """Put payloads back into text, which were parsed before they were published."""
    if isinstance(details, dict):
        for key in {"input", "output"} & details.keys():
            details[key] = json.dumps(details[key])


def _table(folder: Path, rows: list[Event]) -> Path:
    path = folder / "athena.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", quoting=1)
        writer.writeheader()
        writer.writerows(rows)
    return path


def _written(folder: Path, name: str, *answers: Any, plain: bool = False) -> list[Path]:
    """Write each answer to a file of its own, numbered unless its name is plain."""
    found = []
    for number, answer in enumerate(answers):
        path = folder / (f"{name}.json" if plain else f"{name}-{number}.json")
        path.write_text(json.dumps(answer, default=str))
        found.append(path)
    return found
