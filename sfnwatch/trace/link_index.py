"""Attempts by everything a call may name: its request, the job, its name and role."""

from collections import defaultdict
from dataclasses import dataclass, field

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import Pattern

Key = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""
Name = tuple[str, str]
"""A call's event source and its name without a version."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An attempt, with what of its execution a link needs."""

    execution_arn: str
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""

    @property
    def key(self) -> Key:
        return self.execution_arn, self.attempt.scheduled_id


@dataclass(slots=True)
class Index:
    """Attempts by everything a call may name."""

    suspects: dict[Key, Suspect] = field(default_factory=dict)
    by_request: dict[str, list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_resource: dict[str, list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_call: dict[tuple[Name, str | None], list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By the name of a call and the role it is made with."""
    roles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """A role's name to the executions that have it."""

    def add(self, suspect: Suspect) -> None:
        attempt = suspect.attempt
        self.suspects[suspect.key] = suspect
        for request_id in attempt.request_ids:
            self.by_request[request_id].append(suspect)
        for resource_id in held_ids(attempt):
            self.by_resource[resource_id].append(suspect)
        row = attempt.integration
        if row is not None:
            names = {row.action_event}
            if attempt.pattern is Pattern.SYNC:
                names.update(row.poll_events, row.stop_events)
            for name in names:
                self.by_call[(row.event_source, name), suspect.role].append(suspect)


def held_ids(attempt: Attempt) -> set[str]:
    """Give an attempt's ids, each also as the bare id at its end."""
    ids = set(attempt.resource_ids)
    return ids | {last_segment(resource_id) for resource_id in ids}
