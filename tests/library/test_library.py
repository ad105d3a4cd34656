"""What scripts import: few names, typed, and nothing that costs before it is used."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import aclosing, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

import sfnwatch
from sfnwatch import library
from sfnwatch.demo.formats import REGION
from sfnwatch.export.json.schema import trace_schema
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import new_header
from sfnwatch.recording.recorder import write_recording
from tests.builders import ARN, START, sync_run
from tests.cli.programs import KEYS, serving
from tests.test_walls import HEAVY, loaded_after

NAMES = {*library.__all__}
PUBLIC: ModuleType = sfnwatch


@pytest.fixture(name="recorded")
def _recorded(tmp_path: Path) -> Path:
    path = tmp_path / "nightly-report.sfnwatch.jsonl"
    with path.open("w") as out:
        write_recording(out, new_header(START, "test", [ARN]), sync_run())
    return path


def test_the_public_names_are_few_and_listed() -> None:
    assert set(PUBLIC.__all__) == {*NAMES, "__version__"}
    assert len(NAMES) == len(library.__all__) <= 20
    assert all(name in (library.__doc__ or "") for name in NAMES)
    assert set(dir(PUBLIC)) == set(PUBLIC.__all__)
    for name in NAMES:
        assert getattr(PUBLIC, name) is getattr(library, name)
        assert getattr(PUBLIC, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = PUBLIC.nothing


def test_importing_it_loads_nothing_of_its_own() -> None:
    code = (
        "before = {*sys.modules}\n"
        "import sfnwatch.__main__\n"
        "ours = {'sfnwatch', 'sfnwatch.__main__'}\n"
        "assert {*sys.modules} - before <= ours, 'Ctrl-C may come by then'\n"
        "from sfnwatch import open_recording, watch, findings\n"
    )
    assert not loaded_after(code) & {*HEAVY, "click"}


def test_the_example_runs_as_it_is_written(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r"(?s)```python\n(.*?)```", library.__doc__ or "")
    assert found is not None
    assert len(found[1].splitlines()) <= 10
    example = found[1].replace("import sfnwatch", "import sfnwatch as sfnwatch")
    monkeypatch.chdir(recorded.parent)
    out = StringIO()
    with redirect_stdout(out):
        exec(example, {})  # noqa: S102 - the example itself
    first, *told = out.getvalue().splitlines()
    assert first == "run-7f3a SUCCEEDED"
    assert [line for line in told if "polled" in line]


def test_a_recording_is_the_trace_it_was(recorded: Path, tmp_path: Path) -> None:
    snapshot, trace = library.open_recording(str(recorded)), Trace()
    trace.add(sync_run())
    assert library.findings(snapshot) == library.findings(trace.as_of())
    (execution,) = snapshot.executions.values()
    assert (execution.name, execution.status) == ("run-7f3a", "SUCCEEDED")
    assert len(snapshot.calls) == len(trace.calls)
    torn = tmp_path / "torn.json"
    torn.write_text("{")
    with pytest.raises(library.SfnwatchError, match=re.escape(str(torn))):
        library.open_recording(recorded, torn)


@pytest.fixture(name="served_url")
def _served_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve an account in a thread: a sync watch has a loop of its own."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with serving(["pipeline"], 2000.0) as served:
        monkeypatch.setenv("AWS_REGION", REGION)
        yield served.url


async def test_a_watch_ends_with_the_whole_and_tells_on_the_way(
    served_url: str,
) -> None:
    seen: list[str] = []

    def note(so_far: library.Snapshot) -> None:
        seen.extend(execution.status for execution in so_far.roots.values())

    machine = "order-pipeline"
    snapshot = await library.watch(
        machine, each=note, endpoint_url=served_url, calls=False
    )
    (arn,) = snapshot.roots
    assert not snapshot.running
    assert not snapshot.calls
    assert (seen[-1], snapshot.executions[arn].status) == ("SUCCEEDED", "SUCCEEDED")
    again = await library.watch(arn, endpoint_url=served_url, drain=0)
    assert list(again.roots) == [arn]


async def test_moments_come_as_the_watch_goes_and_the_last_is_the_whole(
    served_url: str,
) -> None:
    watching = library.snapshots("order-pipeline", endpoint_url=served_url, drain=1)
    events, at = list[int](), list[library.Snapshot]()
    async with aclosing(watching) as snapshots:
        async for snapshot in snapshots:
            events.append(sum(len(e.events) for e in snapshot.executions.values()))
            at.append(snapshot)
    assert events == sorted(events)
    assert len({*events}) > 1
    assert [each.status for each in at[-1].roots.values()] == ["SUCCEEDED"]
    assert at[-1].calls
    async with aclosing(
        library.snapshots("order-pipeline", endpoint_url=served_url)
    ) as snapshots:
        async for snapshot in snapshots:
            if snapshot.roots:
                break
    assert len(asyncio.all_tasks()) == 1, "who has left has ended the watch"


async def test_what_ends_a_watch_is_raised_out_of_its_moments(served_url: str) -> None:
    arn = ARN.replace("eu-west-1", REGION)
    with pytest.raises(library.RefusedError, match="ExecutionDoesNotExist"):
        async for _ in library.snapshots(arn, endpoint_url=served_url):
            pass
    assert len(asyncio.all_tasks()) == 1


def test_a_watch_without_a_loop_gives_a_trace_whose_json_is_the_contract_s(
    served_url: str,
) -> None:
    url = served_url
    snapshot = library.watch_sync("order-pipeline", endpoint_url=url, calls=False)
    told = json.loads(library.to_json(snapshot))
    jsonschema.validate(told, trace_schema())
    assert told["executions"][0]["status"] == "SUCCEEDED"


def test_what_names_no_execution_is_refused() -> None:
    for text, why in (("arn:aws:s3:::x", "names no execution"), ("", "is named")):
        with pytest.raises(library.SfnwatchError, match=why):
            asyncio.run(library.watch(text))
    with pytest.raises(library.SfnwatchError, match="neither this machine nor https"):
        asyncio.run(library.watch(ARN, endpoint_url="http://a.example"))
