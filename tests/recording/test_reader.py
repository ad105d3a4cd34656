"""Recordings, whole and not."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sfnwatch.errors import BadFileError
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.records import kept
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, sync_run

RUN = tuple(sync_run())


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], START, "sfnwatch 0")
    recorder(RUN)
    recorder.close()
    return recorder.path


def edit(path: Path, number: int, line: str) -> None:
    lines = path.read_text().split("\n")
    lines[number - 1] = line
    path.write_text("\n".join(lines))


def line(source: str, data: Any, execution: str | None = ARN, **more: Any) -> str:
    return json.dumps({"source": source, "execution": execution, "data": data, **more})


def test_a_recording_is_read_whole(path: Path) -> None:
    recording = read_recording(path)
    assert recording.records == RUN
    assert recording.created == START
    assert recording.executions == (ARN,)
    assert recording.notes == ()
    assert recording.paths == (path,)


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda raw: zstandard.ZstdCompressor().compress(raw)]
)
def test_a_packed_recording_is_read_whatever_its_name(path: Path, pack: Any) -> None:
    path.write_bytes(pack(path.read_bytes()))
    assert read_recording(path).records == RUN


def test_a_recording_that_windows_has_touched_is_read(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_recording(path).records == RUN


def test_blank_lines_are_no_records(path: Path) -> None:
    path.write_text(path.read_text().replace("\n", "\n\n"))
    assert read_recording(path).records == RUN


def test_a_recording_may_end_at_any_byte(path: Path) -> None:
    whole = path.read_bytes()
    begin = whole.index(b"\n")
    for end in [*range(begin, begin + 900), *range(len(whole) - 900, len(whole))]:
        path.write_bytes(whole[:end])
        recording = read_recording(path)
        left_out = len(whole[:end]) - whole[:end].rfind(b"\n") - 1
        assert recording.records == RUN[: len(recording.records)]
        if recording.notes:
            (note,) = recording.notes
            assert f"{len(recording.records)} records loaded" in note
            assert f"{left_out} B left out" in note or "KiB" in note
        else:
            # Nothing was lost: at most the last line's end.
            assert len(recording.records) == whole[: end + 1].count(b"\n") - 1


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_packed_recording_may_be_cut_short(path: Path, kind: str) -> None:
    raw = path.read_bytes()
    packer = zstandard.ZstdCompressor()
    pack = gzip.compress if kind == "gzip" else packer.compress
    # Two members, as one is unpacked as a whole or not at all by zstd.
    path.write_bytes(pack(raw[:3000]) + pack(raw[3000:])[:-5])
    recording = read_recording(path)
    assert recording.records == RUN[: len(recording.records)]
    assert recording.records
    assert f"the {kind} stream is cut short" in recording.notes[0]


def test_zeros_that_a_crash_left_behind_are_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(512))
    recording = read_recording(path)
    assert recording.records == RUN
    assert "512 B left out" in recording.notes[0]


def test_a_torn_character_is_the_end_too(path: Path) -> None:
    path.write_bytes(path.read_bytes() + '{"source": "é'.encode()[:-1])
    assert read_recording(path).records == RUN


def test_a_whole_last_line_without_its_end_is_a_record(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    recording = read_recording(path)
    assert recording.records == RUN
    assert recording.notes == ()


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ('{"at": 1, "sour', "not JSON: Unterminated string"),
        ("nonsense", "not JSON: Expecting value at column 1"),
        ("\x00", "not JSON"),
        ("[" * 10_000, "nested too deep"),
        ("42", "Expected `object`, got `int`"),
        ('{"source": "history"}', "missing required field `data`"),
        (line("history", [1]), "Expected `object`, got `array`"),
        (line("history", {"id": 1}), "a history event without 'type'"),
        (
            line("history", {"id": "x", "type": "A", "timestamp": 1}),
            "not a history event",
        ),
        (
            line("history", {"id": 1, "type": "A", "timestamp": 1}, None),
            "a history record that names no execution",
        ),
        (line("describe", {}, None), "a describe record that names no execution"),
        (line("lookup", {"EventId": "x"}), "a CloudTrail record without 'eventTime'"),
        (line("trail", {"eventTime": 1}), "a CloudTrail record without 'eventID'"),
        (line("athena", {"eventtime": "soon"}), "not a CloudTrail record"),
        (line("health", {"lag": 10**400}), "not a health record"),
        (line("x", {}, at="soon"), "got `str` - at `$.at`"),
        (line("x", {"n": float("nan")}), "NaN is no JSON number"),
    ],
)
def test_a_bad_line_is_named_with_its_number(path: Path, bad: str, what: str) -> None:
    edit(path, 3, bad)
    with pytest.raises(BadFileError) as caught:
        read_recording(path)
    assert caught.value.message.startswith(f"{path}:3: ")
    assert what in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_bad_last_line_that_ends_is_an_error(path: Path) -> None:
    path.write_text(path.read_text() + "torn\n")
    with pytest.raises(BadFileError, match=f":{len(RUN) + 2}: not JSON"):
        read_recording(path)


def test_a_last_line_that_is_json_but_no_record_is_an_error(path: Path) -> None:
    path.write_text(path.read_text() + '{"source": 1}')
    with pytest.raises(BadFileError, match=f":{len(RUN) + 2}: "):
        read_recording(path)


def test_a_line_that_is_not_utf8_is_named(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[4] = b'{"source": "\xff"}'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(BadFileError, match=":5: not UTF-8 text: byte 0xff"):
        read_recording(path)


def test_sources_of_a_later_version_pass(path: Path) -> None:
    edit(path, 2, line("queue", {"anything": ["goes"]}, None))
    assert read_recording(path).records[0].source == "queue"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ('{"sfnwatch": 1, "crea', "not JSON"),
        ('{"sfnwatch": 1}', "missing required field `created`"),
        ('{"sfnwatch": "one"}', "no format number"),
        ("{}", "not the header of a recording"),
    ],
)
def test_a_bad_header_is_line_1(path: Path, header: str, what: str) -> None:
    path.write_text(header)
    with pytest.raises(BadFileError, match=f":1: .*{what}"):
        read_recording(path)


def test_a_header_that_is_not_utf8_is_line_1(path: Path) -> None:
    path.write_bytes(b'{"sfnwatch": "\xff"}')
    with pytest.raises(BadFileError, match=":1: not UTF-8"):
        read_recording(path)


def test_a_newer_format_says_upgrade(path: Path) -> None:
    edit(path, 1, '{"sfnwatch": 2, "made": "later"}')
    with pytest.raises(BadFileError, match="recorded in format 2") as caught:
        read_recording(path)
    assert "Upgrade" in caught.value.hint


def test_a_recording_without_records_is_one(path: Path) -> None:
    edit_to_header = path.read_text().partition("\n")[0] + "\n"
    path.write_text(edit_to_header)
    assert read_recording(path).records == ()


def test_executions_that_only_the_records_name_are_listed(path: Path) -> None:
    other = ARN + "-2"
    edit(
        path,
        2,
        line("describe", {"executionArn": other, "status": "RUNNING"}, None),
    )
    assert read_recording(path).executions == (ARN, other)


def test_what_very_many_are_kept_as_says_the_same(path: Path) -> None:
    plain, packed = read_recording(path), read_recording(path, kept)
    assert packed == plain
    assert extend(Trace(), packed.records) == extend(Trace(), plain.records)
