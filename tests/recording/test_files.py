"""Files of all kinds, opened together."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.errors import BadFileError, UsageError
from sfnwatch.recording.files import open_files
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import From
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, sync_calls, sync_history, sync_run
from tests.recording.foreign import (
    as_csv,
    defined,
    described,
    history,
    lookup_events,
    put,
    rows,
    trail_records,
)


def record(path: Path, *, upto: int | None = None) -> Path:
    recorder = Recorder.create(path, [ARN], START, "sfnwatch 0")
    recorder(tuple(sync_run())[:upto])
    recorder.close()
    return path


def test_a_recording_is_opened_as_it_was_recorded(tmp_path: Path) -> None:
    recording = open_files([record(tmp_path / "anything.txt")])
    assert list(recording.records) == sync_run()
    assert recording.created == START


def test_a_recording_whose_header_was_sorted_is_still_one(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl")
    head, _, rest = path.read_text().partition("\n")
    path.write_text(json.dumps(json.loads(head), sort_keys=True) + "\n" + rest)
    assert list(open_files([path]).records) == sync_run()


def test_a_record_that_only_mentions_sfnwatch_is_no_recording(tmp_path: Path) -> None:
    record_ = {**trail_records()[0], "requestParameters": {"sfnwatch": 1}}
    path = put(tmp_path / "trail.json", json.dumps(record_))
    assert open_files([path]).records[0].data == record_


def test_a_recording_and_its_parts_from_elsewhere_are_one_trace(tmp_path: Path) -> None:
    whole = extend(Trace(), sync_run())
    files = {
        "history.json": {"events": history()},
        "describe.json": described(),
        "definition.json": defined(),
        "lookup.json": {"Events": lookup_events()},
        "trail.json": {"Records": trail_records()},
        "rows.csv": as_csv(rows()),
    }
    paths = [put(tmp_path / name, content) for name, content in files.items()]
    recording = open_files([*paths, record(tmp_path / "part.jsonl", upto=5)])
    trace = extend(Trace(), recording.records)
    assert recording.executions == (ARN,)
    assert recording.paths == (*paths, tmp_path / "part.jsonl")
    assert trace.unread == frozenset()
    assert [c.event_id for c in trace.ordered_calls] == [
        c.event_id for c in whole.ordered_calls
    ]
    assert {k: link.rule for k, link in trace.links.items() if k in whole.links} == {
        k: link.rule for k, link in whole.links.items()
    }
    assert trace.timelines[ARN].visits == whole.timelines[ARN].visits


def test_two_recordings_of_one_execution_are_one(tmp_path: Path) -> None:
    early = record(tmp_path / "early.jsonl", upto=7)
    late = Recorder.create(tmp_path / "late.jsonl", [ARN], START.replace(hour=1), "x")
    late(tuple(sync_run()[7:]))
    late.close()
    recording = open_files([late.path, early])
    assert recording.created == START
    assert extend(Trace(), recording.records) == extend(Trace(), sync_run())


def test_the_notes_of_all_files_are_kept(tmp_path: Path) -> None:
    torn = record(tmp_path / "torn.jsonl")
    torn.write_bytes(torn.read_bytes()[:-9])
    empty = put(tmp_path / "empty.json", {"Events": []})
    notes = open_files([empty, torn]).notes
    assert ["torn.jsonl" in notes[0], "empty.json" in notes[1]] == [True, True]


def test_nothing_can_not_be_opened() -> None:
    with pytest.raises(UsageError, match="no file"):
        open_files([])


def _valid() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        recording = record(Path(folder) / "run.jsonl").read_bytes()
    return [
        recording,
        json.dumps({"events": [dict(r.data) for r in sync_history()]}).encode(),
        json.dumps({"Records": trail_records()}).encode(),
        json.dumps({"Events": lookup_events()}, indent=1).encode(),
        as_csv(rows()).encode(),
        json.dumps([described(), defined()]).encode(),
    ]


mutated = st.builds(
    lambda content, start, length, junk: (
        content[: start % len(content)]
        + junk
        + content[start % len(content) + length :]
    ),
    st.sampled_from(_valid()),
    st.integers(0, 10_000),
    st.integers(0, 40),
    st.binary(max_size=8)
    | st.sampled_from([b"[" * 3000, b"1e999", b"NaN", b'"\\ud800"']),
)


def attempt(path: Path) -> Recording | BadFileError:
    try:
        return open_files([path])
    except BadFileError as error:
        return error


@settings(max_examples=400, deadline=None)
@given(st.binary() | st.text().map(str.encode) | mutated)
def test_any_bytes_are_opened_or_refused_in_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder) / "file", content)
        opened = attempt(path)
    if isinstance(opened, BadFileError):
        assert str(opened).isprintable()
        assert opened.message.startswith(str(path))
    else:
        known = [r for r in opened.records if r.source in list(From)]
        assert extend(Trace(), known).unread == frozenset()


def test_a_page_whose_next_is_not_here_is_told(tmp_path: Path) -> None:
    events = [dict(r.data) for r in sync_history()]
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    first.write_text(json.dumps({"events": events[:4], "nextToken": "AAAA"}))
    second.write_text(json.dumps({"events": events[4:]}))
    told = f"{first}: one page of several, and the next is not here"
    assert told in open_files([first]).notes
    assert told not in open_files([first, second]).notes
    page = tmp_path / "calls.json"
    calls = [dict(r.data) for r in sync_calls()]
    page.write_text(json.dumps({"Events": calls, "NextToken": "BBBB"}))
    assert any("one page of several" in note for note in open_files([page]).notes)
