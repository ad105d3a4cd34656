"""How Step Functions learned of a job's end, in words."""

from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.view.parts import Part, Role

_ARROW = Part("◀━━ ", Role.DIM)


def completion_parts(completion: Completion) -> tuple[Part, ...]:
    """Return how Step Functions learned of a job's end."""
    after = f"{completion.lag:.1f} s after the {completion.job} stopped"
    between = completion.between
    match completion.by:
        case ReportedBy.EVENT:
            return _ARROW, Part("event", Role.EVENT), Part(f"  {after}, {between}")
        case ReportedBy.POLL if completion.certain:
            return _ARROW, Part("poll", Role.POLL), Part(f"  {after}")
        case ReportedBy.POLL:
            by = Part("poll or event", Role.POLL)
            return _ARROW, by, Part(f"  {after}, within the same second")
        case _ if completion.possible_polls:
            return (Part(f"{after}, {between}", Role.DIM),)
        case _ if not completion.may_show_polls:
            return (Part(f"{after}, by poll or event", Role.DIM),)
        case _:
            # CloudTrail may still deliver a poll in between.
            return (Part(f"{after}, {between} so far", Role.DIM),)
