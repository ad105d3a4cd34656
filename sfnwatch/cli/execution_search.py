"""Finding the executions that are named, and filtering those that are listed."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sfnwatch.cli.narration import narrate
from sfnwatch.model.arns import ExecutionArn, Named
from sfnwatch.model.execution_list import ListFilter
from sfnwatch.model.records import Batch
from sfnwatch.sources.aws_settings import AwsSettings


def find_executions(
    named: Sequence[Named], settings: AwsSettings, *, coming: bool = False
) -> tuple[list[ExecutionArn], Batch]:
    """Return the named executions, and the requests that finding them took.

    Raises SfnwatchError.
    """
    from sfnwatch.sources.search import Search

    search = Search(settings)
    arns = asyncio.run(search.find(named, narrate, coming=coming))
    return arns, tuple(search.asked)


def choose_filter(**asked: Any) -> ListFilter:
    """Return the filter for a list of executions, from options."""
    return ListFilter(tuple(dict.fromkeys(asked["statuses"])), asked["since"])
