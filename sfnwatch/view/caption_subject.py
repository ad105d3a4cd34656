"""What a caption is about: a line, with its state, its attempt and its link."""

import re

from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.quantities import spoken
from sfnwatch.model.linking.link import Certainty, Link
from sfnwatch.view.call_text import id_word, job_words
from sfnwatch.view.line import Line
from sfnwatch.view.match_words import matched_by
from sfnwatch.view.parts import plain_text

_GLYPHS = re.compile(r"[◆⟲✔✘◷■↷●○⟳▓█▒░] ?")
_GAPS = re.compile(r"\s{2,}")
_DOUBTS = {Certainty.LIKELY: ": likely", Certainty.GUESS: " only: a guess"}


class CaptionSubject:
    """A line, and the words for what it is about."""

    def __init__(self, line: Line) -> None:
        context = line.about
        self.line = line
        self.context = context
        self.snapshot = context.snapshot
        self.execution = context.execution
        self.link = context.link
        self.visit = context.visit
        self.attempt = context.attempt

    @property
    def name(self) -> str:
        """The state, with its path: `"Map" › "Work"`."""
        return cleaned_path(self.visit) if self.visit is not None else "a state"

    @property
    def line_text(self) -> str:
        """The line's text without glyphs: `Execution succeeded, 5m 09s`."""
        text = _GLYPHS.sub("", plain_text(self.line.parts))
        return _GAPS.sub(", ", text.strip())

    @property
    def job(self) -> str:
        """Words for the started job: `task 9f018ef6`, `the task`."""
        if self.attempt is None:
            return "the job"
        if self.attempt.resource_ids:
            return job_words(self.attempt)
        integration = self.attempt.integration
        return f"the {integration.job_word if integration is not None else 'job'}"

    @property
    def action(self) -> str:
        """The name of the attempt's action: `ecs:RunTask`."""
        integration = self.attempt.integration if self.attempt is not None else None
        return named(integration.action_event) if integration else "the call"

    def matched(self, link: Link) -> str:
        """Return by what a call is matched, with any doubt."""
        words = matched_by(link, id_word(self.attempt))
        doubt = _DOUBTS.get(link.certainty, "") if link.certainty else ""
        return f"matched by {words}{doubt}"

    def backoff(self, number: int) -> str:
        """Return the length of the wait before an attempt; empty for no back-off."""
        wait = self.visit.backoff_before(number) if self.visit is not None else None
        if wait is None:
            return ""
        begin, end = wait
        return spoken((end - begin).total_seconds())

    def is_redriven(self, number: int) -> bool:
        """True if an attempt of the state began by a redrive."""
        return self.visit is not None and self.visit.is_redriven(number)
