"""The filter language: what it keeps, what it refuses, what it offers."""

import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.filter_patterns import LONGEST
from sfnwatch.trace.filter_rows import KIND_TESTS, RULE_TESTS
from sfnwatch.trace.filter_tree import TEXTS
from sfnwatch.trace.filter_words import KINDS, OPERATORS, RULES, Takes
from sfnwatch.trace.filters import (
    FILTER_HELP,
    Filter,
    FilterError,
    complete,
    found,
    parse_filter,
)
from sfnwatch.trace.lanes import Lanes, Row, build_lanes
from sfnwatch.trace.words import plain, row_pieces
from tests.builders import ROLE, call, event, sync_run
from tests.trace.calling import started, trace_of


def lanes_of(*records: Received) -> Lanes:
    return build_lanes(trace_of(records))


def failing_run() -> list[Received]:
    """Build a state that is tried twice and caught, a Fail, and calls of all sorts."""
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    error: dict[str, Any] = {"error": "ECS.AccessDeniedException", "cause": "no role"}
    return [
        *started(),
        event(2, "TaskStateEntered", 0.1, name="Work"),
        event(3, "TaskScheduled", 0.2, **task),
        event(4, "TaskStarted", 0.3, **task),
        event(5, "TaskFailed", 1.4, **task, **error),
        event(6, "TaskScheduled", 5.4, **task),
        event(7, "TaskStarted", 5.5, **task),
        event(8, "TaskFailed", 6.5, **task, **error),
        event(9, "TaskStateExited", 6.6, name="Work"),
        event(10, "ChoiceStateEntered", 6.7, name="Main road"),
        event(11, "ChoiceStateExited", 6.7, name="Main road"),
        event(12, "TaskStateEntered", 6.8, name="Still at it"),
        event(13, "TaskScheduled", 6.8, resourceType="sqs", resource="sendMessage"),
        call("RunTask", 1, key="denied", error=("AccessDenied", "User: x")),
        call("StopTask", 100, key="stop", parameters={"task": "t-1", "n": 137}),
        call("AssumeRole", 2, key="role", source="sts.amazonaws.com"),
        call("Other", 3, key="foreign", role=f"{ROLE}-2"),
    ]


ROWS = (
    *lanes_of(*sync_run(denied=True)).rows,
    *lanes_of(*failing_run()).rows,
    *build_lanes(trace_of(failing_run()), joined=False).rows,
    *lanes_of(call("RunTask", 1, key="alone")).rows,
)


def kept(text: str, *records: Received) -> list[str]:
    """Give the rows that a filter keeps, as they are shown."""
    rows = lanes_of(*(records or sync_run())).rows
    return [plain(row_pieces(row)) for row in filter(parse_filter(text), rows)]


def read(text: str) -> Filter | FilterError:
    try:
        return parse_filter(text)
    except FilterError as error:
        return error


# -- what it keeps ---------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_an_empty_filter_keeps_all(text: str) -> None:
    empty = parse_filter(text)
    assert empty.keeps_all
    assert all(map(empty, ROWS))


@pytest.mark.parametrize(
    ("text", "first", "count"),
    [
        ('~s "ECS run"', "ECS RunTask  Task  ecs:runTask.sync", 11),
        ("~s /^ecs r.*task$/", "ECS RunTask  Task  ecs:runTask.sync", 11),
        ("~a describetasks", "DescribeTasks #1  +55 s  = task ARN", 5),
        ("~a runTask.sync & ~k entered", "ECS RunTask  Task  ecs:runTask.sync", 1),
        ("~k poll", "DescribeTasks #1  +55 s  = task ARN", 5),
        ("~k action", "RunTask  task 9f018ef6  = request id", 1),
        ("~k execution", "◆ Execution started", 2),
        ("~l exact ~k call !~k poll", "RunTask  task 9f018ef6  = request id", 1),
        ("~l request-id", "RunTask  task 9f018ef6  = request id", 1),
        ("~v ECS & ~k phase", "scheduled · started", 3),
        ("~d 5m & ~k exited", "exited  5m 09s", 1),
        ("~d > 5m9s ~k exited", "exited  5m 09s", 0),
        ("~d <= 310 ~k exited", "exited  5m 09s", 1),
        ("~d 1h", "", 0),
        ('~b "AWS Step Functions"', "RunTask  task 9f018ef6  = request id", 1),
        ("~b startedBy", "RunTask  task 9f018ef6  = request id", 1),
        ("~x RUN-7f", "◆ Execution started", 13),
        ('"task 9f"', "RunTask  task 9f018ef6  = request id", 1),
        ("/#[45]/", "DescribeTasks #4  +55 s  = task ARN", 2),
        ("submitted | succeeded", "submitted", 3),
        ("!(~k call | ~k phase)", "◆ Execution started", 4),
    ],
)
def test_the_seed_s_run_is_filtered(text: str, first: str, count: int) -> None:
    rows = kept(text)
    assert len(rows) == count
    assert rows[:1] == ([first] if count else [])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("~e", 3),
        ("~k failed", 3),
        ("~e accessdenied", 3),
        ('~e "no role"', 2),
        ("~k denied", 3),
        ("~k denied ~k phase", 2),
        ("~k caught", 1),
        ("~k entered", 3),
        ("~k exited", 2),
        ("~k running", 2),
        ("~k stop", 1),
        ("~b 137", 1),
        ("~l role-only", 1),
        ("~l guess", 1),
        ("~l unique-candidate", 1),
        ("~l none", 0),
        ("~s Main", 1),
        ("~d <2s ~k phase", 4),
        ("~d >6s ~s work", 2),
    ],
)
def test_failures_and_kinds_are_told_apart(text: str, count: int) -> None:
    rows = [r for r in kept(text, *failing_run()) if "StopTask" not in r]
    stops = [r for r in kept(text, *failing_run()) if "StopTask" in r]
    if text in {"~k stop", "~b 137"}:
        rows = stops
    assert len(rows) == count, rows


def test_a_call_tied_to_nothing_has_its_word() -> None:
    assert len(kept("~l none", call("RunTask", 1, key="alone"))) == 1


def test_names_are_matched_as_they_are_shown() -> None:
    records = [*started(), event(2, "TaskStateEntered", 0.1, name="a\x1bb\u202ec")]
    assert kept("~s a␛b�c", *records)


def test_every_word_has_its_test_and_its_help() -> None:
    assert set(KIND_TESTS) == set(KINDS)
    assert set(RULE_TESTS) == set(RULES)
    texts = {Takes.TEXT, Takes.TEXT_OR_NOTHING}
    assert {t for t, o in OPERATORS.items() if o.takes in texts} == set(TEXTS) - {""}
    told = " ".join(f"{token} {words}" for token, words in FILTER_HELP)
    assert all(word in told for word in (*OPERATORS, *KINDS, *RULES))


# -- what it refuses -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ("~q x", 0, "unknown ~q", "there are ~s ~a"),
        ("a ~state x", 2, "unknown ~state", "the state is ~s"),
        ("~", 0, "a letter must follow ~", "there are ~s"),
        ("~k pol", 3, "unknown kind pol", "did you mean poll?"),
        ("~k zzz", 3, "unknown kind zzz", "there are execution"),
        ("~l requestid", 3, "unknown link requestid", "did you mean request-id?"),
        ("~s", 2, "~s needs a text", "a word"),
        ("~s & x", 2, "~s needs a text", "a word"),
        ("~k ", 2, "~k needs a kind", "one of execution"),
        ("~d", 2, "~d needs a time", "write it as"),
        ("~d long", 3, "long is no time", "write it as"),
        ("~d >", 3, "~d needs a time", "write it as"),
        ('"open', 0, "a quote is not closed", 'close it with "'),
        ("/open", 0, "a regular expression is not closed", "close it with /"),
        ("~s /(/", 4, "not a regular expression: missing )", "quotes"),
        ("(a", 0, "a ( without its )", "close it"),
        ("a)", 1, "a ) without its (", ""),
        ("a &", 3, "something must follow", "a word"),
        ("| a", 0, "nothing to join", "a word"),
        ("()", 1, "nothing to close", "a word"),
        ("!", 1, "something must follow", "a word"),
        ("(" * 50 + "a", 40, "too many ( inside each other", ""),
        (f"/{'a' * (LONGEST + 1)}/", 1, "a regular expression of 101", "100"),
        ("x" * 5000, 4096, "a filter of 5000 characters", "4096"),
    ],
)
def test_an_error_says_where_and_what_would_do(
    text: str, position: int, message: str, hint: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    error = caught.value
    assert error.message.startswith(message)
    assert error.position == position
    assert error.hint.startswith(hint) or hint in error.hint
    assert bool(error.hint) == bool(hint)


@pytest.mark.parametrize(
    "source",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a?){50}",
        "((ab?)c)*",
        "a*a*a*a*a*b",
        "a?" * 30 + "a" * 30,
        "(?=a)b",
        "(?P<x>a)(?P=x)",
        "a{99999999999}",
        "*",
        "[z-a]",
    ],
)
def test_a_pattern_that_may_run_away_is_refused(source: str) -> None:
    with pytest.raises(FilterError):
        parse_filter(f"/{source}/")


@pytest.mark.parametrize(
    "source", ["a.*b.*c", "(foo|bar|baz) qux?", "^x+$", "[[]a", "(ab)+", r"\(a+\)+", ""]
)
def test_a_usual_pattern_is_welcome(source: str) -> None:
    parse_filter(f"/{source}/")


hostile = st.text(
    st.sampled_from('~saekldvbxqp!&|()"/\\<>.*+?{}[]^$-0159m \t\nÄ夜\x1b'),
    max_size=40,
)


@given(st.text(max_size=60) | hostile)
@example("~s /[[a]/")
@example("/(?")
@example('"\\')
@example("~d 1٣")
def test_any_text_parses_or_is_refused_with_a_place(text: str) -> None:
    parsed = read(text)
    if isinstance(parsed, FilterError):
        assert parsed.message
        assert 0 <= parsed.position <= len(text)
    else:
        assert {parsed(row) for row in ROWS} <= {True, False}


@settings(deadline=None)
@given(st.text("ab.*+?|(){}1,2[]^\\", max_size=30))
def test_no_pattern_that_is_taken_runs_away(source: str) -> None:
    parsed = read(f"~b /{source}/")
    if isinstance(parsed, Filter):
        text = "a" * 30_000 + "b"
        (row,) = lanes_of(call("X", 1, key="x", parameters={"text": text})).rows
        parsed(row)


# -- what it means ---------------------------------------------------------------

words = st.text(max_size=8) | st.sampled_from(["RunTask", "a b", "ecs", "&", '"', "\\"])
quoted = words.map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
texts = quoted | st.sampled_from(["task", "/t.sk/", "/a b/", "/\\//", "9f018ef6"])
terms = st.one_of(
    texts,
    st.tuples(st.sampled_from("saevbx"), texts).map(lambda t: f"~{t[0]} {t[1]}"),
    st.sampled_from([f"~k {kind}" for kind in KINDS]),
    st.sampled_from([f"~l {rule}" for rule in RULES]),
    st.sampled_from(["~e", "~d 5s", "~d >1m", "~d <= 1m2s", "~d < 500ms", "~D 1.5h"]),
)
filters = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(lambda a: f"!({a})"),
        inner.map(lambda a: f"! {a}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} | {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} & {p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) {p[1]}"),
    ),
    max_leaves=8,
)


def keeps(text: str) -> list[bool]:
    parsed = parse_filter(text)
    return [parsed(row) for row in ROWS]


@given(filters)
def test_a_filter_written_out_is_the_same_filter(text: str) -> None:
    parsed = parse_filter(text)
    again = parse_filter(str(parsed))
    assert again.node == parsed.node
    assert str(again) == str(parsed)
    assert parsed.text == text


@given(filters, filters)
def test_de_morgan(a: str, b: str) -> None:
    assert keeps(f"!(({a}) & ({b}))") == keeps(f"!({a}) | !({b})")
    assert keeps(f"!(({a}) | ({b}))") == keeps(f"!({a}) !({b})")


@given(filters)
def test_not_keeps_just_the_others(text: str) -> None:
    assert keeps(f"!({text})") == [not keep for keep in keeps(text)]
    assert keeps(f"!!({text})") == keeps(text)


@given(filters, filters, filters)
def test_and_binds_more_than_or(a: str, b: str, c: str) -> None:
    assert keeps(f"({a}) | ({b}) ({c})") == keeps(f"({a}) | (({b}) & ({c}))")


# -- what it offers --------------------------------------------------------------


def offers(text: str, *records: Received) -> dict[str, str]:
    """Give each label offered at the end of a text, and the text it makes."""
    made = complete(text, len(text), lanes_of(*(records or failing_run())))
    assert all(offer.cursor <= len(offer.text) for offer in made)
    return {offer.label: offer.text for offer in made}


def test_operators_are_offered_where_one_may_stand() -> None:
    for text in ("", "~", "~k poll ", "!(", "a & "):
        assert list(offers(text)) == list(OPERATORS)
    assert offers("~k poll & ~")["~s"] == "~k poll & ~s "
    assert offers("~st") == {"~s": "~s "}
    assert offers("~er") == {"~e": "~e"}
    assert offers("wor") == {}
    assert offers(") ~") == {}


def test_words_are_offered_after_their_operator() -> None:
    assert list(offers("~k ")) == list(KINDS)
    assert list(offers("~l ")) == list(RULES)
    assert offers("!~k PO") == {"poll": "!~k poll"}
    assert offers("(~l re") == {
        "request-id": "(~l request-id",
        "resource-id": "(~l resource-id",
    }
    assert offers("~d ") == {}


def test_names_are_offered_from_the_rows() -> None:
    assert offers("~s ") == {
        "Work": "~s Work",
        "Main road": '~s "Main road"',
        "Still at it": '~s "Still at it"',
    }
    assert offers('~s "mai') == {"Main road": '~s "Main road"'}
    assert offers("~s road") == {"Main road": '~s "Main road"'}
    assert list(offers("~a task")) == ["ecs:runTask", "RunTask", "StopTask"]
    assert list(offers("~v ")) == ["ecs", "sts"]
    assert list(offers("~e acc")) == ["AccessDenied", "ECS.AccessDeniedException"]
    assert list(offers("~x ")) == ["run-7f3a"]


def test_what_begins_with_the_words_comes_first() -> None:
    assert list(offers("~s s")) == ["Still at it"]
    assert list(offers("~a ru")) == ["RunTask", "ecs:runTask"]


def test_a_name_that_is_offered_is_one_that_is_found() -> None:
    records = [
        *started(),
        event(2, "TaskStateEntered", 0.1, name='a"(\\ \x1b&b'),
        event(3, "TaskStateExited", 9, name='a"(\\ \x1b&b'),
    ]
    (text,) = offers("~s ", *records).values()
    assert len(kept(text, *records)) == 2


def test_a_completion_takes_the_place_of_what_was_begun() -> None:
    text = "a ~k poxx & ~e"
    (offer,) = complete(text, len("a ~k po"), lanes_of())
    assert offer.text == "a ~k poll & ~e"
    assert offer.cursor == len("a ~k poll")
    (offer,) = complete("~du 5s", 3, lanes_of())
    assert offer.text == "~d 5s"


@given(st.text(max_size=30) | hostile | filters, st.integers(-3, 60))
def test_what_is_offered_leads_to_a_filter(text: str, cursor: int) -> None:
    lanes = Lanes(rows=ROWS)
    for offer in complete(text, cursor, lanes):
        assert any(
            isinstance(read(offer.text + tail + ")" * closing), Filter)
            for tail in ("", " x", "x", ' x"', "poll", " exact", " 5s")
            for closing in range(offer.text.count("(") + 1)
        )


# -- the search ------------------------------------------------------------------


def row_of(name: str) -> Row:
    (row,) = lanes_of(event(2, "TaskStateEntered", 0.1, name=name)).rows
    return row


def test_a_search_minds_the_case_of_capitals_only() -> None:
    row = row_of("Fan Out")
    assert found(row, "fan out")
    assert found(row, "Fan")
    assert not found(row, "FAN")
    assert not found(row, "")
    assert not found(row, "elsewhere")


@given(st.text(min_size=1, max_size=10))
def test_what_is_shown_is_found(name: str) -> None:
    row = row_of(name)
    shown = plain(row_pieces(row))
    assume(shown.strip())
    assert found(row, shown)
    assert parse_filter(json.dumps(shown.strip()[:1], ensure_ascii=False))(row)
