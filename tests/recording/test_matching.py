"""Which execution a file is about."""

from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.recording.files import open_files
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import From
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import ARN, MACHINE_ARN, START, sync_run
from tests.recording.foreign import as_csv, defined, described, history, put, rows

OTHER = ARN + "-other"


def later(seconds: float, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move a history in time: another run of the same machine."""
    return [{**e, "timestamp": _moved(e["timestamp"], seconds)} for e in events]


def _moved(text: str, seconds: float) -> str:
    return iso(datetime.fromisoformat(text) + timedelta(seconds=seconds))


def described_later(seconds: float, arn: str) -> dict[str, Any]:
    first = described(arn)
    dates = {k: _moved(first[k], seconds) for k in ("startDate", "stopDate")}
    return {**first, **dates}


def open_all(folder: Path, **contents: Any) -> Recording:
    return open_files(
        [put(folder / f"{name}.json", value) for name, value in contents.items()]
    )


def ids(recording: Recording) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for record in recording.records:
        if record.source == From.HISTORY:
            found.setdefault(record.execution_arn, []).append(record.data["id"])
    return found


ALL = list(range(1, 9))


def test_a_history_alone_is_named_after_its_file(tmp_path: Path) -> None:
    recording = open_all(tmp_path, nightly={"events": history()})
    assert recording.executions == ("file:nightly",)
    assert recording.notes == ()
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert timeline.name == "nightly"


@pytest.mark.parametrize("apart", [0, -1.9, 1.9])
def test_a_history_is_that_of_the_execution_that_started_then(
    tmp_path: Path, apart: float
) -> None:
    recording = open_all(
        tmp_path,
        history={"events": history()},
        one=described_later(apart, ARN),
        other=described_later(60, OTHER),
    )
    assert ids(recording) == {ARN: ALL}
    assert recording.executions == (ARN, OTHER)


def test_a_history_that_started_at_another_time_is_of_another_execution(
    tmp_path: Path,
) -> None:
    recording = open_all(
        tmp_path, history={"events": history()}, one=described_later(60, ARN)
    )
    assert ids(recording) == {"file:history": ALL}
    assert "none of the executions opened with it" in recording.notes[0]


def test_of_two_that_started_almost_together_the_nearer_one_counts(
    tmp_path: Path,
) -> None:
    recording = open_all(
        tmp_path,
        a={"events": history()},
        b={"events": later(0.4, history())},
        one=described(),
        other=described_later(0.4, OTHER),
    )
    assert ids(recording) == {ARN: ALL, OTHER: ALL}
    started = {
        t.execution_arn: t.started_at
        for t in extend(Trace(), recording.records).timelines.values()
    }
    assert started == {ARN: START, OTHER: START + timedelta(seconds=0.4)}


def test_of_two_that_started_at_once_none_is_guessed(tmp_path: Path) -> None:
    recording = open_all(
        tmp_path, h={"events": history()}, one=described(), other=described(OTHER)
    )
    assert ids(recording) == {"file:h": ALL}


def test_two_histories_never_share_an_execution_that_only_one_can_be(
    tmp_path: Path,
) -> None:
    recording = open_all(
        tmp_path,
        far={"events": later(1.5, history())},
        near={"events": later(0.5, history())},
        one=described(),
    )
    assert ids(recording) == {ARN: ALL, "file:far": ALL}


def test_a_description_without_a_date_fits_the_only_history(tmp_path: Path) -> None:
    bare = described()
    del bare["startDate"], bare["stopDate"]
    assert ids(open_all(tmp_path, h=history(), one=bare)) == {ARN: ALL}


def test_dates_at_the_ends_of_the_calendar_are_dates(tmp_path: Path) -> None:
    ends = {"startDate": "0001-01-01T00:00:00Z", "stopDate": "9999-12-31T23:59:59Z"}
    always = described() | ends
    tail = history()[2:]
    assert ids(open_all(tmp_path, h=tail, one=always)) == {ARN: ALL[2:]}
    never = described() | {"startDate": ends["stopDate"]}
    assert ids(open_all(tmp_path, h=tail, one=never)) == {"file:h": ALL[2:]}


PAGES = {"c": history()[:3], "a": history()[3:6], "b": history()[6:][::-1]}


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_the_pages_of_one_history_become_one(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    pages = {name: {"events": PAGES[name]} for name in order}
    assert ids(open_all(tmp_path, **pages)) == {"file:c": ALL}
    assert ids(open_all(tmp_path, **pages, one=described())) == {ARN: ALL}


def test_an_earlier_and_a_later_fetch_of_one_history_become_one(tmp_path: Path) -> None:
    early, late = {"events": history()[:5]}, {"events": history()}
    assert ids(open_all(tmp_path, early=early, late=late)) == {"file:late": ALL}


def test_pages_with_a_gap_are_put_together_by_a_description(tmp_path: Path) -> None:
    pages = {"a": history()[:2], "b": history()[5:]}
    assert ids(open_all(tmp_path, **pages, one=described())) == {
        ARN: [1, 2, 6, 7, 8],
    }
    assert ids(open_all(tmp_path, **pages)) == {"file:a": [1, 2], "file:b": [6, 7, 8]}


def test_a_page_is_not_appended_to_what_has_ended(tmp_path: Path) -> None:
    more = {**history()[2], "id": 9, "timestamp": history()[7]["timestamp"]}
    parted = open_all(tmp_path, a=history(), b=[more])
    assert ids(parted) == {"file:a": ALL, "file:b": [9]}
    redriven = {**more, "type": "ExecutionRedriven"}
    assert ids(open_all(tmp_path, a=history(), b=[redriven])) == {"file:a": [*ALL, 9]}


def test_a_page_from_before_is_not_appended(tmp_path: Path) -> None:
    tail = later(-3600, history()[5:])
    assert len(ids(open_all(tmp_path, a=history()[:5], b=tail))) == 2


def test_a_page_that_fits_two_histories_is_given_to_neither(tmp_path: Path) -> None:
    recording = open_all(
        tmp_path, a=history()[:3], b=later(0.01, history()[:3]), c=history()[3:]
    )
    assert ids(recording) == {
        "file:a": [1, 2, 3],
        "file:b": [1, 2, 3],
        "file:c": ALL[3:],
    }


def test_histories_of_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
    paths = [
        put(tmp_path / "x" / "history.json", {"events": history()}),
        put(tmp_path / "y" / "history.json.gz", {"events": later(9, history())}),
    ]
    assert ids(open_files(paths)) == {"file:history": ALL, "file:history-2": ALL}


def test_a_recording_names_the_history_opened_with_it(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], START, "sfnwatch 0")
    recorder(tuple(r for r in sync_run() if r.source == From.HISTORY)[:2])
    recorder.close()
    path = put(tmp_path / "history.json", {"events": history()})
    recording = open_files([path, recorder.path])
    assert recording.executions == (ARN,)
    assert recording.created == START
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert len(timeline.events) == 8


def test_a_definition_belongs_to_every_execution_of_its_machine(tmp_path: Path) -> None:
    foreign = ARN.replace("nightly-report", "another")
    recording = open_all(
        tmp_path,
        definition=defined(),
        one=described(),
        other=described_later(60, OTHER),
        another=described(foreign, stateMachineArn=MACHINE_ARN.replace("nightly", "x")),
    )
    given = {r.execution_arn for r in recording.records if r.source == From.DEFINITION}
    assert given == {ARN, OTHER}


def test_a_definition_belongs_to_the_only_history(tmp_path: Path) -> None:
    recording = open_all(tmp_path, definition=defined(), nightly=history())
    (timeline,) = extend(Trace(), recording.records).timelines.values()
    assert timeline.execution_arn == "file:nightly"
    assert timeline.definition.event_sources == ("ecs.amazonaws.com",)


def test_a_definition_of_nothing_here_is_said(tmp_path: Path) -> None:
    recording = open_all(tmp_path, definition=defined())
    assert recording.records == ()
    assert "definition.json: a definition, but of none" in recording.notes[0]


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    contents = {
        "h1": {"events": history()[:4]},
        "h2": {"events": history()[4:]},
        "other": {"events": later(60, history())},
        "d1": described(),
        "d2": described_later(60, OTHER),
        "machine": defined(),
        "calls": as_csv(rows()),
    }
    names = list(contents)
    first = extend(Trace(), open_all(tmp_path, **contents).records)
    for turn in range(1, len(names)):
        names = [*names[turn:], *reversed(names[:turn])]
        recording = open_all(tmp_path, **{name: contents[name] for name in names})
        assert extend(Trace(), recording.records) == first
    assert len(first.links) == 6
    assert set(first.timelines) == {ARN, OTHER}
