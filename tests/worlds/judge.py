"""Holds the links of a trace against the truth of a world."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from sfnwatch.model.links import Link
from sfnwatch.model.trace import Trace
from tests.model.answers import trace_of
from tests.model.laws import in_batches, shuffled
from tests.worlds.account import Wish
from tests.worlds.truth import Truth
from tests.worlds.world import AttemptKey, World

EXACT = ("request-id", "session", "resource-id")
STRONG = ("parameters", "order")
WEAK = ("unique-candidate",)
RULES = (*EXACT, *STRONG, *WEAK)
KEYS = ("exact", "strong", "order")
"""By what a call can be known; not counted is what `Truth.key` has besides."""


@dataclass(frozen=True)
class Mistake:
    """A link that is not true."""

    seed: int
    rule: str
    event_id: str
    what: str
    alike: bool
    excused: bool
    """True for a weak one where the records had not come, or strangers were unknown."""

    def __str__(self) -> str:
        more = " [alike]" if self.alike else " [excused]" if self.excused else ""
        return f"seed {self.seed}: {self.rule}{more}: {self.what}"


@dataclass
class Score:
    """How many links were right, missed and wrong."""

    worlds: int = 0
    watched: int = 0
    strangers: int = 0
    right: Counter[str] = field(default_factory=Counter)
    """By rule."""
    missed: int = 0
    """Calls of the watched that were not matched, keyed or not."""
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By rule, and by whose call it is: `watched` or `stranger`."""
    keyed: Counter[str] = field(default_factory=Counter)
    recalled: Counter[str] = field(default_factory=Counter)
    mistakes: list[Mistake] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unstable: list[int] = field(default_factory=list)
    """The seeds of worlds whose links depend on the order of their records."""
    astray: int = 0
    """Ambiguous ones of which the maker is not among the candidates."""
    about: int = 0
    """Calls kept as `other` beside an attempt whose job they name, made by whomever."""

    def add(self, other: "Score") -> None:
        """Add up."""
        for name in ("right", "wrong", "keyed", "recalled"):
            getattr(self, name).update(getattr(other, name))
        for name in ("mistakes", "missing", "unstable"):
            getattr(self, name).extend(getattr(other, name))
        for name in ("worlds", "watched", "strangers", "missed", "astray", "about"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def wrong_of(self, rules: Iterable[str], *, excused: bool | None = None) -> int:
        """Count mistakes by some rules, but for those that nobody could tell."""
        return sum(
            m.rule in rules and not m.alike and excused in {None, m.excused}
            for m in self.mistakes
        )

    def recall(self, *keys: str) -> float:
        """Give the share of those that could be known which were matched rightly."""
        chosen = keys or KEYS
        keyed = sum(self.keyed[key] for key in chosen)
        return sum(self.recalled[key] for key in chosen) / keyed if keyed else 1.0


def judge(world: World, trace: Trace) -> Score:
    """Compare each link with the truth."""
    score = Score(worlds=1)
    for event_id, truth in world.truth.items():
        link = trace.links.get(event_id)
        matched = link is not None and link.key is not None
        if truth.watched:
            score.watched += 1
        else:
            score.strangers += 1
        right = matched and link is not None and _is_right(link, truth)
        if truth.watched and truth.key:
            score.keyed[truth.key] += 1
            score.recalled[truth.key] += right
            if not right and truth.key in KEYS:
                line = _line(world, event_id, truth, link)
                score.missing.append(f"seed {world.wish.seed}: {line}")
        if link is not None and matched and right:
            score.right[str(link.rule)] += 1
        elif link is not None and _is_about(world, event_id, link):
            score.about += 1
            score.missed += truth.watched
        elif link is not None and matched:
            score.mistakes.append(_mistake(world, event_id, truth, link))
            whose = "watched" if truth.watched else "stranger"
            score.wrong[str(link.rule), whose] += 1
        elif truth.watched:
            score.missed += 1
            score.astray += _is_astray(link, truth)
    return score


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
    return truth.attempt not in link.candidates


def _mistake(world: World, event_id: str, truth: Truth, link: Link) -> Mistake:
    key = link.key
    assert key is not None
    covered = key in world.spans and world.is_covered(key, str(link.role))
    known = covered and world.knows_strangers(key)
    rule = str(link.rule)
    excused = not known if rule in WEAK else world.is_late(key) and rule in STRONG
    return Mistake(
        seed=world.wish.seed,
        rule=rule,
        event_id=event_id,
        what=_line(world, event_id, truth, link),
        alike=truth.alike,
        excused=excused,
    )


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


def judge_seed(seed: int, *, stability: bool | None = None) -> Score:
    """Make a world, take it in, and judge; for some, in another order as well."""
    world = World(Wish.of(seed))
    trace = trace_of(*world.records)
    score = judge(world, trace)
    if seed % 5 == 0 if stability is None else stability:
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
    yield f"{score.worlds} worlds; calls of the watched: {score.watched}, of others:"
    yield f"  {score.strangers}; of the watched not matched: {score.missed}"
    yield f"{'rule':<18}{'right':>8}{'wrong':>8}{'of strangers':>14}"
    for rule in RULES:
        mine, theirs = score.wrong[rule, "watched"], score.wrong[rule, "stranger"]
        yield f"{rule:<18}{score.right[rule]:>8}{mine:>8}{theirs:>14}"
    alike = sum(mistake.alike for mistake in score.mistakes)
    yield f"wrong, exact: {score.wrong_of(EXACT)}; strong: {score.wrong_of(STRONG)};"
    yield f"  nobody could have told them: {alike}"
    weak, total = score.wrong_of(WEAK, excused=True), score.watched + score.strangers
    yield f"wrong, weak: {score.wrong_of(WEAK, excused=False)} where all was known;"
    yield f"  {weak} where not, {1000 * weak / max(1, total):.1f} of 1000 calls"
    for key in KEYS:
        found = f"{score.recalled[key]} of {score.keyed[key]}"
        yield f"recall, {key}: {found} = {score.recall(key):.1%}"
    yield f"recall of all that have a key: {score.recall():.1%}"
    for key in ("early", "shared", "retried"):
        yield f"recall, {key} (not asked for): {score.recall(key):.1%}"
    yield f"kept as about an attempt's job, made by others: {score.about}"
    yield f"ambiguous without their maker among the candidates: {score.astray}"
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
