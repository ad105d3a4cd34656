"""What scripts import: few names, typed, and nothing that costs before it is used."""

import asyncio
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import sfnwatch
from sfnwatch import library
from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.server import CREDENTIALS, DemoServer
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, sync_run
from tests.test_imports import loaded_after

NAMES = {
    "Finding",
    "SfnwatchError",
    "Timeline",
    "Trace",
    "findings",
    "open_recording",
    "watch",
}


@pytest.fixture(name="recorded")
def _recorded(tmp_path: Path) -> Path:
    path = tmp_path / "nightly-report.sfnwatch.jsonl"
    recorder = Recorder.create(path, [ARN], START, "test")
    recorder(tuple(sync_run()))
    recorder.close()
    return path


def test_the_public_names_are_few_and_listed() -> None:
    assert set(sfnwatch.__all__) == {*NAMES, "__version__"}
    assert set(library.__all__) == NAMES
    assert set(dir(sfnwatch)) == set(sfnwatch.__all__)
    for name in NAMES:
        assert getattr(sfnwatch, name) is getattr(library, name)
        assert getattr(sfnwatch, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sfnwatch.nothing  # type: ignore[attr-defined]


def test_importing_it_loads_nothing_of_its_own() -> None:
    code = (
        "import sys, sfnwatch; assert not [m for m in sys.modules if 'sfnwatch.' in m]"
    )
    loaded_after(code)
    opened = loaded_after("from sfnwatch import open_recording, watch, findings")
    assert not opened & {"textual", "aiohttp", "botocore", "aiobotocore", "click"}


def test_the_example_runs_as_it_is_written(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r"(?s)```python\n(.*?)```", library.__doc__ or "")
    assert found is not None
    assert len(found[1].splitlines()) <= 10
    monkeypatch.chdir(recorded.parent)
    out = StringIO()
    with redirect_stdout(out):
        exec(found[1], {})  # noqa: S102 - the example itself
    first, *told = out.getvalue().splitlines()
    assert first == "run-7f3a SUCCEEDED"
    assert [line for line in told if "polled" in line]


def test_a_recording_is_the_trace_it_was(recorded: Path, tmp_path: Path) -> None:
    trace = sfnwatch.open_recording(str(recorded))
    assert trace == extend(Trace(), sync_run())
    assert sfnwatch.findings(trace)
    torn = tmp_path / "torn.json"
    torn.write_text("{")
    with pytest.raises(sfnwatch.SfnwatchError, match=re.escape(str(torn))):
        sfnwatch.open_recording(recorded, torn)


async def test_a_watch_ends_with_the_whole_and_tells_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    account = Account(["async"], clock=SpedClock(1000))
    (arn,) = account.executions.values()
    seen: list[str] = []
    async with DemoServer(account) as served:
        trace = await sfnwatch.watch(
            arn,
            each=lambda so_far: (
                seen.append(so_far.timelines[arn].status)
                if arn in so_far.timelines
                else None
            ),
            endpoint_url=served.endpoint_url,
            calls=False,
        )
        with pytest.raises(sfnwatch.SfnwatchError, match="ExecutionDoesNotExist"):
            await sfnwatch.watch(f"{arn}x", endpoint_url=served.endpoint_url)
    assert trace.timelines[arn].status == "SUCCEEDED"
    assert not trace.running
    assert trace.ordered_calls == ()
    assert seen[-1] == "SUCCEEDED"


def test_what_names_no_execution_is_refused() -> None:
    for text, why in (("arn:aws:s3:::x", "names no execution"), ("", "is named")):
        with pytest.raises(sfnwatch.SfnwatchError, match=why):
            asyncio.run(sfnwatch.watch(text))
