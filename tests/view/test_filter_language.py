"""The filter language: what it keeps, what it refuses, what it suggests."""

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sfnwatch.model.records import Received
from sfnwatch.view.filter_completion import complete
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.filter_language import Filter, found, parse_filter
from sfnwatch.view.filter_operators import FILTER_HELP, OPERATORS
from sfnwatch.view.filter_regex import LONGEST_REGEX
from sfnwatch.view.line_kinds import KINDS, RULES
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Item, ItemFilter
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import plain_text
from tests import builders, examples
from tests.model.answers import trace_of


def failing_run() -> list[Received]:
    """Build a state that is tried twice and caught, and calls of all sorts."""
    denied = ("AccessDenied", "User: x")
    causes = [
        "no role (Service: AmazonECS; Request ID: denied; Proxy: null)",
        "no role",
    ]
    run = builders.History().start()
    run.add("TaskStateEntered", name="Work")
    for wait, cause in zip((0.1, 4), causes, strict=True):
        run.add("TaskScheduled", wait=wait, **builders.REQUEST_RESPONSE)
        run.add("TaskStarted", **builders.REQUEST_RESPONSE)
        error = "ECS.AccessDeniedException"
        run.add("TaskFailed", wait=1.1, error=error, cause=cause)
    run.add("TaskStateExited", name="Work")
    run.state("Main road", "Choice").add("TaskStateEntered", name="Still at it")
    run.add("TaskScheduled", resourceType="sqs", resource="sendMessage")
    return [
        *run.records,
        builders.call("RunTask", 1, key="denied", request_id="denied", error=denied),
        builders.call(
            "StopTask", 100, key="stop", parameters={"task": "t-1", "n": 137}
        ),
        builders.call("AssumeRole", 2, key="role", source="sts.amazonaws.com"),
        builders.call("Other", 3, key="foreign", role=f"{builders.ROLE}-2"),
    ]


RUNS = {
    "sync": builders.sync_run(),
    "failing": failing_run(),
    "task": [*builders.sync_run(), *builders.task_life(exit_code=1)],
    "redriven": builders.redriven_run(),
    "photos": builders.photos(),
    "alone": [builders.call("RunTask", 1, key="alone")],
}


class ScreenState:
    """The lines of some records, unfolded."""

    def __init__(self, *records: Received, folds: bool = False) -> None:
        trace = trace_of(*records)
        self.outline = Outline(trace, OutlineOptions(folds=folds))
        self.snapshot = trace.as_of()
        self.maker = LineMaker(self.snapshot, self.outline)

    def filter(self, by: Filter) -> ItemFilter:
        return by.predicate(self.snapshot, self.outline)

    def text(self, item: Item) -> str:
        line = self.maker.line(item)
        return plain_text((*line.owner, *line.parts))

    def kept(self, text: str) -> list[str]:
        keeps = self.filter(parse_filter(text))
        return [self.text(item) for item in self.outline.items if keeps(item)]


SHOWN = {name: ScreenState(*records) for name, records in RUNS.items()}


def keeps(text: str) -> list[bool]:
    """Say of each line of all runs whether a filter keeps it."""
    by = parse_filter(text)
    filters = ((shown, shown.filter(by)) for shown in SHOWN.values())
    return [keep(item) for shown, keep in filters for item in shown.outline.items]


def read(text: str) -> Filter | FilterError:
    try:
        return parse_filter(text)
    except FilterError as error:
        return error


# -- what it keeps -----------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_an_empty_filter_keeps_all(text: str) -> None:
    assert all(keeps(text))


@pytest.mark.parametrize(
    ("text", "first", "count"),
    [
        ('~s "ECS run"', "ECS RunTask  ecs:runTask.sync", 8),
        ("~s /^ecs r.*task$/", "ECS RunTask  ecs:runTask.sync", 8),
        ("~a describetasks", "DescribeTasks #1  +55 s  = task ARN", 5),
        ("~k action", "submitted  RunTask  task 9f018ef6  = request ID", 1),
        ('"task 9f"', "submitted  RunTask  task 9f018ef6  = request ID", 1),
        ("/#[45]/", "DescribeTasks #4  +3m 52s  = task ARN", 2),
        ("!(~k call | ~k phase)", "◆ Execution started", 2),
        ("~d > 5m9s ~k exited", "", 0),
    ],
)
def test_the_experiment_is_filtered(text: str, first: str, count: int) -> None:
    lines = SHOWN["sync"].kept(text)
    assert lines[:1] == ([first] if count else [])
    assert len(lines) == count


@pytest.mark.parametrize(
    ("run", "counts"),
    [
        ("sync", {"~a runTask.sync & ~k entered": 1, "~k poll": 5, "~k execution": 2}),
        ("sync", {"~l exact !~k poll": 1, "~v ECS & ~k phase": 3, "~d 1h": 0}),
        ("sync", {'~b "AWS Step Functions"': 1, "~b startedBy": 1, "~x RUN-7f": 10}),
        ("sync", {"~d 5m & ~k exited": 1, "~d <= 310 ~k exited": 1, "~k running": 0}),
        ("sync", {"submitted | succeeded": 3}),
        ("failing", {"~e": 2, "~k failed": 2, "~e accessdenied": 2}),
        ("failing", {'~e "no role"': 2, "~k denied": 2, "~k caught": 1, "~s Main": 1}),
        ("failing", {"~k entered": 3, "~k exited": 2, "~k running": 1, "~k stop": 1}),
        ("failing", {"~b 137": 1, "~l role-only": 2, "~l sure": 1, "~k other": 1}),
        ("failing", {"~d <2s ~k phase": 3, "~d >6s ~s work": 2, "~x run-7": 11}),
        ("task", {"~k task": 5, "~k task ~e": 1, "~a STOPPED": 1}),
        ("task", {"~k task ~l resource-id": 5, "~s ecs ~k task": 5, "~e essential": 1}),
        ("redriven", {"~k redriven": 5, "~k execution": 4, "~k call ~l exact": 2}),
        ("photos", {"~k other": 2, "~x 0000": 6}),
        ("alone", {"~l none": 1, "~k call": 1}),
    ],
)
def test_kinds_links_and_failures_are_told_apart(
    run: str, counts: dict[str, int]
) -> None:
    assert {text: len(SHOWN[run].kept(text)) for text in counts} == counts


def test_a_fold_is_kept_for_what_is_behind_it() -> None:
    screen_state = ScreenState(*builders.sync_run(), folds=True)
    polls = [text for text in screen_state.kept("~k poll") if "more polls" in text]
    assert len(polls) == 1
    assert not any("more polls" in text for text in screen_state.kept("~k entered"))


def test_an_outline_of_a_filter_has_only_what_it_keeps() -> None:
    screen_state = ScreenState(*builders.sync_run())
    keep = screen_state.filter(parse_filter("~k poll"))
    outline = Outline(
        screen_state.snapshot.trace, OutlineOptions(keep=keep, folds=False)
    )
    assert [screen_state.text(item) for item in outline.items] == screen_state.kept(
        "~k poll"
    )
    assert outline.filtered == len(screen_state.outline.items) - 5


def test_what_had_not_come_by_a_moment_is_not_looked_at() -> None:
    shown = SHOWN["failing"]
    then = shown.snapshot.trace.as_of(builders.at(0.5))
    keep = parse_filter("~e | ~k call").predicate(then, shown.outline)
    assert not any(map(keep, shown.outline.items[:3]))
    for text in ("~k running", "~d 1s", "~b x", "work", "~k redriven", "~k other"):
        by = parse_filter(text).predicate(then, shown.outline)
        assert {by(item) for item in shown.outline.items} <= {True, False}


def test_every_word_is_in_the_help() -> None:
    told = " ".join(f"{token} {words}" for token, words in FILTER_HELP)
    assert all(word in told for word in (*OPERATORS, *KINDS, *RULES))


# -- what it refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ("~q x", 0, "unknown operator ~q", "there are ~s ~a"),
        ("a ~state x", 2, "unknown operator ~state", "there are ~s"),
        ("~k pol", 3, "unknown kind pol", "there are execution"),
        ("~l requestid", 3, "unknown rule requestid", "there are request-id"),
        ("~s", 2, "~s needs a text", "a word"),
        ("~k ", 2, "~k needs a kind", "one of execution"),
        ("~d", 2, "~d needs a time", "write it as"),
        ("~d long", 3, "long is not a time", "write it as"),
        ("~d >", 3, "> is not a time", "write it as"),
        ('a "open', 2, "the quote is not closed", 'close it with "'),
        (" /open", 1, "the regex is not closed", "close it with /"),
        ("~s /(/", 4, "not a regex: missing )", "quotes"),
        ("(a", 0, "the ( is not closed", "close it"),
        ("a)", 1, "nothing is open that ) could close", ""),
        ("a &", 3, "something must follow", "a word"),
        ("| a", 0, "nothing before |", "a word"),
        ("()", 1, "nothing before )", "a word"),
        ("!", 1, "something must follow", "a word"),
        ("(" * 50 + "a", 40, "parentheses are nested too deep", ""),
        (f"/{'a' * (LONGEST_REGEX + 1)}/", 1, "the regex has 101", "at most 100"),
        ("x" * 5000, 4096, "the filter has 5000 characters", "at most 4096"),
    ],
)
def test_an_error_says_where_and_what_would_do(
    text: str, position: int, message: str, hint: str
) -> None:
    error = read(text)
    assert isinstance(error, FilterError)
    assert error.message.startswith(message)
    assert error.position == position
    assert hint in error.hint
    assert bool(error.hint) == bool(hint)


RUNNING_AWAY = (
    *("(a+)+b", "(a|a)*b", "(a?){50}", "((ab?)c)*", "a*a*a*a*a*b", "*", "[z-a]"),
    *("a?" * 30 + "a" * 30, "(?=a)b", "(?P<x>a)(?P=x)", "a{99999999999}"),
)
USUAL = (
    *("a.*b.*c", "(foo|bar|baz) qux?", "^x+$", "[[]a", "(ab)?c", r"\(a+\)+", ""),
    *('{"a":{"b":{"c":{"d"', "(a|b){x", "(?:a|b)?c"),
)


def test_a_regex_that_may_run_away_is_refused_and_a_usual_one_is_welcome() -> None:
    assert all(isinstance(read(f"/{each}/"), FilterError) for each in RUNNING_AWAY)
    assert all(isinstance(read(f"/{each}/"), Filter) for each in USUAL)


hostile = st.text(
    st.sampled_from('~saekldvbxqp!&|()"/\\<>.*+?{}[]^$-0159m \t\nÄ夜\x1b'), max_size=40
)


@given(st.text(max_size=60) | hostile)
@example("~s /[[a]/")
@example("/(?")
@example('"\\')
@example("~d 1٣")
@example("~d " + "1" * 4000)
def test_any_text_parses_or_is_refused_with_a_place(text: str) -> None:
    parsed = read(text)
    if isinstance(parsed, FilterError):
        assert parsed.message
        assert 0 <= parsed.position <= len(text)
    else:
        assert set(keeps(text)) <= {True, False}


LONG = ScreenState(
    builders.call("X", 1, key="x", parameters={"text": "a" * 30_000 + "b"})
)


@pytest.mark.timeout(300)
@given(st.text("ab.*+?|(){}1,2[]^\\", max_size=30))
def test_no_regex_that_is_taken_runs_away(source: str) -> None:
    if isinstance(read(f"~b /{source}/"), Filter):
        LONG.kept(f"~b /{source}/")


# -- what it means -----------------------------------------------------------------

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
        st.tuples(inner, inner).map(lambda p: f"({p[0]} | ! {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) & {p[1]}"),
    ),
    max_leaves=8,
)


@examples(40)
@given(filters, filters, filters)
def test_filters_join_as_logic_has_it(a: str, b: str, c: str) -> None:
    assert keeps(f"!(({a}) & ({b}))") == keeps(f"!({a}) | !({b})")
    assert keeps(f"({a}) | ({b}) ({c})") == keeps(f"({a}) | (({b}) & ({c}))")
    assert keeps(f"!({a})") == [not keep for keep in keeps(a)]
    assert keeps(f"!!({a})") == keeps(a)


# -- what it suggests --------------------------------------------------------------


def offers(text: str, screen_state: ScreenState = SHOWN["failing"]) -> dict[str, str]:
    """Give each label suggested at the end of a text, and the text it makes."""
    made = complete(text, len(text), screen_state.snapshot)
    assert all(offer.cursor == len(offer.text) for offer in made)
    return {offer.label: offer.text for offer in made}


def test_operators_are_suggested_where_one_may_stand() -> None:
    for text in ("", "~", "~k poll ", "!(", "a & ", '~s "Work" '):
        assert list(offers(text)) == list(OPERATORS)
    assert offers("~k poll & ~")["~s"] == "~k poll & ~s "
    assert offers("~st") == {"~s": "~s "}
    assert offers("~er") == {"~e": "~e"}
    for text in ("wor", "/op", "~q x"):
        assert offers(text) == {}


def test_words_are_suggested_after_their_operator() -> None:
    assert list(offers("~k ")) == list(KINDS)
    assert list(offers("~l ")) == list(RULES)
    assert offers("!~k PO") == {"poll": "!~k poll"}
    assert offers("(~l req") == {"request-id": "(~l request-id"}
    assert offers("~d ") == {}


def test_names_are_suggested_what_begins_with_the_words_first() -> None:
    assert offers('~s "mai') == {"Main road": '~s "Main road"'}
    assert offers("~s road") == {"Main road": '~s "Main road"'}
    assert list(offers("~s w")) == ["Work"]
    assert list(offers("~a task")) == ["ecs:runTask", "RunTask", "StopTask"]
    assert list(offers("~a ru")) == ["RunTask", "ecs:runTask"]
    assert list(offers("~v ")) == ["ecs", "sts"]
    assert list(offers("~e acc")) == ["AccessDenied", "ECS.AccessDeniedException"]
    assert list(offers("~x ")) == ["run-7f3a"]


def test_a_name_that_is_suggested_is_one_that_is_found() -> None:
    run = builders.History().start().state('a"(\\ \x1b&b', "Wait", wait=9)
    screen_state = ScreenState(*run.records)
    (text,) = offers("~s ", screen_state).values()
    assert len(screen_state.kept(text)) == 2


def test_a_suggestion_takes_the_place_of_what_was_begun() -> None:
    snapshot = SHOWN["failing"].snapshot
    (offer,) = complete("a ~k poxx & ~e", len("a ~k po"), snapshot)
    assert (offer.text, offer.cursor) == ("a ~k poll & ~e", len("a ~k poll"))


@given(st.text(max_size=30) | hostile, st.integers(-3, 60))
def test_a_suggestion_is_a_filter_s_text_with_the_cursor_in_it(
    text: str, cursor: int
) -> None:
    for offer in complete(text, cursor, SHOWN["failing"].snapshot):
        assert 0 <= offer.cursor <= len(offer.text)


@given(filters)
def test_what_is_suggested_behind_a_filter_leads_to_one(text: str) -> None:
    for offer in complete(f"{text} ", len(text) + 1, SHOWN["failing"].snapshot):
        head = offer.text[: offer.cursor]
        assert any(
            isinstance(read(head + tail + ")" * closing), Filter)
            for tail in ("", "x", "poll", "exact", "5s")
            for closing in range(head.count("(") + 1)
        )


# -- the search --------------------------------------------------------------------


def finds(screen_state: ScreenState, text: str) -> bool:
    return any(map(screen_state.filter(found(text)), screen_state.outline.items))


def test_a_search_minds_capitals_and_looks_at_the_state_s_name_too() -> None:
    screen_state = ScreenState(
        builders.event(2, "TaskStateEntered", 0.1, name="Fan Out")
    )
    assert finds(screen_state, "fan out")
    assert finds(screen_state, "Fan")
    assert not any(finds(screen_state, text) for text in ("FAN", "", "elsewhere"))
    in_lines_of_state = SHOWN["sync"].filter(found("ecs runtask"))
    assert sum(map(in_lines_of_state, SHOWN["sync"].outline.items)) == 8


@given(st.text(min_size=1, max_size=10))
def test_what_is_shown_is_found(name: str) -> None:
    screen_state = ScreenState(builders.event(2, "TaskStateEntered", 0.1, name=name))
    text = screen_state.text(screen_state.outline.items[0])
    assume(text.strip())
    assert finds(screen_state, text)
    assert screen_state.kept(json.dumps(text.strip()[:1], ensure_ascii=False))
