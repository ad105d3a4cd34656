"""The topics of findings: the headings of a report, and what comes first."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.model.execution_list import UNSUCCESSFUL


class Topic(StrEnum):
    """A topic of findings, in the order of a report; the value is its heading."""

    CONCLUDED = "In short"
    """What several executions together show."""
    FAILED = "What failed"
    SLOW = "Where the time went"
    RETRIED = "What was retried or throttled"
    LEARNED = "How Step Functions learned the task had stopped"
    MAP_RUN = "Map Run"
    INTEGRATIONS = "Integrations"
    NOT_VISIBLE = "What is not visible, and why"


_KINDS = {
    Topic.CONCLUDED: (CONCLUSION,),
    Topic.FAILED: (
        *("failed", "caught", "map-run-failed", "child-failed", "job-failed-later"),
        *("failed-calls", "denied-and-failed"),
    ),
    Topic.SLOW: ("slowest-path", "time"),
    Topic.RETRIED: ("retries", "throttled-calls", "redriven"),
    Topic.LEARNED: (
        *("denied-but-succeeded", "unnoticed", "noticed"),
        *("denied-unknown", "polling", "next-poll"),
    ),
    Topic.MAP_RUN: ("children",),
    Topic.INTEGRATIONS: ("pattern", "calls"),
    Topic.NOT_VISIBLE: (
        *("unseen", "ambiguous", "other-calls", "other-executions", "lag"),
    ),
}
"""All kinds of findings, the most telling of each topic first."""
TOPICS: Mapping[str, Topic] = {
    kind: topic for topic, kinds in _KINDS.items() for kind in kinds
}
_TELLING = list(TOPICS)
_NEWS = frozenset({Topic.FAILED, Topic.RETRIED, Topic.LEARNED, Topic.MAP_RUN})


def topic_of(finding: Finding) -> Topic:
    """Return a finding's topic; a Map Run's is a failure if children failed."""
    unsuccessful = (finding.data.get(status.lower()) for status in UNSUCCESSFUL)
    if finding.kind == "children" and any(unsuccessful):
        return Topic.FAILED
    return TOPICS.get(finding.kind, Topic.NOT_VISIBLE)


def topic_order(finding: Finding) -> int:
    return list(Topic).index(topic_of(finding))


def most_telling(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are news, failures first."""
    told = [finding for finding in findings if topic_of(finding) in _NEWS]
    return sorted(told, key=lambda f: (topic_order(f), _TELLING.index(f.kind)))
