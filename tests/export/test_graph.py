"""Graphs on a page and in Mermaid: what is drawn, lit, escaped and left out."""

import re

import pytest

from tests import builders as aws
from tests.export.traces import RECORDS, export, printed
from tests.tui.screens import recorded

STATEMENT = re.compile(
    r"flowchart TD|%% .*|end|class \w+ \w+|classDef \w+ stroke:#\w+,stroke-width:2px"
    r'|subgraph \w+\["[^"]*"\]|\w+(\[|\{|\(\[)"[^"]*"(\]|\}|\]\))'
    r'|\w+ (-->|==>|-\.->)(\|"[^"]*"\|)? \w+'
    r"|style \w+ stroke:#\w+,stroke-width:2px"
    r"|linkStyle \d+ stroke:#\w+,stroke-width:3px"
)


def checked(text: str) -> list[str]:
    """Give the lines of a chart, if they are one."""
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    assert all(STATEMENT.fullmatch(line) for line in lines), lines
    opened = sum(line.startswith("subgraph ") for line in lines)
    assert lines.count("end") == opened
    nodes = r"(?m)^(?:subgraph )?(\w+)(?:\[|\{|\(\[)"
    arrows = r"(?m)^(\w+) (?:-->|==>|-\.->)\S* ?(?:[^|\n]*\| )?(\w+)$"
    known = set(re.findall(nodes, text))
    assert {end for way in re.findall(arrows, text) for end in way} <= known
    return lines


@pytest.mark.parametrize("name", RECORDS)
def test_it_is_a_chart_in_which_all_that_is_connected_is_there(name: str) -> None:
    checked(export("flowchart", name))


def test_states_have_their_status_and_what_was_taken_is_bold() -> None:
    lines = checked(printed("flowchart", recorded("demo-pipeline")))
    assert 'e1n6["✔ Label<br/>lambda:invoke<br/>4 of 4, 1 retry"]' in lines
    assert 'e1n1 ==>|"#36;.order.total #62; 1000"| e1n2' in lines
    assert 'e1n1 -->|"Default"| e1n5' in lines
    caught = 'e1n7 -.->|"CardDeclined"| e1n8'
    arrows = [line for line in lines if re.search(r" (-->|==>|-\.->)", line)]
    assert f"linkStyle {arrows.index(caught)} stroke:#8a5600,stroke-width:3px" in lines
    assert lines[lines.index('e1n7["↷ Charge card<br/>lambda:invoke"]') + 1].endswith(
        "warn"
    )


def test_each_execution_has_a_chart_of_its_own() -> None:
    lines = checked(export("flowchart", "several"))
    assert [line for line in lines if line.startswith("subgraph e")] == [
        'subgraph e1["sync"]',
        'subgraph e2["async"]',
        'subgraph e3["sdk"]',
    ]


def test_a_chart_too_large_for_mermaid_says_how_much_is_missing() -> None:
    states = {
        f"State {n}": {"Type": "Pass", "Next": f"State {n + 1}"} for n in range(900)
    }
    text = printed(
        "flowchart", [*aws.History().start().records, aws.definition(states)]
    )
    lines = checked(text)
    assert len(text.encode("utf-16-le")) // 2 < 50_000
    assert any(re.fullmatch(r"%% \d+ more states left out: .*", line) for line in lines)


def test_a_report_has_the_graph_of_each_execution() -> None:
    text = printed("html", recorded("demo-pipeline"))
    picture = text[text.index('id="graph"') :]
    picture = picture[: picture.index("</section>")]
    assert picture.count('class="box ') == 10
    assert picture.count('class="frame ') == 2
    assert picture.count('class="wire taken"') == 7
    assert picture.count('class="wire caught taken"') == 1
    # A click leads to the last visit's event.
    assert re.search(r'id="g0-e0-\d+"', picture)
    assert export("html", "several").count("<figure>") == 3


def test_a_graph_is_cleaned_and_no_markup_is_made_of_names() -> None:
    name = "<img src=x>\x1b[31m\u202e`end`"
    states = {name: {"Type": "Task", "Resource": name, "End": True}}
    records = [*aws.History().start().records, aws.definition(states)]
    assert "<img" not in printed("html", records)
    lines = checked(printed("flowchart", records))
    assert not set("\x1b\u202e") & set("".join(lines))
