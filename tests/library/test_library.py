"""What scripts import: few names, typed, and nothing that costs before it is used."""

import asyncio
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest

import sfnwatch
from sfnwatch import library
from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.http_server import CREDENTIALS, DemoServer
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import new_header
from sfnwatch.recording.writer import save_recording
from tests.builders import ARN, START, sync_run
from tests.test_walls import HEAVY, loaded_after

NAMES = {
    "ExecutionAsOf",
    "Finding",
    "Moment",
    "SfnwatchError",
    "findings",
    "open_recording",
    "watch",
}
PUBLIC: ModuleType = sfnwatch


@pytest.fixture(name="recorded")
def _recorded(tmp_path: Path) -> Path:
    path = tmp_path / "nightly-report.sfnwatch.jsonl"
    save_recording(path, new_header(START, "test", [ARN]), [sync_run()])
    return path


def test_the_public_names_are_few_and_listed() -> None:
    assert set(PUBLIC.__all__) == {*NAMES, "__version__"}
    assert set(library.__all__) == NAMES
    assert set(dir(PUBLIC)) == set(PUBLIC.__all__)
    for name in NAMES:
        assert getattr(PUBLIC, name) is getattr(library, name)
        assert getattr(PUBLIC, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = PUBLIC.nothing


def test_importing_it_loads_nothing_of_its_own() -> None:
    code = (
        "import sfnwatch\n"
        "assert not [m for m in sys.modules if 'sfnwatch.' in m]\n"
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
    moment, trace = library.open_recording(str(recorded)), Trace()
    trace.add(sync_run())
    assert library.findings(moment) == library.findings(trace.as_of())
    (execution,) = moment.executions.values()
    assert (execution.name, execution.status) == ("run-7f3a", "SUCCEEDED")
    assert len(moment.calls) == len(trace.calls)
    torn = tmp_path / "torn.json"
    torn.write_text("{")
    with pytest.raises(library.SfnwatchError, match=re.escape(str(torn))):
        library.open_recording(recorded, torn)


async def test_a_watch_ends_with_the_whole_and_tells_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    account = Account(["async"], clock=SpedClock(1000))
    (arn,) = account.executions.values()
    seen: list[str] = []

    def note(so_far: library.Moment) -> None:
        seen.extend(execution.status for execution in so_far.roots.values())

    async with DemoServer(account) as served:
        url = served.endpoint_url
        moment = await library.watch(arn, each=note, endpoint_url=url, calls=False)
        with pytest.raises(library.SfnwatchError, match="ExecutionDoesNotExist"):
            await library.watch(f"{arn}x", endpoint_url=url)
        named = "send-newsletter"
        again = await library.watch(
            named, endpoint_url=url, region="ap-northeast-1", drain=0
        )
    assert moment.executions[arn].status == "SUCCEEDED"
    assert not moment.running
    assert not moment.calls
    assert seen[-1] == "SUCCEEDED"
    assert list(again.roots) == [arn]


def test_what_names_no_execution_is_refused() -> None:
    for text, why in (("arn:aws:s3:::x", "names no execution"), ("", "is named")):
        with pytest.raises(library.SfnwatchError, match=why):
            asyncio.run(library.watch(text))
    with pytest.raises(library.SfnwatchError, match="neither this machine nor https"):
        asyncio.run(library.watch(ARN, endpoint_url="http://a.example"))
