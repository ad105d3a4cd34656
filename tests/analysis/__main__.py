"""What is found in the situations, what is told of pairs, what programs read of both.

It stands in `situations.txt`, `explained.txt`, `compared.txt` and `written.json`. After
a change that is meant, write all anew with `python -m tests.analysis`, and look at what
git says of it.
"""

import json
from pathlib import Path
from typing import Any

from sfnwatch.analysis.compare import compare
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import explain, report
from sfnwatch.export.json import comparison_json, report_json
from sfnwatch.model.moment import Moment
from sfnwatch.model.values import ascii_json
from tests.analysis.compared import COMPARED, told_of_pair
from tests.analysis.finding_in import reported, text_of, trace_of
from tests.analysis.situations import EXPLAINED, ITERATIONS, SITUATIONS
from tests.builders import ARN, OTHER_ARN, History, sync_run

EXPECTED = Path(__file__).with_name("situations.txt")
EXPLAINED_AS = EXPECTED.with_name("explained.txt")
COMPARED_AS = EXPECTED.with_name("compared.txt")
WRITTEN = EXPECTED.with_name("written.json")


def compared(name: str) -> str:
    """Write what is told of a pair."""
    return "\n".join([f"## {name}", *told_of_pair(COMPARED[name])])


def explanation(name: str) -> str:
    """Write what is explained, its headline first."""
    told = reported(*EXPLAINED[name])
    lines = text_of(explain(told), 100).splitlines()
    return "\n".join([f"## {name}", *filter(None, [told.headline, *lines])])


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
        "compare": comparison_json(compare((one, ARN), (other, ARN))),
        "compare Maps": comparison_json(compare((both, ARN), (both, OTHER_ARN))),
    }


if __name__ == "__main__":
    WRITTEN.write_text(f"{ascii_json(written(), indent=1)}\n", encoding="utf-8")
    for path, told in (
        (EXPECTED, map(told_of, SITUATIONS)),
        (EXPLAINED_AS, map(explanation, EXPLAINED)),
        (COMPARED_AS, map(compared, COMPARED)),
    ):
        path.write_text("\n\n".join(told) + "\n", encoding="utf-8")
