"""Histories recorded on AWS, all of them as the executions of one trace."""

from functools import cache

import pytest

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.peers.fixtures import FOLDER, history

_ARN = "arn:aws:states:eu-central-1:123456789012:execution:recorded:"


@cache
def recorded() -> Trace:
    """Read them where they lie; an empty trace where there are none.

    Those whose event ids were blanked before they were published are left out.
    """
    trace = Trace()
    for path in sorted(FOLDER.glob("history-*/*.json")):
        try:
            events = history(path)
        except pytest.skip.Exception:
            continue
        arn = f"{_ARN}{path.stem}"
        trace = extend(trace, [Received(None, From.HISTORY, arn, e) for e in events])
    return trace
