"""Holds the links of a trace against the truth of a world."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from msgspec import Struct

from sfnwatch.model.links import Link
from sfnwatch.model.trace import Trace
from tests.model.answers import trace_of
from tests.model.laws import in_batches, shuffled
from tests.worlds.account import Wish
from tests.worlds.world import AttemptKey, Truth, World

EXACT = ("request-id", "session", "resource-id")
STRONG = ("parameters", "order")
WEAK = ("unique-candidate",)
RULES = (*EXACT, *STRONG, *WEAK)
KEYS = ("exact", "strong", "order")
"""By what a call can be known; not counted is what `Truth.key` has besides."""


class Verdict(Struct, frozen=True):
    """What became of one call of a world."""

    seed: int
    truth: Truth
    outcome: str
    """Its link is `right`, `wrong`, or kept as `about` a job; or it is `unmatched`."""
    rule: str = ""
    """By which it is matched."""
    what: str = ""
    """Told of what is wrong, and of what could be known and is not."""
    excused: bool = False
    """True for a weak one where the records had not come, or strangers were unknown."""
    astray: bool = False
    """True for an ambiguous one of which the maker is not among the candidates."""

    def __str__(self) -> str:
        if self.outcome != "wrong":
            return f"seed {self.seed}: {self.what}"
        more = " [alike]" if self.truth.alike else " [excused]" if self.excused else ""
        return f"seed {self.seed}: {self.rule}{more}: {self.what}"


@dataclass
class Score:
    """How many links were right, missed and wrong."""

    worlds: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    unstable: list[int] = field(default_factory=list)
    """The seeds of worlds whose links depend on the order of their records."""

    def add(self, other: "Score") -> None:
        self.worlds += other.worlds
        self.verdicts += other.verdicts
        self.unstable += other.unstable

    @property
    def mistakes(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.outcome == "wrong"]

    def wrong(self, *rules: str, excused: bool | None = None) -> list[Verdict]:
        """Give the mistakes by some rules, but for those that nobody could tell."""
        found = (m for m in self.mistakes if m.rule in rules and not m.truth.alike)
        return [m for m in found if excused in {None, m.excused}]

    def keyed(self, *keys: str) -> list[Verdict]:
        """Give those of the watched that could be known by one of these."""
        return [v for v in self.verdicts if v.truth.watched and v.truth.key in keys]

    @property
    def missing(self) -> list[Verdict]:
        return [each for each in self.keyed(*KEYS) if each.outcome != "right"]

    def recall(self, *keys: str) -> float:
        """Give the share of those that could be known which were matched rightly."""
        keyed = self.keyed(*(keys or KEYS))
        return sum(v.outcome == "right" for v in keyed) / len(keyed) if keyed else 1.0


def judge(world: World, trace: Trace) -> Score:
    """Compare each link with the truth."""
    links, verdicts = trace.links, []
    for event_id, truth in world.truth.items():
        link, outcome = links.get(event_id), "unmatched"
        if link is not None and link.key is not None:
            about = "about" if _is_about(world, event_id, link) else "wrong"
            outcome = "right" if _is_right(link, truth) else about
        is_told = outcome == "wrong" or (truth.watched and truth.key in KEYS)
        is_told &= outcome != "right"
        verdict = Verdict(
            world.wish.seed,
            truth,
            outcome,
            str(link.rule) if link else "",
            _line(world, event_id, truth, link) if is_told else "",
            excused=outcome == "wrong" and _is_excused(world, link),
            astray=outcome == "unmatched" and _is_astray(link, truth),
        )
        verdicts.append(verdict)
    return Score(1, verdicts)


def _is_right(link: Link, truth: Truth) -> bool:
    return truth.watched and link.key == truth.attempt and link.role == truth.role


def _is_about(world: World, event_id: str, link: Link) -> bool:
    """True for one that is kept beside an attempt: it is about its job, as it says."""
    if link.role != "other" or link.rule != "resource-id":
        return False
    call = world.call(event_id)
    return any(a.key == link.key and a.job in call.ids for a in world.attempts)


def _is_astray(link: Link | None, truth: Truth) -> bool:
    if link is None or not link.candidates or link.unlisted:
        return False
    return truth.watched and truth.attempt not in link.candidates


def _is_excused(world: World, link: Link | None) -> bool:
    assert link is not None
    assert link.key is not None
    rule, key = str(link.rule), link.key
    covered = key in world.spans and world.is_covered(key, str(link.role))
    known = covered and world.knows_strangers(key)
    return not known if rule in WEAK else world.is_late(key) and rule in STRONG


def _line(world: World, event_id: str, truth: Truth, link: Link | None) -> str:
    call = world.call(event_id)
    whose = "watched" if truth.watched else "stranger"
    error = f" {call.error[0]}" if call.error else ""
    key = f" ({truth.key})" if truth.key else ""
    return (
        f"{event_id[:8]} {call.name}{error} at {call.at:.1f} by {whose}"
        f" {attempt_name(truth.attempt)} {truth.role}{key}, said: {link_words(link)}"
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
        return f"{link.rule} {attempt_name(link.key)} {link.role}"
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
    found = Counter((v.rule, v.outcome, v.truth.watched) for v in score.verdicts)
    total, watched = len(score.verdicts), sum(v.truth.watched for v in score.verdicts)
    missed = sum(
        found[each] for each in found if each[2] and each[1] in {"unmatched", "about"}
    )
    yield f"{score.worlds} worlds; calls of the watched: {watched}, of others:"
    yield f"  {total - watched}; of the watched not matched: {missed}"
    yield f"{'rule':<18}{'right':>8}{'wrong':>8}{'of strangers':>14}"
    for rule in RULES:
        mine, theirs = found[rule, "wrong", True], found[rule, "wrong", False]
        yield f"{rule:<18}{found[rule, 'right', True]:>8}{mine:>8}{theirs:>14}"
    alike = sum(mistake.truth.alike for mistake in score.mistakes)
    exact, strong = len(score.wrong(*EXACT)), len(score.wrong(*STRONG))
    yield f"wrong, exact: {exact}; strong: {strong};"
    yield f"  nobody could have told them: {alike}"
    unknown = len(score.wrong(*WEAK, excused=True))
    known = len(score.wrong(*WEAK, excused=False))
    yield f"wrong, weak: {known} where all was known;"
    yield f"  {unknown} where not, {1000 * unknown / max(1, total):.1f} of 1000 calls"
    for key in KEYS:
        keyed = score.keyed(key)
        right = sum(each.outcome == "right" for each in keyed)
        yield f"recall, {key}: {right} of {len(keyed)} = {score.recall(key):.1%}"
    yield f"recall of all that have a key: {score.recall():.1%}"
    for key in ("early", "shared", "retried"):
        yield f"recall, {key} (not asked for): {score.recall(key):.1%}"
    about = sum(each.outcome == "about" for each in score.verdicts)
    yield f"kept as about an attempt's job, made by others: {about}"
    astray = sum(each.astray for each in score.verdicts)
    yield f"ambiguous without their maker among the candidates: {astray}"
    yield f"worlds that depend on the order of records: {score.unstable[:20]}"


def shown(world: World, trace: Trace) -> Iterator[str]:
    """Write one world for people."""
    yield str(world.wish)
    yield f"now {world.now:.1f}, calls complete to {world.covered_to:.1f}"
    yield f"said to be complete to {world.told_to}, skew {world.skew}"
    for run in world.executions:
        mark = "WATCHED" if run.watched else "stranger"
        span = f"{run.begin:.1f}-{run.end:.1f}"
        yield f"{mark} {run.machine.name}:{run.name[:6]} {span} {run.status}"
        yield f"  role {run.machine.role.arn} {run.machine.region}"
        for a in run.attempts:
            times = " ".join(
                "-" if t is None else f"{t:.2f}" for t in (a.answered, a.end)
            )
            yield (
                f"  #{a.key[1]} {a.service.name} {a.pattern} {a.begin:.2f} {times}"
                f" {a.status} {dict(a.words)} {a.job}"
            )
    for call in world.calls:
        truth = world.truth[call.event_id]
        link = trace.links.get(call.event_id)
        verdict = " "
        if link is not None and link.key is not None:
            verdict = " " if _is_right(link, truth) else "X"
        elif truth.watched and truth.key:
            verdict = "-"
        yield f"{verdict} {_line(world, call.event_id, truth, link)}"
