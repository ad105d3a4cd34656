"""What is found in the situations, and what programs read of it.

It stands in `situations.txt` and `written.json`. After a change that is meant, write
both anew with `python -m tests.analysis`, and look at what git says of it.
"""

import json
from pathlib import Path
from typing import Any

from sfnwatch.analysis.compare import compare
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import report
from sfnwatch.export.json import comparison_json, report_json
from sfnwatch.model.moment import Moment
from sfnwatch.model.values import ascii_json
from tests.analysis.finding_in import trace_of
from tests.analysis.situations import ITERATIONS, SITUATIONS
from tests.builders import ARN, OTHER_ARN, History, sync_run

EXPECTED = Path(__file__).with_name("situations.txt")
WRITTEN = EXPECTED.with_name("written.json")


def told_of(name: str) -> str:
    """Write the findings of a situation's kinds, each with all that it says."""
    kinds, known = SITUATIONS[name]
    moment = known if isinstance(known, Moment) else trace_of(*known).as_of()
    lines = [f"## {name}"]
    for each in find(moment):
        if each.kind in kinds.split():
            lines += [f"{each.kind}, {each.certainty}: {each.text}"]
            lines += [f"  {' '.join(each.evidence)}"] if each.evidence else []
            lines += [f"  {json.dumps(each.data, sort_keys=True)}"]
    return "\n".join(lines)


def written() -> dict[str, Any]:
    """Give what programs read: a report, and a comparison of both kinds of states."""
    one, other = (
        trace_of(*sync_run(denied=denied)).as_of() for denied in (False, True)
    )
    maps = [
        History(arn).start().map("m", *ITERATIONS[:count]).end().records
        for arn, count in ((ARN, 2), (OTHER_ARN, 3))
    ]
    both = trace_of(*maps[0], *maps[1]).as_of()
    return {
        "report": report_json(report(other)),
        "compare": comparison_json(compare(one, ARN, other, ARN)),
        "compare Maps": comparison_json(compare(both, ARN, both, OTHER_ARN)),
    }


if __name__ == "__main__":
    WRITTEN.write_text(f"{ascii_json(written(), indent=1)}\n", encoding="utf-8")
    text = "\n\n".join(map(told_of, SITUATIONS))
    EXPECTED.write_text(f"{text}\n", encoding="utf-8")
