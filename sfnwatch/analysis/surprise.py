"""Which findings come first where there is little room: the most surprising ones."""

from collections import Counter
from collections.abc import Sequence

from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.topics import Topic, topic_of

_RANKS = {
    "denied-but-succeeded": 1,
    "unnoticed": 1,
    "denied-unknown": 1,
    "caught": 2,
    "redriven": 2,
    "noticed": 3,
    "retries": 4,
    "throttled-calls": 4,
    "wait-ends": 5,
    "next-try": 5,
    "time": 5,
    "children": 6,
    CONCLUSION: 6,
    "slowest-path": 7,
    "polling": 8,
    "pattern": 9,
    "unseen": 10,
}
"""The rank of each kind that is told where there is little room; the first is 0, that
of failures."""
_LAST_OF_NEWS = 5
"""The last rank of findings that are news."""
_DENIED_POLLS = 1
"""The rank of a conclusion on denied polls."""
_NO_POLL = 5
"""The rank of a conclusion on a job without polls, which most often is not waited
for."""


def most_surprising(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings by their rank, failures first, without any that repeats another.

    Of the others, an execution's second finding of a kind comes after the first ones of
    all kinds.
    """
    denied = {
        finding.execution_arn
        for finding in findings
        if finding.kind == "denied-but-succeeded"
    }
    counts = Counter[tuple[str, ...]]()
    ranked: list[tuple[int, int, bool, Finding]] = []
    for finding in findings:
        rank = _rank(finding)
        if rank is None or _is_repeated(finding, denied):
            continue
        arns = [finding.execution_arn or ""]
        if finding.kind == CONCLUSION:
            arns = finding.data["executions"]
        key = (finding.kind, *arns)
        turn = counts[key] if rank > 0 else -1
        counts[key] += 1
        # How a job's end was learned of tells most where its polls were denied.
        is_other = finding.execution_arn not in denied
        ranked.append((turn, rank, is_other, finding))
    ranked.sort(key=lambda each: each[:3])
    return [finding for *_, finding in ranked]


def is_news(finding: Finding) -> bool:
    """True for a finding on something that went otherwise than planned."""
    rank = _rank(finding)
    return rank is not None and rank <= _LAST_OF_NEWS


def _rank(finding: Finding) -> int | None:
    """Return a finding's rank; None for one that is not told where room is little."""
    if topic_of(finding) is Topic.FAILED and finding.kind != "caught":
        return 0
    if finding.kind == CONCLUSION:
        if finding.data["denied"]:
            return _DENIED_POLLS
        if not finding.data["polls"]:
            return _NO_POLL
    if finding.kind == "time" and not finding.headline:
        return None
    return _RANKS.get(finding.kind)


def _is_repeated(finding: Finding, denied: set[str | None]) -> bool:
    """True for a conclusion on denied polls that an execution's own finding tells."""
    if finding.kind != CONCLUSION or not finding.data["denied"]:
        return False
    return not denied.isdisjoint(finding.data["executions"])
