"""Holds the links of a trace against the truth of a world."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from msgspec import Struct

from sfnwatch.model.linking.link import Certainty, Link
from sfnwatch.model.trace import Trace
from tests.model.answers import trace_of
from tests.model.laws import in_batches, shuffled
from tests.worlds.account import Wish
from tests.worlds.sentences import Checked, check_facts
from tests.worlds.truth import Truth, truths
from tests.worlds.world import AttemptKey, World

SURE = (Certainty.EXACT, Certainty.STRONG)
CERTAINTIES = (*SURE, Certainty.LIKELY, Certainty.GUESS)


class Verdict(Struct, frozen=True):
    """What became of one call of a world."""

    seed: int
    truth: Truth
    outcome: str
    """Its link is `right`, `wrong`, or kept as `about` a job; it is matched `twice`, as
    two calls; or it is `unmatched`."""
    rule: str = ""
    """By which it is matched."""
    certainty: Certainty | None = None
    what: str = ""
    """Said of what is wrong, and of what is provable and not matched so."""
    astray: bool = False
    """True for an ambiguous one of which the maker is not among the candidates."""

    @property
    def proved(self) -> bool:
        """True if it is matched rightly, and called sure."""
        return self.outcome == "right" and self.certainty in SURE

    def __str__(self) -> str:
        more = " [alike]" if self.truth.alike else ""
        return f"seed {self.seed}: {self.certainty}{more}: {self.what}"


@dataclass
class Score:
    """How many links were right, missed and wrong, and how many facts were false."""

    worlds: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    """The facts that were checked, by their kinds."""
    false: list[str] = field(default_factory=list)
    """The facts that are false, each with its seed and the truth."""
    unstable: list[int] = field(default_factory=list)
    """The seeds of worlds whose links depend on the order of their records."""

    def add(self, other: "Score") -> None:
        self.worlds += other.worlds
        self.verdicts += other.verdicts
        self.facts += other.facts
        self.false += other.false
        self.unstable += other.unstable

    @property
    def mistakes(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.outcome == "wrong"]

    def wrong(self, *certainties: Certainty) -> list[Verdict]:
        """Give the mistakes of some certainties, but for those nobody could tell."""
        found = (m for m in self.mistakes if m.certainty in certainties)
        return [m for m in found if not m.truth.alike]

    @property
    def twice(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.outcome == "twice"]

    @property
    def provable(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.truth.provable]

    @property
    def missing(self) -> list[Verdict]:
        """What is provable, and was not matched as that."""
        return [each for each in self.provable if not each.proved]

    @property
    def recall(self) -> float:
        """Give the share of what is provable that was matched as exact or strong."""
        count = len(self.provable)
        return 1 - len(self.missing) / count if count else 1.0


def judge(world: World, trace: Trace) -> Score:
    """Compare each link, and each sentence that is called a fact, with the truth."""
    known = truths(world)
    verdicts = [
        _verdict(world, trace.links, event_id, truth)
        for event_id, truth in known.items()
    ]
    checked = check_facts(world, trace)
    return Score(
        1,
        verdicts,
        Counter(each.kind for each in checked),
        [_said(world, each) for each in checked if each.faults],
    )


def _said(world: World, checked: Checked) -> str:
    faults = "; ".join(checked.faults)
    return f"seed {world.wish.seed}: false: {checked.text} [{faults}]"


def _verdict(
    world: World, links: Mapping[str, Link], event_id: str, truth: Truth
) -> Verdict:
    """Judge one call, under all event ids that it was delivered with."""
    found = [links[each] for each in world.ids[event_id] if each in links]
    matched = [link for link in found if link.key is not None]
    wrong = [link for link in matched if not _is_right(link, truth)]
    link = next(iter(wrong or matched or found), None)
    outcome = "unmatched"
    if wrong:
        is_about = all(_is_about(world, event_id, each) for each in wrong)
        outcome = "about" if is_about else "wrong"
    elif matched:
        outcome = "twice" if len(matched) > 1 else "right"
    certainty = link.certainty if link is not None else None
    verdict = Verdict(
        world.wish.seed,
        truth,
        outcome,
        str(link.rule) if link else "",
        certainty,
        astray=outcome == "unmatched" and _is_astray(link, truth),
    )
    is_lost = truth.provable and not verdict.proved
    if outcome in {"wrong", "twice"} or is_lost:
        what = _line(world, event_id, truth, link)
        return Verdict(
            verdict.seed,
            truth,
            outcome,
            verdict.rule,
            certainty,
            what,
            astray=verdict.astray,
        )
    return verdict


def _is_right(link: Link, truth: Truth) -> bool:
    same = link.key == truth.attempt
    return truth.watched and same and link.role in {truth.role, "other"}


def _is_about(world: World, event_id: str, link: Link) -> bool:
    """True for one that is kept beside an attempt: it is about its job, as it says.

    Who made it is not said then, so it may not be called sure.
    """
    if link.role != "other" or link.certainty in SURE:
        return False
    call = world.call(event_id)
    return any(
        each.key == link.key and call.ids & set(each.jobs) for each in world.attempts
    )


def _is_astray(link: Link | None, truth: Truth) -> bool:
    if link is None or not link.candidates or link.unlisted:
        return False
    return truth.watched and truth.attempt not in link.candidates


def _line(world: World, event_id: str, truth: Truth, link: Link | None) -> str:
    call = world.call(event_id)
    whose = "watched" if truth.watched else "stranger"
    error = f" {call.error[0]}" if call.error else ""
    key = f" ({truth.key})" if truth.key else ""
    return (
        f"{world.ids[event_id][0][:8]} {call.name}{error} at {call.at:.1f} by {call.by}"
        f" {whose} {attempt_name(truth.attempt)} {truth.role}{key},"
        f" said: {link_words(link)}"
    )


def attempt_name(key: AttemptKey | None) -> str:
    if key is None:
        return "nobody"
    machine, _, name = key[0].partition(":execution:")[2].rpartition(":")
    return f"{machine}:{name[:6]}#{key[1]}"


def link_words(link: Link | None) -> str:
    if link is None:
        return "nothing"
    if link.key is not None:
        name = attempt_name(link.key)
        return f"{link.certainty} {link.rule} {name} {link.role}"
    listed = " ".join(map(attempt_name, link.candidates[:4]))
    return " ".join(filter(None, (str(link.rule), listed, link.reason)))


def judge_seed(seed: int) -> Score:
    """Make a world, take it in, and judge; for some, in another order as well."""
    world = World(Wish.of(seed))
    trace = trace_of(*world.records)
    score = judge(world, trace)
    if seed % 5 == 0:
        dice = Random(seed)  # noqa: S311 - an order is no secret
        if in_batches(shuffled(world.records, dice), dice).links != trace.links:
            score.unstable.append(seed)
    return score


def judge_seeds(seeds: Iterable[int]) -> Score:
    total = Score()
    for seed in seeds:
        total.add(judge_seed(seed))
    return total


# -- telling ---------------------------------------------------------------------------


def table(score: Score) -> Iterator[str]:
    """Write a score for people."""
    found = Counter(
        (v.certainty, v.outcome, v.truth.watched, v.truth.alike) for v in score.verdicts
    )
    total = len(score.verdicts)
    watched = sum(v.truth.watched for v in score.verdicts)
    matched = sum(v.outcome == "right" for v in score.verdicts)
    yield f"{score.worlds} worlds; calls of the watched: {watched}, of others:"
    yield f"  {total - watched}; of the watched not matched: {watched - matched}"
    yield f"{'certainty':<12}{'right':>8}{'wrong':>8}{'of strangers':>14}{'alike':>8}"
    for each in CERTAINTIES:
        right = found[each, "right", True, False]
        mine = found[each, "wrong", True, False]
        theirs = found[each, "wrong", False, False]
        alike = found[each, "wrong", True, True] + found[each, "wrong", False, True]
        yield f"{each:<12}{right:>8}{mine:>8}{theirs:>14}{alike:>8}"
    for each in CERTAINTIES:
        rules = Counter(
            v.rule
            for v in score.verdicts
            if v.certainty == each and v.outcome == "right"
        )
        yield f"{each} by: {dict(rules)}"
    for each in (*CERTAINTIES[2:],):
        wrong = len(score.wrong(each))
        count = wrong + found[each, "right", True, False]
        yield f"wrong of the {each}: {wrong} of {count} = {wrong / max(1, count):.1%}"
    proved = len(score.provable) - len(score.missing)
    yield f"provable, and exact or strong: {proved} of {len(score.provable)}"
    yield f"  = {score.recall:.1%}"
    yield f"facts: {len(score.false)} false of {score.facts.total()} checked:"
    yield f"  {dict(score.facts)}"
    yield f"matched twice, as two calls: {len(score.twice)}"
    about = sum(each.outcome == "about" for each in score.verdicts)
    yield f"kept as about an attempt's job, made by others: {about}"
    astray = sum(each.astray for each in score.verdicts)
    yield f"ambiguous without their maker among the candidates: {astray}"
    yield f"worlds that depend on the order of records: {score.unstable[:20]}"


def shown(world: World, trace: Trace) -> Iterator[str]:
    """Write one world for people."""
    yield str(world.wish)
    yield f"now {world.now:.1f}, calls complete to {world.covered_to:.1f}"
    yield f"said to be complete to {world.told_to}, skew {world.most_skew}"
    yield f"form {world.form}, begins {world.begins:.1f}"
    for run in world.executions:
        mark = "WATCHED" if run.watched else "stranger"
        span = f"{run.begin:.1f}-{run.end:.1f}"
        yield f"{mark} {run.machine.name}:{run.name[:6]} {span} {run.status}"
        yield f"  role {run.machine.role.arn} {run.machine.region}"
        for a in run.attempts:
            times = " ".join(
                "-" if t is None else f"{t:.2f}" for t in (a.answered, a.end)
            )
            name = a.state.name if a.state else ""
            yield (
                f"  #{a.key[1]} {name} {a.service.name} {a.pattern} {a.begin:.2f}"
                f" {times} {a.status} {dict(a.words)} {' '.join(a.jobs)}"
            )
    known = truths(world)
    for call in world.missing:
        yield f"  missing: {call.name} at {call.at:.1f}"
    for call in world.calls:
        verdict = _verdict(world, trace.links, call.event_id, known[call.event_id])
        ids = world.ids[call.event_id]
        found = (trace.links[each] for each in ids if each in trace.links)
        line = _line(world, call.event_id, known[call.event_id], next(found, None))
        marks = {"wrong": "X", "twice": "2", "right": "."}
        is_lost = known[call.event_id].provable and not verdict.proved
        yield f"{'-' if is_lost else marks.get(verdict.outcome, ' ')} {line}"
    for each in check_facts(world, trace):
        yield f"{'X' if each.faults else '.'} {each.kind}: {each.text} {each.faults}"
