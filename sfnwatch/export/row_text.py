"""A line's text in one row of an export: as plain text, or as parts for lanes."""

from sfnwatch.export.names import NAME_CHARACTERS
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.texts import clean
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.outline_items import Item
from sfnwatch.view.parts import Part, Role, plain_text


def state_text(line: Line) -> str:
    """Return the text of a state's line in one row, without the screen's arrows."""
    if not line.conclusion:
        return plain_text(line.text)
    first, *rest = line.conclusion
    if not first.text.startswith("◀"):
        return f"{plain_text(line.text)}  {plain_text(line.conclusion)}"
    by = rest[0].text
    how = plain_text(rest[1:]).strip()
    return f"{plain_text(line.text)}  learned by {by}, {how}"


def line_text(line: Line) -> str:
    """Return all text of a line in one row, without the screen's arrows."""
    others = [plain_text(each.parts) for each in (line.call, line.task) if each]
    return "  ".join(filter(None, (state_text(line), *others)))


def state_parts(line: Line, *, owner: bool = True) -> list[Part]:
    """Return a line's parts on a state; in lanes, they are beside its calls."""
    parts = [Part(f"{line.fold.text} ", line.fold.role)] if line.fold else []
    parts += [*(line.owner if owner else ()), *line.text]
    return [*parts, Part("  "), *line.conclusion] if line.conclusion else parts


def call_parts(line: Line) -> list[Part]:
    """Return a line's parts on a call, with the call's second; or on a task."""
    if line.call is None or line.call_at is None:
        told = line.task or line.call
        return [*told.parts] if told else []
    service = clean(line.service.removesuffix(".amazonaws.com"), NAME_CHARACTERS)
    at = Part(f"{line.call_at:%H:%M:%S}  {service}  ", Role.DIM)
    return [at, *line.call.parts]


def lane_parts(line: Line, tag: str) -> tuple[list[Part], list[Part]]:
    """Return a line's parts in the lane of the states and in the lane of the calls."""
    states = state_parts(line)
    calls = call_parts(line)
    if tag:
        states.insert(0, Part(tag, Role.DIM))
    if line.lane is Lane.STATES:
        return states, calls
    return [], [*calls, Part("  ‹ ", Role.DIM), *states] if states else calls


def time_words(line: Line) -> str:
    """Return a line's time, as precisely as it is known."""
    return f"{line.at:%H:%M:%S.%f}"[: 8 if line.whole_seconds else 12]


def is_bad(item: Item) -> bool:
    """True for an event of a failure, and for a call that was refused."""
    if isinstance(item, ApiCall):
        return item.error_code is not None
    bad = ("Failed", "TimedOut", "Aborted")
    return isinstance(item, HistoryEvent) and item.type.endswith(bad)
