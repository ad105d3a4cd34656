"""The topics of findings: the headings of a report, and what comes first."""

from collections.abc import Mapping
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
    VARIABLES = "Variables"
    NOT_VISIBLE = "What is not visible, and why"


TOPICS: Mapping[str, Topic] = {
    CONCLUSION: Topic.CONCLUDED,
    "failed": Topic.FAILED,
    "caught": Topic.FAILED,
    "map-run-failed": Topic.FAILED,
    "child-failed": Topic.FAILED,
    "job-failed-later": Topic.FAILED,
    "failed-calls": Topic.FAILED,
    "denied-and-failed": Topic.FAILED,
    "slowest-path": Topic.SLOW,
    "time": Topic.SLOW,
    "wait-ends": Topic.SLOW,
    "retries": Topic.RETRIED,
    "next-try": Topic.RETRIED,
    "throttled-calls": Topic.RETRIED,
    "redriven": Topic.RETRIED,
    "denied-but-succeeded": Topic.LEARNED,
    "unnoticed": Topic.LEARNED,
    "noticed": Topic.LEARNED,
    "denied-unknown": Topic.LEARNED,
    "polling": Topic.LEARNED,
    "next-poll": Topic.LEARNED,
    "children": Topic.MAP_RUN,
    "pattern": Topic.INTEGRATIONS,
    "unnamed-states": Topic.INTEGRATIONS,
    "calls": Topic.INTEGRATIONS,
    "network-activity": Topic.INTEGRATIONS,
    "variable": Topic.VARIABLES,
    "sample-history": Topic.NOT_VISIBLE,
    "endpoint": Topic.NOT_VISIBLE,
    "unseen": Topic.NOT_VISIBLE,
    "ambiguous": Topic.NOT_VISIBLE,
    "other-calls": Topic.NOT_VISIBLE,
    "other-executions": Topic.NOT_VISIBLE,
    "lag": Topic.NOT_VISIBLE,
}
"""The topic of each kind of finding, the most telling kind of each topic first."""


def topic_of(finding: Finding) -> Topic:
    """Return a finding's topic; a Map Run's is a failure if children failed."""
    if finding.kind == "children":
        for status in UNSUCCESSFUL:
            if finding.data.get(status.lower()):
                return Topic.FAILED
    return TOPICS.get(finding.kind, Topic.NOT_VISIBLE)


def topic_order(finding: Finding) -> int:
    return list(Topic).index(topic_of(finding))
