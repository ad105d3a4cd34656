"""CSV as Athena writes it."""

from pathlib import Path
from typing import Any

import pytest

from sfnwatch.errors import BadFileError
from sfnwatch.recording.files import open_files
from sfnwatch.trace.events import From
from sfnwatch.trace.timeline import Trace, extend
from tests.recording.foreign import COLUMNS, as_csv, data_of, put, rows

REFUSED = {
    **rows()[1],
    "errorcode": "AccessDenied",
    "errormessage": 'is not authorized, "sorry",\nat all',
}
LONG = [{**row, "useragent": "states.amazonaws.com", "case": "sync"} for row in rows()]
ATHENA = [{**row, "eventtime": "2023-11-15 00:28:25.000 UTC"} for row in rows()]

TABLES = {
    "as it is": as_csv(rows()),
    "quoted": as_csv(rows(), quoting=1),
    "upper case": as_csv(rows()).replace(",".join(COLUMNS), ",".join(COLUMNS).upper()),
    "reordered": as_csv(rows(), reversed(COLUMNS)),
    "more columns": as_csv(LONG, [*COLUMNS, "useragent", "case"]),
    "BOM": b"\xef\xbb\xbf" + as_csv(rows()).encode(),
    "no CR": as_csv(rows(), lineterminator="\n"),
    "blank lines": as_csv(rows()).replace("\r\n", "\r\n\r\n"),
    "semicolons": as_csv(rows(), delimiter=";"),
    "tabs": as_csv(rows(), delimiter="\t"),
}


def calls_of(path: Path) -> Any:
    return extend(Trace(), open_files([path]).records).ordered_calls


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES.keys())
def test_a_table_is_recognised_in_every_dress(tmp_path: Path, content: Any) -> None:
    calls = calls_of(put(tmp_path / "rows.dat", content))
    assert [(call.event_time.isoformat(), call.event_name) for call in calls] == [
        ("2023-11-15T00:28:25+00:00", "RunTask"),
        ("2023-11-15T00:29:20+00:00", "DescribeTasks"),
        ("2023-11-15T00:30:19+00:00", "DescribeTasks"),
        ("2023-11-15T00:31:22+00:00", "DescribeTasks"),
        ("2023-11-15T00:32:17+00:00", "DescribeTasks"),
        ("2023-11-15T00:33:18+00:00", "DescribeTasks"),
    ]
    assert {call.role for call in calls} == {"StepFunctions-sync-role"}
    assert {call.error_code for call in calls} == {None}


def test_the_columns_become_the_record_with_nulls_left_out(tmp_path: Path) -> None:
    table = [{**LONG[0], "errorcode": "null"}, REFUSED]
    path = put(tmp_path / "rows.csv", as_csv(table, [*COLUMNS, "case", "useragent"]))
    recording = open_files([path])
    assert {(r.at, r.source, r.execution_arn) for r in recording.records} == {
        (None, From.ATHENA, None)
    }
    kept = {k: v for k, v in LONG[0].items() if v}
    assert data_of(recording.records) == [kept, REFUSED]


def test_a_timestamp_with_its_zone_is_read(tmp_path: Path) -> None:
    calls = calls_of(put(tmp_path / "rows.csv", as_csv(ATHENA[:1])))
    assert calls[0].event_time.isoformat() == "2023-11-15T00:28:25+00:00"


def test_two_rows_that_say_the_same_are_two_calls(tmp_path: Path) -> None:
    path = put(tmp_path / "rows.csv", as_csv([*rows(), rows()[1], rows()[1]]))
    records = open_files([path]).records
    assert [r.data.get("occurrence") for r in records][-2:] == ["2", "3"]
    assert len(calls_of(path)) == 8


def test_two_rows_of_one_event_id_are_one_call(tmp_path: Path) -> None:
    table = [{**rows()[1], "eventid": "e-1"}] * 2
    path = put(tmp_path / "a.csv", as_csv(table, [*table[0]]))
    assert len(calls_of(path)) == 1
    first, second = open_files([path]).records
    assert first == second


def test_a_file_opened_twice_counts_once(tmp_path: Path) -> None:
    path = put(tmp_path / "rows.csv", as_csv([*rows(), rows()[1]]))
    copy = put(tmp_path / "copy.csv", path.read_bytes())
    reordered = put(tmp_path / "reordered.csv", as_csv([rows()[1], *rows()[::-1]]))
    once = open_files([path])
    assert open_files([path, path, copy]).records == once.records
    assert len(extend(Trace(), open_files([path, reordered]).records).calls) == 7


def test_a_field_as_long_as_cloudtrail_allows_is_read(tmp_path: Path) -> None:
    table = [{**rows()[0], "requestparameters": f'{{"x": "{"y" * 200_000}"}}'}]
    assert len(calls_of(put(tmp_path / "a.csv", as_csv(table, [*table[0]])))) == 1


BAD = {
    "a column is missing": (
        as_csv(rows(), ["eventtime", "eventname"]),
        r"rows\.csv:1: a CSV file without the column eventsource",
    ),
    "no time": (
        as_csv([rows()[0], {**rows()[1], "eventtime": ""}]),
        r"rows\.csv:3: a CloudTrail record without 'eventtime'",
    ),
    "nonsense for a time": (
        as_csv([REFUSED, {**rows()[1], "eventtime": "lunch"}]),
        r"rows\.csv:4: not a CloudTrail record: .*lunch",
    ),
    "too many cells": (as_csv(rows()) + "1,2,3,4,5,6,7\r\n", ":8: 7 cells in a row"),
    "too few": (as_csv(rows()) + "2023-11-15\r\n", ":8: a CloudTrail record without"),
    "other columns": ("name,size\r\na,1\r\n", "not a file sfnwatch knows"),
}


@pytest.mark.parametrize(("content", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, content: str, what: str
) -> None:
    with pytest.raises(BadFileError, match=what) as caught:
        open_files([put(tmp_path / "rows.csv", content)])
    assert "\n" not in str(caught.value)
