"""What is found in the situations, what is told of pairs, what programs read of both.

It stands in `situations.txt`, `explained.txt`, `compared.txt` and `written.json`. After
a change that is meant, write all anew with `python -m tests.analysis.test_situations`,
and look at what git says of it.
"""

import ast
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.analysis import findings
from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.analysis.topics import TOPICS
from sfnwatch.export.json.comparison import comparison_json
from sfnwatch.export.json.report import report_json
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json
from tests.analysis import compared as compared_pairs
from tests.analysis import situations
from tests.analysis.compared import COMPARED, told_of_pair
from tests.analysis.finding_in import reported, text_of, trace_of
from tests.analysis.situations import EXPLAINED, ITERATIONS, SITUATIONS
from tests.builders import ARN, OTHER_ARN, History, sync_run
from tests.test_walls import tree_of

ANALYSIS = Path(findings.__file__).parent
WRITTEN = Path(__file__).with_name("written.json")


def compared(name: str) -> Iterable[str]:
    """Yield what is told of a pair."""
    return told_of_pair(COMPARED[name])


def explanation(name: str) -> Iterable[str]:
    """Yield what is explained, its headline first."""
    told = reported(*EXPLAINED[name])
    return filter(None, [told.headline, *text_of(explain(told), 100).splitlines()])


def found_in(name: str) -> list[Finding]:
    """Find all there is in a situation, of whatever kind."""
    _, known = SITUATIONS[name]
    return find(known if isinstance(known, Snapshot) else trace_of(*known).as_of())


def told_of(name: str) -> Iterable[str]:
    """Yield the findings of a situation's kinds, each with all that it says."""
    kinds, _ = SITUATIONS[name]
    for each in found_in(name):
        if each.kind in kinds.split():
            yield f"{each.kind}, {each.certainty}: {each.text}"
            yield from [f"  {' '.join(each.evidence)}"] if each.evidence else []
            yield f"  {json.dumps(each.data, sort_keys=True)}"


FILES: Mapping[Path, tuple[Iterable[str], Callable[[str], Iterable[str]]]] = {
    WRITTEN.with_name("situations.txt"): (SITUATIONS, told_of),
    WRITTEN.with_name("explained.txt"): (EXPLAINED, explanation),
    WRITTEN.with_name("compared.txt"): (COMPARED, compared),
}
"""What each has a section of, and what tells that."""


def sections(path: Path) -> Iterable[str]:
    names, tell = FILES[path]
    return ["\n".join([f"## {name}", *tell(name)]) for name in names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_told_is_what_was_looked_at(path: Path) -> None:
    told = path.read_text("utf-8").removesuffix("\n").split("\n\n")
    assert sections(path) == told


def test_what_programs_read_is_what_was_looked_at() -> None:
    assert json.loads(ascii_json(written())) == json.loads(WRITTEN.read_text("utf-8"))


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
        "report": report_json(Report(other)),
        "compare": comparison_json(compare((one, ARN), (other, ARN))),
        "compare Maps": comparison_json(compare((both, ARN), (both, OTHER_ARN))),
    }


# -- nothing is left out ---------------------------------------------------------------


def kinds_made() -> Iterator[tuple[str, str]]:
    """Yield each kind that is written where a finding is made, and the file's name."""
    for path in sorted(ANALYSIS.glob("*.py")):
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(
                    func=ast.Name(id="finding"),
                    args=[ast.Constant(value=str(kind)), *_],
                ):
                    yield kind, path.name
                case ast.Call(
                    func=ast.Name(id="partial"),
                    args=[ast.Name(id="finding"), ast.Constant(value=str(kind)), *_],
                ):
                    yield kind, path.name


def test_every_kind_of_finding_has_a_heading() -> None:
    made = dict(kinds_made())
    assert len(made) > 15
    made |= {each.kind: name for name in SITUATIONS for each in found_in(name)}
    lost = {kind: where for kind, where in made.items() if kind not in TOPICS}
    assert not lost, f"add to TOPICS in sfnwatch/analysis/topics.py: {lost}"


def test_every_kind_of_finding_is_found_in_a_situation() -> None:
    told = {line.partition(",")[0] for name in SITUATIONS for line in told_of(name)}
    missing = TOPICS.keys() - told
    assert not missing, (
        f"no situation is told by {missing}: call what makes it in _of_execution of"
        " sfnwatch/analysis/findings.py, and add a situation that names the kind to"
        " tests/analysis/situations.py"
    )


def test_every_situation_is_told_by_kinds_that_there_are() -> None:
    asked = {
        (kind, name) for name in SITUATIONS for kind in SITUATIONS[name][0].split()
    }
    unknown = {(kind, name) for kind, name in asked if kind not in TOPICS}
    assert not unknown, (
        f"no kinds of findings in tests/analysis/situations.py: {unknown}"
    )


@pytest.mark.parametrize("module", [situations, compared_pairs])
def test_no_name_stands_twice_in_one_table(module: Any) -> None:
    for node in ast.walk(tree_of(Path(module.__file__))):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            twice = [key for key, count in Counter(keys).items() if count > 1]
            where = f"{Path(module.__file__).name}:{node.lineno}"
            assert not twice, f"{where}: only the last of {twice} counts: rename one"


def test_no_situation_takes_the_place_of_another_or_is_left_out() -> None:
    parts = {
        node.target.id
        for node in tree_of(Path(situations.__file__)).body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and ast.unparse(node.annotation) == "Situations"
    }
    tables = [getattr(situations, part) for part in parts]
    names = Counter(
        name for part in tables for named in part.values() for name in named
    )
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"two of tests/analysis/situations.py have one name: {twice}"
    missing = names.keys() - SITUATIONS.keys()
    assert not missing, f"add the table of these to the parts of SITUATIONS: {missing}"


if __name__ == "__main__":
    WRITTEN.write_text(f"{ascii_json(written(), indent=1)}\n", encoding="utf-8")
    for each in FILES:
        each.write_text("\n\n".join(sections(each)) + "\n", encoding="utf-8")
