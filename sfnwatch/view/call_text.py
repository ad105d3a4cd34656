"""The words of a call's line."""

from msgspec import Struct

from sfnwatch.model.arns import short_id
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt
from sfnwatch.view.event_words import LINE_CHARACTERS
from sfnwatch.view.parts import Part, Role


class CallText(Struct, frozen=True):
    """The words of a call's line in pieces, since narrow lines leave some of them out.

    All pieces except the name begin with blanks.
    """

    name: tuple[Part, ...]
    subject: tuple[Part, ...] = ()
    """The started job of an action call; for other calls the time since that call."""
    error: tuple[Part, ...] = ()
    rule: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.name, *self.subject, *self.error, *self.rule)


def blank_before(text: str, role: Role) -> tuple[Part, ...]:
    """Return a part with blanks before its text; no part for an empty text."""
    return (Part(f"  {text}", role),) if text else ()


def id_word(attempt: Attempt | None) -> str:
    """Return the usual words for the id of the job: `task ARN`, `job id`."""
    row = attempt.integration if attempt else None
    return row.id_word if row else "id"


def job_words(attempt: Attempt) -> str:
    """Return words for the job that an attempt started: `task 9f018ef6`."""
    job = next(iter(attempt.resource_ids), "")
    thing = id_word(attempt).rpartition(" ")[0] or "id"
    return clean(f"{thing} {short_id(job)}", LINE_CHARACTERS)
