"""A line's text in one row of an export: as plain text, or as parts for lanes."""

from sfnwatch.export.names import NAME_CHARACTERS
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.texts import clean
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.outline_items import Item
from sfnwatch.view.parts import Part, Role, plain_text

_FAILURE_ENDINGS = ("Failed", "TimedOut", "Aborted")


def state_text(line: Line) -> str:
    """Return the text of a state's line in one row, without the screen's arrows."""
    text = plain_text(line.text)
    if not line.conclusion:
        return text
    arrow, *learned_by = line.conclusion
    if not arrow.text.startswith("◀"):
        return f"{text}  {plain_text(line.conclusion)}"
    call, *details = learned_by
    how = plain_text(details).strip()
    return f"{text}  learned by {call.text}, {how}"


def line_text(line: Line) -> str:
    """Return all text of a line in one row, without the screen's arrows."""
    texts = [state_text(line)]
    if line.call:
        texts.append(plain_text(line.call.parts))
    if line.task:
        texts.append(plain_text(line.task.parts))
    return "  ".join(filter(None, texts))


def state_parts(line: Line, *, owner: bool = True) -> list[Part]:
    """Return a line's parts on a state; in lanes, they are beside its calls."""
    parts = []
    if line.fold:
        parts.append(Part(f"{line.fold.text} ", line.fold.role))
    if owner:
        parts += line.owner
    parts += line.text
    if line.conclusion:
        parts += [Part("  "), *line.conclusion]
    return parts


def call_parts(line: Line) -> list[Part]:
    """Return a line's parts on a call, with the call's second; or on a task."""
    if line.call is not None and line.call_at is not None:
        service = clean(line.service.removesuffix(".amazonaws.com"), NAME_CHARACTERS)
        at = Part(f"{line.call_at:%H:%M:%S}  {service}  ", Role.DIM)
        return [at, *line.call.parts]
    task_or_call = line.task or line.call
    if task_or_call is None:
        return []
    return list(task_or_call.parts)


def lane_parts(line: Line, tag: str) -> tuple[list[Part], list[Part]]:
    """Return a line's parts in the lane of the states and in the lane of the calls."""
    states = state_parts(line)
    calls = call_parts(line)
    if tag:
        states.insert(0, Part(tag, Role.DIM))
    if line.lane is Lane.STATES:
        return states, calls
    if states:
        calls += [Part("  ‹ ", Role.DIM), *states]
    return [], calls


def time_words(line: Line) -> str:
    """Return a line's time, as precisely as it is known."""
    if line.whole_seconds:
        return f"{line.at:%H:%M:%S}"
    return line.at.time().isoformat("milliseconds")


def is_bad(item: Item) -> bool:
    """True for an event of a failure, and for a call that was refused."""
    if isinstance(item, ApiCall):
        return item.error_code is not None
    return isinstance(item, HistoryEvent) and item.type.endswith(_FAILURE_ENDINGS)
