"""Why a call is matched to an attempt, or to none, in words.

Every attempt that was considered is told of: what speaks for it, and what against. The
screen folds what is too much for it; `explain --why` leaves nothing out. All texts are
cleaned.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis.finding import Block, Document, Heading, Items, Paragraph
from sfnwatch.analysis.wording import ambiguity, named, plural, status_words, visit_name
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.evidence import Weighed
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.linking.parameters import Leaf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt
from sfnwatch.view.wording import doubt_words, execution_labels, id_word, rule_words

_LIMIT = 2000
_AS = {CallRole.OTHER: "a call about its job", CallRole.POLL: "its poll"}


class AttemptOutcome(StrEnum):
    """What became of an attempt that was considered, in the order they are told."""

    MATCHED = "matched"
    CANDIDATE = "candidate"
    FITS = "also fits"
    """Nothing speaks against it, and yet the call is matched otherwise."""
    RULED_OUT = "ruled out"


class ConsideredAttempt(Struct, frozen=True):
    """An attempt that was considered for a call."""

    weighed: Weighed
    attempt: Attempt
    name: str
    """`ECS RunTask #7 of run-7f3a`: its state, its …Scheduled event, its execution."""
    outcome: AttemptOutcome


def considered_attempts(snapshot: Snapshot, call: ApiCall) -> list[ConsideredAttempt]:
    """Give the attempts that were considered for a call, the one it is of first."""
    link = snapshot.link(call)
    found = list[ConsideredAttempt]()
    for each in snapshot.trace.linker.weigh(call):
        attempt = snapshot.attempt(each.key)
        if attempt is not None:
            name = attempt_name(snapshot, each.key)
            outcome = _outcome(link, each)
            found.append(ConsideredAttempt(each, attempt, name, outcome))
    order = list(AttemptOutcome)
    return sorted(found, key=lambda each: order.index(each.outcome))


def _outcome(link: Link | None, weighed: Weighed) -> AttemptOutcome:
    if link is not None and weighed.key == link.key:
        return AttemptOutcome.MATCHED
    if link is not None and weighed.key in link.candidates:
        return AttemptOutcome.CANDIDATE
    return AttemptOutcome.RULED_OUT if weighed.against else AttemptOutcome.FITS


def left_out(
    snapshot: Snapshot, call: ApiCall, told: Iterable[ConsideredAttempt]
) -> int:
    """Count the candidates that are not among those told: of very many some are."""
    link = snapshot.link(call)
    if link is None:
        return 0
    listed = sum(each.outcome is AttemptOutcome.CANDIDATE for each in told)
    seen = sum(snapshot.attempt(key) is not None for key in link.candidates)
    return seen + link.unlisted - listed


def unsure_calls(snapshot: Snapshot, key: AttemptKey) -> list[tuple[ApiCall, Link]]:
    """Give the ambiguous calls that may be an attempt's, the earliest first."""
    links = snapshot.trace.links
    found = ((call, links.get(call.event_id)) for call in snapshot.calls)
    return [(call, link) for call, link in found if link and key in link.candidates]


# -- in words --------------------------------------------------------------------------


def attempt_name(snapshot: Snapshot, key: AttemptKey) -> str:
    """Name an attempt by its state, its …Scheduled event and its execution."""
    visit = snapshot.visit_of(key)
    execution = snapshot.executions[key[0]]
    label = execution_labels(snapshot.roots).get(key[0], "")
    name = execution.name
    # What is left of `execution-4` is a number beside a number.
    label = label if label.strip("0123456789") else clean(name, _LIMIT)
    state = visit_name(visit, alone=False) if visit is not None else "a state"
    return f"{state} #{key[1]} of {label}"


def role_words(role: CallRole) -> str:
    """Say what a call is to an attempt: `its action call`."""
    return _AS.get(role, f"its {role} call")


def verdict(snapshot: Snapshot, call: ApiCall) -> str:
    """Say whose a call is, and by what, or why it is nobody's."""
    link = snapshot.link(call)
    if link is None:
        return "not matched: no execution here has to do with it"
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{rule_words(link)}: {ambiguity(link)}"
    if link.key is None:
        role = clean(link.evidence, _LIMIT)
        return f"not matched: made with the role {role}, but no attempt here fits"
    by = rule_words(link, id_word(snapshot.attempt(link.key)))
    doubt = doubt_words(link)
    doubt = f"{doubt}: " if doubt else ""
    evidence = f" ({clean(link.evidence, _LIMIT)})" if link.evidence else ""
    what = role_words(link.role)
    name = attempt_name(snapshot, link.key)
    return f"matched to {name} as {what}: {doubt}{by}{evidence}"


def leaf_words(leaf: Leaf) -> tuple[str, str]:
    """Name a parameter, and tell its value; both where the two sides write it apart."""
    asked, called = map(_value_words, (leaf.scheduled, leaf.called))
    same = asked == called
    return clean(leaf.path), asked if same else f"{asked}, the call has {called}"


def sentences_against(each: ConsideredAttempt) -> list[str]:
    """Say what speaks against an attempt, but for parameters: those are told apart."""
    told = each.weighed.against
    if each.weighed.comparison.different:
        told = told[:-1]  # it names some of them
    said = [clean(sentence, _LIMIT) for sentence in told]
    if each.outcome is AttemptOutcome.CANDIDATE:
        # It was not ruled out for being a little out of time.
        more = ", and clocks may differ by as much"
        said = [f"{t}{more if t.startswith('it came ') else ''}" for t in said]
    return said


def values_of(value: object) -> object:
    """Give a value as JSON has it; one whose order is lost is sorted."""
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else value


def _value_words(value: object) -> str:
    value = values_of(value)
    if isinstance(value, list):
        return ", ".join(map(_value_words, value)) or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return clean(str(value)) or "an empty text"


# -- as a document ---------------------------------------------------------------------


def why(snapshot: Snapshot, calls: Iterable[ApiCall]) -> Document:
    """Say of calls all that speaks for and against each attempt they may be of."""
    return chain.from_iterable(_call_blocks(snapshot, call) for call in calls)


def _call_blocks(snapshot: Snapshot, call: ApiCall) -> Iterator[Block]:
    told = considered_attempts(snapshot, call)
    at = f"{call.event_time:%Y-%m-%d %H:%M:%S} UTC"
    yield Heading(f"{named(call.event_name)} at {at}")
    yield Paragraph(verdict(snapshot, call), strong=True)
    yield Items(list(_call_facts(call)))
    for each in told:
        status = status_words(each.attempt.status)
        yield Heading(f"{each.outcome}: {each.name}, {status}", 2)
        yield Items(list(_lines(each)))
    if more := left_out(snapshot, call, told):
        yield Paragraph(f"{plural(more, 'more attempt')} may have made it.")
    if not told:
        yield Paragraph("No attempt here makes such calls, or has an ID that it names.")


def _call_facts(call: ApiCall) -> Iterator[str]:
    where = f" in {clean(call.region, _LIMIT)}" if call.region else ""
    yield clean(f"{call.event_source}{where}, event ID {call.event_id}", _LIMIT)
    by = f"role {call.role or 'unknown'}, through {call.invoked_by or 'no service'}"
    yield clean(by, _LIMIT)
    if call.error_code is not None:
        because = f": {call.error_message}" if call.error_message else ""
        yield clean(f"failed with {call.error_code}{because}", _LIMIT)


def _lines(each: ConsideredAttempt) -> Sequence[str]:
    weighed = each.weighed
    lines = [f"for: {clean(same, _LIMIT)}" for same in weighed.same]
    lines += (f"for: same {_leaf(leaf)}" for leaf in weighed.comparison.equal)
    lines += (f"against: {sentence}" for sentence in sentences_against(each))
    lines += (f"against: other {_leaf(leaf)}" for leaf in weighed.comparison.different)
    if not lines:
        lines.append(f"for: its role and its time fit, as {role_words(weighed.role)}")
    return lines


def _leaf(leaf: Leaf) -> str:
    return ": ".join(leaf_words(leaf))
