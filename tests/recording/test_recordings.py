"""Recordings, written and read back: whole ones, torn ones, and what is none."""

import gzip
import json
import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model import text_stream
from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.recording.file_names import file_stem
from sfnwatch.recording.format import (
    decode_line,
    encode_header,
    encode_line,
    new_header,
)
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import Recorder, atomic_write, write_recording
from tests import examples
from tests.builders import ARN, START, at, event
from tests.model.test_hostile import strange
from tests.recording.files import RUN, TOOL, put, read, record, refused, zstd

HEADER = new_header(START, TOOL, [ARN])


def same(found: Received, expected: Received) -> bool:
    """Compare records by what they say: bytes may be written anew."""
    return (found.at, found.kind, found.execution_arn, found.record) == (
        *(expected.at, expected.kind, expected.execution_arn),
        expected.record,
    )


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return record(tmp_path / "run.jsonl")


# -- lines -----------------------------------------------------------------------------


@examples(100)
@given(strange().filter(lambda record: bool(record.record)))
def test_a_record_comes_back_as_it_was_in_a_line_of_printable_ascii(
    written: Received,
) -> None:
    written = replace(written, at=written.at and min(written.at, at(1e9)))
    line = encode_line(written, START)
    assert line.decode("ascii").removesuffix("\n").isprintable()
    assert same(decode_line(line, START), written)


def test_lines_say_what_the_format_says() -> None:
    assert json.loads(encode_header(HEADER)) == {
        "sfnwatch": 1,
        "created": "2023-11-15T00:28:24.102Z",
        "tool": TOOL,
        "executions": [ARN],
    }
    made = event(7, "TaskStateExited", 1.5, seen=2.000001, name="A")
    line = encode_line(made, START)
    assert line.startswith(b'{"at": 2.000001, "source": "history", "execution": "arn:')
    assert json.loads(line)["data"] == made.record
    early = receive(START - timedelta(microseconds=1), "other", None, {})
    assert b'"at": -0.000001,' in encode_line(early, START)


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b'{"a":  1.50}', b'{"a":  1.50}'),
        ('{"a": "é"}'.encode(), b'{"a": "\\u00e9"}'),
        (b'{"a":\n1}', b'{"a": 1}'),
        (b'{"a": "\\ud800"}', b'{"a": "\\ud800"}'),
    ],
)
def test_aws_s_bytes_are_written_as_they_came_where_they_are_a_line(
    data: bytes, written: bytes
) -> None:
    line = encode_line(Received(None, "x", None, data), START)
    assert line.endswith(b'"data": ' + written + b"}\n")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"x": NaN}', "NaN is not a JSON number"),
        (b'{"x": 1e999}', "1e999 is too large"),
        (b'{"x": 1' + b"0" * 5000 + b"}", "not JSON"),
        (b'{"x": ', "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"x": ' + b"[" * 199 + b"]" * 199 + b"}", "deeper than 200 levels"),
        (b'{"x": ' + b"[" * 99_999, "too deep"),
        (b'{"x": "\xff"}', "utf-8"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(data: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        encode_line(Received(None, RecordKind.TRAIL, None, data), START)


# -- files, whole ----------------------------------------------------------------------


def test_a_recording_says_what_it_is_about_before_its_records_are_read(
    path: Path,
) -> None:
    recording = open_files([path])
    assert (recording.created, recording.executions) == (START, (ARN,))
    assert recording.span() is None
    assert [len(batch) for batch in recording.batches(5)][:-1] == [5] * (len(RUN) // 5)
    assert tuple(recording.records()) == RUN, "as often as it is asked for"
    recording.load()
    seen = [each.at for each in RUN if each.at]
    assert recording.span() == (min(seen), max(seen))


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_packed_recording_is_read_whatever_its_name(path: Path, pack: Any) -> None:
    raw = path.read_bytes()
    path.write_bytes(pack(raw[:3000]) + pack(raw[3000:]))
    recording = open_files([path])
    assert tuple(recording.records()) == RUN
    assert recording.span() is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: raw.replace(b"\n", b"\n\n"),
        lambda raw: raw[:-1],
        lambda raw: raw.replace(
            b'{"sfnwatch": 1, ', b'{"executions": [], "sfnwatch": 1, ', 1
        ),
    ],
    ids=["Windows", "PowerShell", "blank lines", "no last end", "sorted header"],
)
def test_a_recording_that_others_have_touched_is_read(path: Path, change: Any) -> None:
    path.write_bytes(change(path.read_bytes()))
    recording = open_files([path])
    assert tuple(recording.records()) == RUN
    assert recording.notes == ()


def test_a_header_may_be_long(tmp_path: Path) -> None:
    arns = [f"{ARN}-{number}" for number in range(2000)]
    path = record(tmp_path / "run.jsonl", arns=arns)
    assert open_files([path]).executions == tuple(arns)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_once_though_its_reader_comes_before_its_writer(
    path: Path, tmp_path: Path, pack: Any
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        # Its writer can open it only once its reader has, and what he wrote must be
        # read however soon he ends.
        pool.submit(pipe.write_bytes, pack(path.read_bytes()))
        assert read(pipe) == list(RUN)


# -- files, torn -----------------------------------------------------------------------


def test_a_recording_may_end_at_any_byte(path: Path) -> None:
    whole = path.read_bytes()
    begin = whole.index(b"\n")
    for end in [*range(begin, begin + 300), *range(len(whole) - 300, len(whole))]:
        path.write_bytes(whole[:end])
        recording = open_files([path])
        found = tuple(recording.records())
        left_out = end - whole[:end].rfind(b"\n") - 1
        assert found == RUN[: len(found)]
        for note in recording.notes:
            assert f"{len(found)} records loaded" in note
            assert f"{left_out} B left out" in note or "KiB" in note
        if not recording.notes:
            # Nothing was lost: at most the last line's end.
            assert len(found) == whole[: end + 1].count(b"\n") - 1


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_packed_recording_may_be_cut_short(path: Path, kind: str) -> None:
    raw, pack = path.read_bytes(), gzip.compress if kind == "gzip" else zstd
    # Two members, as zstd unpacks one as a whole or not at all.
    path.write_bytes(pack(raw[:3000]) + pack(raw[3000:])[:-5])
    recording = open_files([path])
    found = tuple(recording.records())
    assert found
    assert found == RUN[: len(found)]
    assert f"the {kind} stream is cut short" in recording.notes[0]


@pytest.mark.parametrize(
    ("tail", "left_out"),
    [
        (bytes(512), "512 B"),
        ('{"source": "é'.encode()[:-1], "13 B"),
        (b'{"at": 1, "sour', "15 B"),
    ],
)
def test_what_a_crash_left_behind_is_the_end(
    path: Path, tail: bytes, left_out: str
) -> None:
    path.write_bytes(path.read_bytes() + tail)
    recording = open_files([path])
    assert tuple(recording.records()) == RUN
    assert f"{len(RUN)} records loaded, {left_out} left out" in recording.notes[0]


def line(kind: str, data: Any, execution: str | None = ARN, **more: Any) -> str:
    return json.dumps({"source": kind, "execution": execution, "data": data, **more})


HISTORY = {"id": 1, "type": "A", "timestamp": 1}


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ('{"at": 1, "sour', "not JSON: Unterminated string"),
        ("nonsense", "not JSON: Expecting value"),
        ("[" * 10_000, "nested too deep"),
        ('{"source": "history"}', "missing required field `data`"),
        (line("history", [1]), "Expected `object`, got `array`"),
        (line("history", {"id": 1}), "an event without 'type'"),
        (line("history", {**HISTORY, "id": "x"}), "not a history event"),
        (line("history", HISTORY, None), "a history record that names no execution"),
        (line("express", {"id": "1"}), "an event without 'type'"),
        (line("lookup", {"EventId": "x"}), "a CloudTrail record without 'eventTime'"),
        (line("trail", {"eventTime": 1}), "a CloudTrail record without 'eventID'"),
        (line("x", {}, at="soon"), "got `str` - at `$.at`"),
        (line("x", {}, at=1e300), "out of range"),
        (line("x", {"n": float("nan")}), "NaN is not a JSON number"),
        ('{"source": "x", "data": {"n": 1e999}}', "the number 1e999 is too large"),
        ('{"source": "x", "data": {"n": 1' + "0" * 5000 + "}}", "not JSON"),
        (b'{"source": "\xff"}', "not UTF-8 text: byte 0xff"),
        (b'{"source": "x", "data": {"\xff": 1}}', "not UTF-8 text: byte 0xff"),
    ],
)
def test_a_bad_line_is_named_with_its_number(
    path: Path, bad: str | bytes, what: str
) -> None:
    found = path.read_bytes().split(b"\n")
    found[2] = bad.encode() if isinstance(bad, str) else bad
    path.write_bytes(b"\n".join(found))
    error = refused(path)
    assert error.message.startswith(f"{path}:3: ")
    assert what in error.message


@pytest.mark.parametrize("bad", ["torn\n", '{"source": 1}'])
def test_a_bad_last_line_that_ends_or_is_json_is_an_error(path: Path, bad: str) -> None:
    path.write_text(path.read_text() + bad)
    assert f":{len(RUN) + 2}: " in refused(path).message


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (b'{"sfnwatch": 1, "crea', "not JSON"),
        (b'{"sfnwatch": 1}', "created"),
        (b'{"sfnwatch": 1, "created": "yesterday"}', "created"),
        (b'{"sfnwatch": 1, "created": "2023-11-15T00:00:00"}', "created"),
        (
            b'{"sfnwatch": 1, "created": "2023-11-15T00:00:00Z", "executions": 1}',
            "exec",
        ),
        *((b'{"sfnwatch": %b}' % v, "not the header") for v in (b"0", b"true", b'"1"')),
        (b'{"sfnwatch": "\xff"}', "not UTF-8"),
        (b'{"sfnwatch": 2, "made": "later"}', "recorded in format 2"),
    ],
)
def test_a_bad_header_is_line_1(path: Path, header: bytes, what: str) -> None:
    path.write_bytes(header)
    error = refused(path)
    assert error.message.startswith(f"{path}:1: ")
    assert what in error.message
    assert ("Upgrade" in error.hint) == ("format 2" in what)


def test_kinds_of_a_later_version_pass(path: Path) -> None:
    path.write_text(path.read_text() + line("queue", {"anything": ["goes"]}, None))
    assert read(path)[-1].kind == "queue"


# -- files that are none, and files without end ----------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(b"{}" * 999)[:10], "cut short before its first line"),
        (gzip.compress(b'{"events": []}') + b"junk", "damaged"),
        (gzip.compress(b'{"events": []}')[:-8] + b"12345678", "damaged"),
        (zstd(b'{"events": []}') + b"junk", "damaged"),
        (b"\x1f\x8bnothing of the kind", "damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "damaged"),
        (b"\xff\xfe\x00\xd8", "damaged"),
    ],
    # Not the bytes: gzip writes the time into them, and workers differ in that.
    ids=range(11),
)
def test_a_file_that_holds_no_text_is_named_in_one_line(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = put(tmp_path / "a\x1b[31m.json", content)
    assert what in refused(path).message


def test_what_can_not_be_opened_is_named(tmp_path: Path) -> None:
    assert "can't be read: Is a directory" in refused(tmp_path).message
    assert "No such file" in refused(tmp_path / "none.jsonl").message
    # "byte" before Python 3.13, "character" since.
    assert "embedded null " in refused(Path("a\0b")).message
    with pytest.raises(UsageError, match="no file"):
        open_files([])


def peak(action: Callable[[], object]) -> int:
    """Give the most MiB that something took."""
    tracemalloc.start()
    action()
    taken = tracemalloc.get_traced_memory()[1] >> 20
    tracemalloc.stop()
    return taken


def test_a_long_file_of_others_is_refused_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    for begin in (b"", b"some log\n", b'{"logs": [', b'[{"id": 1}, ', b"eventtime"):
        path.write_bytes(begin)
        os.truncate(path, 1 << 31)
        assert peak(lambda: refused(path)) < 64
    log = put(tmp_path / "log", '{"level": "info"}\n' * 500_000)
    assert peak(lambda: refused(log)) < 8


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless device")
def test_what_does_not_end_is_not_read_for_ever() -> None:
    assert "not a file sfnwatch knows" in refused(Path("/dev/zero")).message
    assert "is empty" in refused(Path("/dev/null")).message


def test_a_line_without_end_is_not_kept(path: Path) -> None:
    os.truncate(path, path.stat().st_size + (1 << 26))
    assert peak(lambda: refused(path)) < 64
    assert f":{len(RUN) + 2}: a line longer than 16 MiB" in refused(path).message


def test_a_bomb_is_not_unpacked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_stream, "MAX_UNPACKED", 1 << 20)
    record = encode_line(Received(None, "x", None, b"{}"), START)
    bomb = encode_header(HEADER) + record * 50_000
    for pack in (gzip.compress, zstd):
        error = refused(put(tmp_path / "bomb", pack(bomb)))
        assert "it unpacks to more than 1 MiB" in error.message


# -- the recorder ----------------------------------------------------------------------


def test_a_batch_is_in_the_file_as_soon_as_it_came(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.jsonl", HEADER)
    recorder(RUN[:3])
    assert read(recorder.path) == list(RUN[:3])
    recorder(RUN[3:])
    assert read(recorder.path) == list(RUN)
    recorder.close()
    recorder.close()


def test_times_are_exact_whatever_the_moment_it_began(tmp_path: Path) -> None:
    begun = START.replace(microsecond=102_999)
    assert read(record(tmp_path / "run.jsonl", created=begun)) == list(RUN)


def test_only_the_owner_may_read_a_recording(tmp_path: Path) -> None:
    path = record(tmp_path / "state" / "recordings" / "run.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("mine", "mine: the file exists"),
        ("link", "link: the file exists"),
        ("mine/run.jsonl", "folder is a file"),
        ("x" * 300, "too long"),
        ("nul\0name", "null byte"),
    ],
)
def test_a_file_that_is_there_or_can_not_be_made_is_refused(
    tmp_path: Path, name: str, what: str
) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=what) as caught:
        Recorder(tmp_path / name, HEADER)
    assert caught.value.hint
    assert (tmp_path / "mine").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


def test_two_watchers_of_one_execution_never_share_a_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: record(tmp_path, RUN[:1]), range(16)))
    assert len(paths) == 16
    assert all(read(path) == [RUN[0]] for path in paths)


@pytest.fixture(name="limit")
def _limit() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond a size, which the system answers as it does a quota."""
    resource = pytest.importorskip("resource", reason="needs setrlimit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_the_recording_and_not_the_watch(
    tmp_path: Path, limit: Callable[[int], None]
) -> None:
    recorder = Recorder(tmp_path / "run.jsonl", HEADER)
    recorder(RUN[:2])
    limit(recorder.path.stat().st_size + 100)
    recorder(RUN[2:5])
    recorder(RUN[5:9])
    recorder.close()
    assert recorder.trouble.endswith("stopped: File too large.")
    recording = open_files([recorder.path])
    assert tuple(recording.records()) == RUN[:2]
    assert "2 records loaded, 100 B left out" in recording.notes[0]


def test_a_disk_that_is_full_leaves_nothing_half_done(
    tmp_path: Path, limit: Callable[[int], None]
) -> None:
    limit(10)
    with pytest.raises(UsageError, match=r"run\.jsonl: File too large"):
        Recorder(tmp_path / "run.jsonl", HEADER)
    limit(1000)
    with (
        pytest.raises(OSError, match="File too large"),
        atomic_write(tmp_path / "run.jsonl") as out,
    ):
        write_recording(out, HEADER, RUN)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_deleted_is_missed_and_one_that_was_renamed_is_not(
    tmp_path: Path,
) -> None:
    moved, deleted = (Recorder(tmp_path / name, HEADER) for name in ("a", "b"))
    moved.path.rename(tmp_path / "c")
    deleted.path.unlink()
    for recorder in (moved, deleted):
        recorder(RUN)
        recorder.close()
    assert (moved.trouble, read(tmp_path / "c")) == ("", list(RUN))
    assert "the file was deleted" in deleted.trouble


def test_a_record_that_json_can_not_hold_is_left_out_and_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.jsonl", HEADER)
    bad = Received(at(1), RecordKind.HISTORY, ARN, b'{"n": NaN}')
    recorder((RUN[0], bad, RUN[1], bad))
    recorder.close()
    assert "A history record can't be recorded" in recorder.trouble
    assert read(recorder.path) == list(RUN[:2])


def test_whole_recordings_are_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    with atomic_write(path) as out:
        write_recording(out, HEADER, RUN)
    assert read(path) == list(RUN)
    bad = Received(at(1), RecordKind.HISTORY, ARN, b'{"n": NaN}')
    with (
        pytest.raises(UsageError, match="A history record can't be recorded"),
        atomic_write(tmp_path / "half") as out,
    ):
        write_recording(out, HEADER, [*RUN, bad])
    assert not (tmp_path / "half").exists()


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = put(tmp_path / "report", "old")
    with pytest.raises(TypeError), atomic_write(path) as out:
        out.write(7)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    with atomic_write(path) as out:
        out.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    with atomic_write(Path(os.devnull)) as out:
        out.write("gone")


# -- names of files --------------------------------------------------------------------


def test_a_recording_is_named_after_its_execution_and_its_time(tmp_path: Path) -> None:
    local = datetime.fromisoformat("2023-11-15T09:28:24+09:00")

    def name_of(*arns: str) -> str:
        recorder = Recorder.create_in(tmp_path, new_header(local, TOOL, arns))
        recorder.close()
        assert recorder.path.parent == tmp_path
        return recorder.path.name

    first = name_of(ARN)
    assert first == "nightly-report.run-7f3a.20231115T002824Z.sfnwatch.jsonl"
    second, third = (first.replace("Z.", f"Z-{number}.") for number in (2, 3))
    (tmp_path / second).symlink_to("nowhere")
    assert name_of(ARN) == third
    assert ".and-3-more.20231115T002824Z" in name_of(ARN, *"abc")
    assert name_of("夜間レポート.हिन्दी").startswith("夜間レポート.हिन्दी.2023")
    assert name_of(ARN.replace("report:", "report/Each:"))


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_name_gives_a_file_in_the_folder_it_is_for(execution: str) -> None:
    stem = file_stem(new_header(START, TOOL, [execution]))
    assert Path("/nowhere", stem).parent == Path("/nowhere")
    assert stem.isprintable()
    assert not stem.startswith(".")
    assert len(f"{stem}-999.sfnwatch.jsonl".encode()) <= 255
