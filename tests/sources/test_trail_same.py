"""The same records, by whatever way they come, give the same trace."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from sfnwatch.export.json import trace_json
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.athena import Athena
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.duck import Duck
from sfnwatch.sources.trail_sql import COLUMNS
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ROLE, START, ManualClock, call, sync_calls
from tests.sources.asking import (
    LATER,
    aws_at,
    bare,
    gathered,
    history,
    put,
    rows_of,
    watched,
)
from tests.sources.test_athena import queue

pytest.importorskip("duckdb", reason="an extra; in the dev extra")

OTHER = ROLE.replace("role/", "role/other-")
NOISE = [
    call("RunTask", 2, key="n-1", role=OTHER),
    call("RunTask", 2, key="n-2", source="s3.amazonaws.com", role=OTHER),
    call("DescribeTasks", 9, key="n-3", invoked_by=None, role=OTHER),
    call("RunTask", 1, key="n-4", role=OTHER, parameters={"cluster": "my-cluster"}),
]
"""Calls that concern nobody, by whichever way."""
AMID = [
    call("StopTask", 20, key="m-1", parameters={"task": "x"}),
    call(
        "DescribeTasks",
        21,
        key="m-2",
        role=ROLE.replace("role/", "role/a/path/"),
        response={"tasks": [{"é": "\u2028"}]},
    ),
    call("ListTasks", 30, key="m-3", error=("ThrottlingException", 'it\'s "slow"')),
]


_CALLS = frozenset({From.LOOKUP, From.TRAIL, From.ATHENA})


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def shown(records: Iterable[Received]) -> Any:
    """Give a trace as its contract has it, as if each call had been seen at once.

    What the sources say of themselves, which is how late they are, is left out.
    """
    kept = [
        replace(each, at=LATER) if each.source in _CALLS else each
        for each in records
        if each.source not in {From.HEALTH, From.REQUEST}
    ]
    return json.loads(json.dumps(trace_json(extend(Trace(), kept))))


def from_the_records(calls: list[Received]) -> Any:
    records = [Received(LATER, From.TRAIL, None, record) for record in bare(calls)]
    return shown([*history(), *records])


SCENES: dict[str, Callable[[], list[Received]]] = {
    "as it was": sync_calls,
    "denied": lambda: sync_calls(denied=True),
    "with more of the role's": lambda: [*sync_calls(), *AMID],
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
async def test_files_by_sql_and_athena_give_what_the_records_give(
    scene: Callable[[], list[Received]], tmp_path: Path, moto: str, no_aws: None
) -> None:
    calls = scene()
    expected = from_the_records(calls)
    assert [c["link"] for c in expected["calls"]].count(None) < len(calls)
    half = len(calls) // 2
    put(tmp_path, bare([*calls[:half], *NOISE[:2]]), name="a")
    put(tmp_path, bare([*NOISE[2:], *calls[half:]]), name="b")
    put(tmp_path, bare(calls), at=START + timedelta(minutes=20), name="again")
    clock = ManualClock(LATER)

    files = await gathered(Duck(watched(), clock, tmp_path), and_history=True)
    assert shown(files.records) == expected

    rows = [dict(row) for row in rows_of(files)]
    assert all(list(row) == list(COLUMNS) for row in rows)
    queue(moto, rows, list(COLUMNS))
    async with aws_at(moto, Feature.ATHENA) as aws:
        source = Athena(aws, watched(), clock, table="logs", patience=Patience(3))
        athena = await gathered(source, and_history=True)
    assert rows_of(athena) == rows
    assert shown(athena.records) == expected


async def test_what_comes_by_two_ways_is_one_call(tmp_path: Path, no_aws: None) -> None:
    put(tmp_path, bare(sync_calls()))
    files = await gathered(Duck(watched(), ManualClock(LATER), tmp_path))
    both = [*history(), *sync_calls(), *files.records]
    assert shown(both) == shown([*history(), *sync_calls()])
    assert len(extend(Trace(), both).calls) == 6
