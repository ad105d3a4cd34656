"""One sentence about a row, as one would say it to an audience.

Only what the trace holds is said; what is inferred is said to be probable.
"""

from collections.abc import Callable

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.sentence_calls import call_sentence
from sfnwatch.trace.sentence_parts import fit
from sfnwatch.trace.sentence_states import state_sentence
from sfnwatch.trace.sentence_tasks import task_sentence
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace


def explain(
    row: Row, trace: Trace, mask: Callable[[str], str] = lambda text: text
) -> str:
    """Explain a row in one line of plain words.

    Of several executions it says which one it is about. Names are masked before
    anything is cut: half a name is no name to a mask.
    """
    timeline = trace.histories.get(row.execution_arn or "")
    several = len(trace.histories) > 1
    whose = f"{clean(timeline.name)}: " if timeline is not None and several else ""
    return fit(mask(f"{whose}{_sentence(row, trace)}"))


def _sentence(row: Row, trace: Trace) -> str:
    if row.call is not None:
        return call_sentence(row, row.call, trace)
    if row.task is not None:
        return task_sentence(row, row.task)
    return state_sentence(row, trace)
