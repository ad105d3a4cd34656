"""What there is to pick from: as it comes in, as it is looked for, and in words."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from sfnwatch.trace.aliases import Aliases
from sfnwatch.trace.listed import Asked, LeftOut, Listed, Listing
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells

Pieces = tuple[Piece, ...]
Mask = Callable[[str], str]
_LIMIT = 200
_LONG = 600
_NAMED = 3
"""State machines left out that are named; of more their number is told."""


class Gathered(Struct, frozen=True):
    """All that was listed so far, and how far that is."""

    executions: Mapping[str, Listed] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    last: Listing = field(default_factory=Listing)
    asking: bool = False
    """True while more is on its way."""
    _old: frozenset[str] = frozenset()
    """ARNs of a list before this one, which this one has not brought yet."""

    def begun(self) -> "Gathered":
        """Begin anew; what was there stays until all has been listed again."""
        old = frozenset(self.executions)
        last = Listing(of=self.last.of)
        return Gathered(self.executions, last=last, asking=True, _old=old)

    def taken(self, listing: Listing) -> "Gathered":
        """Take in what a step brought."""
        new = {each.arn: each for each in listing.executions}
        left_out = {each.machine: each for each in listing.left_out}
        return replace(
            self,
            executions={**self.executions, **new},
            left_out={**self.left_out, **left_out},
            last=listing,
            asking=not listing.spent,
            _old=self._old - new.keys(),
        )

    def resumed(self) -> "Gathered":
        return replace(self, last=replace(self.last, spent=False), asking=True)

    def ended(self, *, whole: bool) -> "Gathered":
        """Come to an end; what a whole list has not brought again is gone."""
        kept = {a: e for a, e in self.executions.items() if a not in self._old}
        executions = kept if whole else self.executions
        return replace(self, executions=executions, asking=False)

    def rows(self, words: str, mask: Mask = str) -> tuple[Listed, ...]:
        """List what runs first, then the newest: all of it, or what has the words.

        Of a Map Run's children, which may be many and alike, those first that did not
        succeed.
        """
        found = [e for e in self.executions.values() if has(e, words, mask)]
        if self.last.of is Asked.MAP_RUN:
            return tuple(sorted(found, key=lambda each: each.trouble))
        return tuple(sorted(found, key=lambda each: each.order))


def has(execution: Listed, words: str, mask: Mask = str) -> bool:
    """True for one with all the words in it; capitals count where some are typed."""
    return found_in((execution.machine, execution.name, execution.status), words, mask)


def found_in(shown: Iterable[str], words: str, mask: Mask = str) -> bool:
    """True where all the words are in what is shown; an empty list is in anything."""
    text = " ".join(mask(clean(part, _LIMIT)) for part in shown)
    if words == words.casefold():
        text = text.casefold()
    return all(word in text for word in words.split())


def learned(aliases: Aliases, gathered: Gathered) -> Aliases:
    """Know the names of what is listed, as those of what is watched are known."""
    timelines = {arn: Timeline(arn) for arn in sorted(gathered.executions)}
    return aliases.learned(Trace(histories=timelines))


# -- words -------------------------------------------------------------------------


def head_words(
    gathered: Gathered,
    region: str,
    marked: int,
    width: int,
    within: str = "",
    *,
    does: str = "watches",
) -> Pieces:
    """Say in a line what this is and how far it has come; the rest gives way first.

    `within` is the execution whose children are listed, and what enter `does` is told
    of those that are marked.
    """
    what = f"children of {clean(within, _LIMIT)}" if within else "choose an execution"
    chosen = f"  {marked} marked: enter {does}" if marked else ""
    parts: dict[str, Piece] = {
        "name": (" sfnwatch", Tone.STRONG),
        "what": (f"  {what}", Tone.PLAIN),
        "marked": (chosen, Tone.ACTION),
        "region": (f"  {clean(region, _LIMIT)}" if region else "", Tone.DIM),
        "far": progress(gathered),
    }
    least = ("name", "what") if within else ("what", "name")
    for part in ("region", *least):
        if cells(parts.values()) > width:
            del parts[part]
    return tuple(parts.values())


def progress(gathered: Gathered) -> Piece:
    """Say how far the list has come."""
    last = gathered.last
    one = last.machines == 1 and not last.more
    known = f"{last.machines:,}{'+' if last.more else ''} {last.of}"
    known = known if one else f"{known}s"
    if last.spent:
        return (f"  asked {last.asked:,} of {known}: + asks more", Tone.WARN)
    if gathered.asking:
        far = f", {last.asked:,} of {known}" if last.machines else ""
        return (f"  asking{far} …", Tone.BUSY)
    count = len(gathered.executions)
    executions = f"{count:,} execution{'' if count == 1 else 's'}"
    return (f"  {executions} of {known}" if last.machines else "", Tone.DIM)


def left_out_words(left_out: Mapping[str, LeftOut]) -> tuple[Pieces, ...]:
    """Say which state machines could not be asked for their executions, and why."""
    others = [each for each in left_out.values() if not each.express]
    if not others:
        return ()
    more = f" And {len(others) - 1} more." if len(others) > 1 else ""
    words = f"▲ Left out: {clean(others[0].machine, _LIMIT)}. "
    said = clean(others[0].words, _LONG)
    return (((words, Tone.WARN), (f"{said}{more}", Tone.PLAIN)),)


def express_words(left_out: Mapping[str, LeftOut]) -> Pieces:
    """Say which state machines have executions that AWS does not list."""
    express = [each for each in left_out.values() if each.express]
    if not express:
        return ()
    words = f" Left out: {_names(express)}. AWS lists no Express executions."
    return ((words, Tone.DIM),)


def _names(machines: list[LeftOut]) -> str:
    names = ", ".join(clean(each.machine, _LIMIT) for each in machines[:_NAMED])
    rest = len(machines) - _NAMED
    return f"{names} and {rest} more" if rest > 0 else names


def silence_words(gathered: Gathered, region: str, words: str) -> tuple[Pieces, ...]:
    """Say why there is nothing to choose from, and what to do."""
    again = ("r asks again, q leaves.", Tone.DIM)
    if gathered.executions:
        return (
            ((f"No execution has “{clean(words, _LIMIT)}”.", Tone.PLAIN),),
            (("escape shows all of them.", Tone.DIM),),
        )
    if gathered.asking or gathered.last.spent:
        return ((("Asking for executions …", Tone.BUSY),),)
    if gathered.last.of is Asked.MAP_RUN:
        return (*_childless_words(gathered), (again,))
    if not gathered.last.machines:
        where = clean(region, _LIMIT)
        said = f"There is no state machine in {where}, for this account."
        advice = "Choose another --region or --profile, or try sfnwatch demo."
        return (((said, Tone.PLAIN),), ((advice, Tone.PLAIN),), (again,))
    said = "No executions. AWS lists those of the last 90 days, and no Express ones."
    advice = "sfnwatch MACHINE --next waits for one to start."
    return (((said, Tone.PLAIN),), ((advice, Tone.PLAIN),), (again,))


def _childless_words(gathered: Gathered) -> tuple[Pieces, ...]:
    if gathered.last.machines:
        return ((("AWS lists no executions that a Map Run has started.", Tone.PLAIN),),)
    said = "AWS lists no Map Run of this execution."
    advice = "A Distributed Map state starts one. escape goes back."
    return (((said, Tone.PLAIN),), ((advice, Tone.PLAIN),))
