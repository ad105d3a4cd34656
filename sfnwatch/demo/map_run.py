"""A Map Run, and how it gets through its items.

It never fails: no scenario's does, and no public recording shows one that did.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.demo.execution import DemoExecution


class DemoMapRun(msgspec.Struct):
    """What a Distributed Map does with its items, each in a child execution."""

    arn: str
    execution_arn: str
    """Of the execution that started it."""
    machine: str
    """The name of its children's: the parent's, and the label after a slash."""
    state: Mapping[str, Any]
    """The Map state."""
    started_at: datetime
    ends_at: datetime
    children: list[DemoExecution] = []
    """In the order of the items."""

    def counts(self, now: datetime) -> Counter[str]:
        """Return how many children have which status; those not begun are PENDING."""
        begun = [each for each in self.children if each.started_at <= now]
        pending = len(self.children) - len(begun)
        return Counter(each.status(now) for each in begun) + Counter(PENDING=pending)
