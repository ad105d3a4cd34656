"""ARNs, times, texts and JSON, in the ways that AWS and people write them."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.arns import (
    ExecutionArn,
    MapRunArn,
    StateMachineArn,
    last_segment,
    maybe_execution_arn,
    parse_execution_arn,
    parse_states_arn,
    role_name,
    short_id,
)
from sfnwatch.model.texts import byte_count, clean, clean_lines, size
from sfnwatch.model.times import clock, duration, iso, maybe_time, parse_time
from sfnwatch.model.values import (
    canonical,
    encode_json,
    float_of,
    parse_json,
    parse_object,
    strings_in,
    values_at,
)

# -- ARNs ----------------------------------------------------------------------------

HEAD = "arn:aws:states:eu-west-1:111111111111"
ARN = f"{HEAD}:execution:nightly:run-1"
CONSOLE = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1"


def test_an_execution_arn_is_taken_apart() -> None:
    found = parse_execution_arn(ARN)
    assert (found.arn, found.partition, found.region) == (ARN, "aws", "eu-west-1")
    assert (found.account, found.is_express) == ("111111111111", False)
    assert (found.state_machine_name, found.name) == ("nightly", "run-1")
    assert found.state_machine_arn == f"{HEAD}:stateMachine:nightly"
    child = parse_execution_arn(f"{HEAD}:execution:nightly/Each:abc-1")
    assert child.state_machine_arn == f"{HEAD}:stateMachine:nightly/Each"
    express = parse_execution_arn(f"{HEAD}:express:nightly:run-1:uuid")
    assert (express.is_express, express.name) == (True, "run-1:uuid")


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {ARN}\n",
        f"{CONSOLE}#/v2/executions/details/{ARN}",
        f"{CONSOLE}#/v2/executions/details/{quote(ARN, safe='')}",
        f"{CONSOLE}#/v2/executions/details/{ARN}?statusFilter=FAILED",
        f"{CONSOLE}#/executions/details/{ARN}&x=y",
    ],
)
def test_the_consoles_url_holds_the_arn(pasted: str) -> None:
    assert parse_execution_arn(pasted).arn == ARN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}:stateMachine:nightly", "the ARN of a stateMachine"),
        (f"{HEAD}:mapRun:nightly/Each:uuid", "the ARN of a mapRun"),
        (f"{HEAD}:activity:mine", "the ARN of an activity, not"),
        (f"{HEAD}:execution:nightly", "name is missing"),
        (f"{HEAD}:express:nightly:run-1", "or incomplete"),
        (f"{HEAD}:express:nightly:run-1:", "or incomplete"),
        ("arn:aws:ecs:eu-west-1:111111111111:task/c/t", "no ARN of Step Functions"),
        ("arn:aws:states:eu-west-1:1:execution:m:n", "no ARN of Step Functions"),
        ("", "no ARN of Step Functions"),
        (CONSOLE, "no ARN of Step Functions"),
    ],
)
def test_what_is_no_execution_is_said_to_be_what_it_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_execution_arn(text)
    assert maybe_execution_arn(text) is None


def test_what_an_arn_is_of_is_read_from_it() -> None:
    machine = parse_states_arn(f"{HEAD}:stateMachine:nightly:3")
    assert isinstance(machine, StateMachineArn)
    assert machine.name == "nightly"
    run = parse_states_arn(f"{HEAD}:mapRun:nightly/Each:uuid")
    assert isinstance(run, MapRunArn)
    assert (run.state_machine_name, run.name) == ("nightly", "Each:uuid")
    assert isinstance(parse_states_arn(ARN), ExecutionArn)
    with pytest.raises(ValueError, match="no ARN of Step Functions"):
        parse_states_arn("run-1")
    function = "arn:aws:lambda:eu-west-1:123456789012:function:order:$LATEST"
    durable = f"{function}/durable-execution/run-1/4a1b2c3d"
    for text in (durable, durable.replace("$", "%24").replace("/", "%2F")):
        with pytest.raises(ValueError, match="durable execution of Lambda"):
            parse_states_arn(text)
    with pytest.raises(ValueError, match="no ARN of Step Functions"):
        parse_states_arn(function)


def test_the_name_of_a_role_is_what_both_spellings_share() -> None:
    role, assumed = "arn:aws:iam::1:role", "arn:aws:sts::1:assumed-role"
    for arn in (f"{role}/r", f"{role}/a/b/r", f"{assumed}/r/session/with/slashes"):
        assert role_name(arn) == "r"
    for arn in ("arn:aws:iam::1:user/u", "arn:aws:iam::1:root", "assumed-role", ""):
        assert role_name(arn) is role_name(None) is None


def test_random_ids_are_shortened_and_names_are_kept() -> None:
    task = "arn:aws:ecs:r:a:task/cluster/9f018ef6137048da851150c5c6670355"
    assert (last_segment(task), short_id(task)) == (task[-32:], "9f018ef6")
    assert short_id("nightly-report") == "nightly-report"
    assert short_id(f"{HEAD}:execution:m:by-hand") == "by-hand"


# -- times ---------------------------------------------------------------------------

WHEN = datetime(2024, 4, 2, 20, 58, 21, 501000, tzinfo=UTC)
_MOMENTS = st.datetimes(
    min_value=datetime(1980, 1, 1),  # noqa: DTZ001 - Hypothesis wants naive bounds
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))


@pytest.mark.parametrize(
    "value",
    [
        *(1712091501.501, 1712091501501, "1712091501.501", " 1712091501501 "),
        *("1712091501501e0", "2024-04-02T20:58:21.501Z", "2024-04-02 20:58:21.501"),
        *("2024-04-02T20:58:21.501000+00:00", "2024-04-02T22:58:21.501+02:00"),
        *("2024-04-02 20:58:21.501 UTC", WHEN, WHEN.replace(tzinfo=None)),
        WHEN.astimezone(datetime.fromisoformat("2024-01-01T00:00:00+09:00").tzinfo),
    ],
    ids=str,
)
def test_a_time_may_be_written_in_many_ways(value: Any) -> None:
    assert parse_time(value) == WHEN
    assert parse_time(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, [], {}, "", "now", "nan", "inf", "1e400", float("nan")),
        *(float("inf"), 10**400, 1e300, "2024-13-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_nonsense_is_no_time(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a time|range|convert|Invalid"):
        parse_time(value)
    assert maybe_time(value) is None


@given(_MOMENTS)
def test_what_is_written_is_read_back(at: datetime) -> None:
    """Python itself would read 13 digits, now and then, as a date of 1712."""
    assert parse_time(iso(at)) == at
    milliseconds = (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    if milliseconds > 10**11:
        assert parse_time(str(milliseconds)) == parse_time(milliseconds) == at


# -- texts ---------------------------------------------------------------------------

HOSTILE = [
    *("\x00", "\x07", "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x7f", "\x85", "\x9b31m"),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "\ud800"),
    *("\udfff", "\ue000", "\uffff", "\U000e0001", "\u00ad"),
]
_ANYTHING = st.text(st.characters() | st.sampled_from("".join(HOSTILE)))


def is_safe(text: str) -> bool:
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


@given(_ANYTHING)
def test_what_is_cleaned_can_do_nothing_and_is_as_long_as_before(text: str) -> None:
    assert is_safe(clean(text))
    assert len(clean(text)) == len(text)
    assert clean(clean(text)) == clean(text)


def test_controls_are_shown_as_their_pictures() -> None:
    for text, shown in (
        *(("\x1b[31m", "␛[31m"), ("a\nb\r\tc", "a␊b␍␉c"), ("\x00\x7f", "␀\ufffd")),
        *(("\x9b", "\ufffd"), ("日本 é ✔", "日本 é ✔"), ("\u3000wide", "\u3000wide")),
    ):
        assert clean(text) == shown


@given(_ANYTHING, st.integers(0, 10))
def test_a_text_that_is_cut_says_how_much_is_left_out(text: str, limit: int) -> None:
    cut, rest = clean(text, limit), text[limit:]
    more = f"… {size(byte_count(rest))} more" if rest else ""
    assert cut == clean(text[:limit]) + more


def test_bytes_and_lines_are_counted_as_aws_and_people_do() -> None:
    assert clean("語" * 5, 2) == "語語… 9 B more"
    assert byte_count("a\ud800語") == 7
    assert clean_lines("a\tb\n\x1bc\n") == ["a    b", "␛c", ""]


@pytest.mark.parametrize(
    ("write", "value", "words"),
    [
        (size, 0, "0 B"),
        (size, 1023, "1023 B"),
        (size, 1024, "1 KiB"),
        (size, 3 * 1024**2, "3.0 MiB"),
        (duration, 0, "0.00 s"),
        (duration, 0.264, "0.26 s"),
        (duration, 9.99, "9.99 s"),
        (duration, 10, "10.0 s"),
        (duration, 59.94, "59.9 s"),
        (duration, 59.96, "1m 00s"),
        (duration, 309, "5m 09s"),
        (duration, 3599.6, "1h 00m"),
        (duration, 7380, "2h 03m"),
        (duration, -309, "-5m 09s"),
        (clock, -5, "00:00"),
        (clock, 292.9, "04:52"),
        (clock, 3892, "1:04:52"),
    ],
)
def test_sizes_and_lengths_of_time_are_written_as_people_do(
    write: Any, value: float, words: str
) -> None:
    assert write(value) == words


# -- JSON ----------------------------------------------------------------------------


def test_json_is_read_strictly_or_not_at_all() -> None:
    assert parse_json('{"a": [1, 2.5, null, "\\ud800"]}') == {
        "a": [1, 2.5, None, "\ud800"]
    }
    for text in ("", "{", None, 7, b"\xff", "[" * 100_000):
        assert parse_json(text) is None
    assert parse_object("[1]") == {}


def test_json_is_written_in_ascii_or_refused() -> None:
    assert encode_json({"a": "語\ud800"}) == b'{"a": "\\u8a9e\\ud800"}'
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), float("inf"), deep):
        with pytest.raises(ValueError, match=r"JSON|deep"):
            encode_json(value)
    assert canonical({"b": 1, "a": [2]}) == canonical({"a": [2], "b": 1})


def test_values_are_found_at_their_paths() -> None:
    answer = {
        "Tasks": [{"TaskArn": "a"}, {"TaskArn": 7}, 8, {"TaskArn": "b"}],
        "Id": "",
    }
    assert list(values_at(answer, "Tasks[].TaskArn")) == ["a", "b"]
    assert not [*values_at(answer, "Tasks.TaskArn"), *values_at(answer, "Id")]
    assert list(values_at({"Ids": ["a", "b"]}, "Ids[]")) == ["a", "b"]
    assert sorted(strings_in({"a": ["b", ("c",)], "d": {"e": "f"}, "g": 1})) == [*"bcf"]


def test_a_number_is_one_that_can_be_reckoned_with() -> None:
    values = (1, 2.5, True, "1", 10**400, None, float("inf"))
    assert [float_of(value) for value in values] == [1.0, 2.5, *[None] * 5]
