"""What the picker lets choose: executions, and recordings as rows beside them."""

from datetime import timedelta

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution_list import RUNNING, ListedExecution
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.execution_rows import has_words, row_spans
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.spans import Span
from sfnwatch.view.parts import Part, Role, status_glyph

Choice = ListedExecution | ListedRecording


def choice_has(choice: Choice, words: str, looks: Looks) -> bool:
    """True for a choice with all the words; a masked name is not found."""
    if isinstance(choice, ListedExecution):
        texts = (choice.machine, choice.name, choice.status)
        return has_words(texts, words, looks.mask)
    if looks.masked and not choice.watched:
        return False  # nothing but the file's name is known of it
    names: list[str] = []
    for arn, _ in choice.watched:
        names += _names(arn)
    return has_words((choice.status, *(names or [choice.name])), words, looks.mask)


def _names(arn: str) -> tuple[str, str]:
    parsed = maybe_execution_arn(arn)
    return (parsed.state_machine_name, parsed.name) if parsed else ("", arn)


def recording_row(
    recording: ListedRecording, width: int, looks: Looks, *, marked: bool
) -> list[Span]:
    """Return a row: the first execution and a count, or a bad file and its trouble."""
    watched = recording.watched
    machine, name = _names(watched[0][0]) if watched else ("", recording.name)
    status = recording.status
    note = Part(f"and {len(watched) - 1} more" if len(watched) > 1 else "", Role.DIM)
    glyph = None
    if status in RUNNING:
        # The recording ended while it ran: by now it may long be over.
        glyph = Part(status_glyph(status).text, Role.DIM)
    if recording.trouble:
        # The room is for what is wrong with it.
        machine = recording.name
        name = ""
        status = "bad file"
        note = Part(recording.trouble, Role.WARN)
        glyph = Part("▲", Role.WARN)
    end = None
    if recording.seconds is not None:
        end = recording.began + timedelta(seconds=recording.seconds)
    execution = ListedExecution("", machine, name, status, recording.began, end)
    return row_spans(
        execution,
        end or recording.began,
        width,
        looks,
        note=note,
        glyph=glyph,
        marked=marked,
    )
