"""Why a watch could not begin, for the banner."""

from collections.abc import Iterable

from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Piece, Tone

_LIMIT = 600


def leaves(group: BaseExceptionGroup[SfnwatchError]) -> Iterable[SfnwatchError]:
    """Yield the errors of a group and of the groups in it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def refusal_pieces(error: SfnwatchError) -> tuple[Piece, ...]:
    return (
        (f"✘ {clean(error.message, _LIMIT)}", Tone.BAD),
        (f"  {clean(error.hint, _LIMIT)}" if error.hint else "", Tone.PLAIN),
    )
