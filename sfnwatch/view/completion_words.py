"""How Step Functions learned of a job's end, in words."""

from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.view.parts import Part, Role


def completion_parts(told: Completion) -> tuple[Part, ...]:
    """Return how Step Functions learned of a job's end."""
    after = f"{told.lag:.1f} s after the {told.job} stopped"
    if told.by is ReportedBy.EVENT:
        head = Part("event", Role.EVENT)
        more = f", {told.between}"
    elif told.by is ReportedBy.POLL:
        head = Part("poll" if told.certain else "poll or event", Role.POLL)
        more = "" if told.certain else ", within the same second"
    else:
        # CloudTrail may still deliver a poll in between.
        so_far = "" if told.possible_polls else " so far"
        return (Part(f"{after}, {told.between}{so_far}", Role.DIM),)
    return Part("◀━━ ", Role.DIM), head, Part(f"  {after}{more}")
