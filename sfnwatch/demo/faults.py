"""Troubles to inject, for tests and for showing how a client bears them."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Faults:
    """Set on a running account; what counts down does so with each request."""

    deny: set[str] = field(default_factory=set)
    """Operations answered with AccessDeniedException."""
    expired: bool = False
    """Whether all credentials have expired."""
    throttle_next: int = 0
    """How many requests to answer with ThrottlingException."""
    status_next: list[int] = field(default_factory=list)
    """HTTP statuses of the next answers: 500, 503."""
    reset_next: int = 0
    """How many connections to close without an answer."""
    truncate_next: int = 0
    """How many answers to cut in the middle."""
    delay: float = 0.0
    """Seconds of account time to wait before each answer."""
    duplicate: bool = False
    """Whether LookupEvents shows every record twice."""

    def throttles(self) -> bool:
        """Use up one throttling."""
        self.throttle_next, due = _less(self.throttle_next)
        return due

    def resets(self) -> bool:
        """Use up one closed connection."""
        self.reset_next, due = _less(self.reset_next)
        return due

    def truncates(self) -> bool:
        """Use up one cut answer."""
        self.truncate_next, due = _less(self.truncate_next)
        return due


def _less(count: int) -> tuple[int, bool]:
    return max(count - 1, 0), count > 0
