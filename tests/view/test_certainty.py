"""How sure a match is: in signs, in words, and in no way surer than it is."""

import pytest
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import Certainty, Link, LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.view.captions import caption
from sfnwatch.view.line_kinds import RULES
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.match_words import CERTAINTY_SIGNS, rule_role, rule_words
from sfnwatch.view.parts import Role, plain_text
from sfnwatch.view.signs import to_ascii
from sfnwatch.view.why_words import match_verdict
from tests import builders as aws
from tests.builders import History, call
from tests.model.answers import trace_of

MATCHING = [*LinkRule][:-2]
"""The rules that match a call to an attempt."""


def link_of(rule: LinkRule, certainty: Certainty | None) -> Link:
    link = Link(rule, CallRole.ACTION, certainty)
    if certainty is None:
        return link
    return replace(link, execution_arn=aws.ARN, visit_id=2, attempt_id=3)


class Judged(Snapshot):
    """The last moment of a trace in which all matches are of one certainty."""

    certainty = Certainty.EXACT
    rule = LinkRule.PARAMETERS

    def link(self, called: ApiCall) -> Link | None:
        link = super().link(called)
        if link is None or link.key is None:
            return link
        return replace(link, rule=self.rule, certainty=self.certainty)


def judged(rule: LinkRule, certainty: Certainty, *records: Received) -> Snapshot:
    judged_moment = Judged(trace_of(*records), None, TimeAxis.EVENT)
    judged_moment.rule = rule
    judged_moment.certainty = certainty
    return judged_moment


WORKED = [
    *History().start().task("Work", aws.SDK).end().records,
    call("RunTask", 0, key="c"),
]
SIGNED = {
    Certainty.EXACT: "=",
    Certainty.STRONG: "≈",
    Certainty.LIKELY: "~",
    Certainty.GUESS: "?",
}


@pytest.mark.parametrize("certainty", Certainty)
@pytest.mark.parametrize("rule", MATCHING)
def test_the_sign_is_of_the_certainty_and_the_words_of_the_rule(
    rule: LinkRule, certainty: Certainty
) -> None:
    link = link_of(rule, certainty)
    sign, _, words = rule_words(link, "task ARN").partition(" ")
    assert sign == SIGNED[certainty]
    assert (
        words
        == {
            LinkRule.REQUEST_ID: "request ID",
            LinkRule.SESSION: "session",
            LinkRule.RESOURCE_ID: "task ARN",
            LinkRule.PARAMETERS: "same parameters",
            LinkRule.ORDER: "in order",
            LinkRule.UNIQUE_CANDIDATE: "role, action, time",
        }[rule]
    )
    is_sure = certainty in {Certainty.EXACT, Certainty.STRONG}
    assert rule_role(link) is (Role.EXACT if is_sure else Role.GUESS)


def test_what_is_matched_to_nothing_has_no_certainty() -> None:
    ambiguous = link_of(LinkRule.AMBIGUOUS, None)
    keys = ((aws.ARN, 3), (aws.ARN, 5))
    assert rule_words(ambiguous) == "? not certain"
    assert rule_words(replace(ambiguous, candidates=keys)) == "? one of 2"
    assert rule_role(ambiguous) is Role.GUESS
    alone = link_of(LinkRule.ROLE_ONLY, None)
    assert rule_words(alone) == "same role, no matching task"
    assert rule_role(alone) is Role.DIM


def test_the_signs_differ_in_ascii_too() -> None:
    signs = [CERTAINTY_SIGNS[certainty] for certainty in Certainty]
    assert signs == [*SIGNED.values()]
    assert [to_ascii(sign) for sign in signs] == ["=", "%", "~", "?"]


@pytest.mark.parametrize(
    ("certainty", "said", "doubt"),
    [
        (Certainty.EXACT, "matched by same parameters.", ""),
        (Certainty.STRONG, "matched by same parameters.", ""),
        (Certainty.LIKELY, "matched by same parameters: likely.", "likely: "),
        (Certainty.GUESS, "matched by same parameters only: a guess.", "a guess: "),
    ],
)
def test_a_doubt_is_said_in_captions_and_verdicts(
    certainty: Certainty, said: str, doubt: str
) -> None:
    snapshot = judged(LinkRule.PARAMETERS, certainty, *WORKED)
    one = snapshot.trace.calls["c"]
    words = caption(LineMaker(snapshot).line(one), snapshot)
    assert words.endswith(said)
    assert ("is probably" in words) is bool(doubt)
    judgment = f"as its action call: {doubt}{SIGNED[certainty]} same parameters ("
    assert judgment in match_verdict(snapshot, one)


def test_the_filter_tells_the_signs() -> None:
    words = {str(name): told for name, (told, _) in RULES.items()}
    assert {c: words[c][:2] for c in SIGNED} == {c: f"{s} " for c, s in SIGNED.items()}
    assert words["parameters"] == "same parameters"


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ((), "by poll or event"),
        (("unsupported",), "by poll or event"),
        (("unrecorded",), "by poll or event"),
        (("refused",), "by poll or event"),
        (("live",), "with no DescribeTasks call in between so far"),
        (("denied",), "with no DescribeTasks call in between so far"),
    ],
)
def test_where_no_call_can_come_none_is_awaited(
    health: tuple[str, ...], said: str
) -> None:
    told = [aws.health("lookup", state, 400) for state in health]
    snapshot = trace_of(*aws.sync_history(), *told).as_of()
    maker = LineMaker(snapshot)
    events = snapshot.executions[aws.ARN].events
    words = [plain_text(line.conclusion) for line in maker.lines(events)]
    (conclusion,) = filter(None, words)
    assert conclusion == f"1.9 s after the task stopped, {said}"
