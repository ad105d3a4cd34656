"""The detail: what is selected in full, where it leads, and what leaves the screen."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from tests.builders import REQUEST_RESPONSE, History, call, event, sync_run
from tests.tui.screens import Screen, live, replayed

TO_POLL = ("home", "down", "down", "down")


def detail_rows(screen: Screen) -> Sequence[str]:
    """Read the pane, which stands below the view."""
    region = screen.app.query_one("#detail").content_region
    return screen.rows[region.y : region.bottom]


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: len(path.name))


async def test_a_failure_begins_with_its_error_and_its_cause() -> None:
    async with replayed("demo-failure", (140, 50), "enter") as (_, screen):
        _, error, cause, *_ = detail_rows(screen)
        assert error.split() == ["error", "States.TaskFailed"]
        assert cause.split(maxsplit=1)[1] == "Essential container in task exited"
        # A cause that is JSON is a tree.
        assert "▾ Cause  {32 keys}" in screen.words
        assert 'Id: "' in screen.words
        assert "✘ failed after 3m 51s" in screen.row_with("status")


async def test_a_state_has_its_variables_and_the_field_that_failed() -> None:
    run = History().start()
    run.add("PassStateEntered", name="A")
    run.add("PassStateExited", name="A", assignedVariables={"total": '{"x": 42}'})
    run.add("PassStateEntered", name="B")
    failure: Mapping[str, Any] = {
        "state": "B",
        "location": "Output/total",
        "error": "E",
        "cause": "C",
    }
    run.records.append(event(5, "EvaluationFailed", 1, previous=4, **failure))
    async with live(run.records, (140, 50)) as (_, screen, _):
        await screen.press("end", "enter")
        assert screen.row_with("location").split() == ["location", "Output/total"]
        assert "evaluation failed  in Output/total" in screen.words
        await screen.press("escape", "home", "down", "enter")
        assert "Assigned variables" in screen.words
        assert "total:" in screen.words


async def test_what_a_state_changed_is_above_all_else_after_a_key() -> None:
    before = {"total": 1, "raw": "x" * 90, "old": []}
    after = {"total": 2, "raw": "y" * 90, "new": {"a": 1}}
    run = History().start()
    run.add("PassStateEntered", name="A", input=json.dumps(before))
    run.add("PassStateExited", name="A", output=json.dumps(after))
    run.add("PassStateEntered", name="B", input=json.dumps(after))
    async with live(run.records, (140, 50)) as (_, screen, _):
        await screen.press("home", "down", "D")
        assert [row.split() for row in detail_rows(screen)[1:7]] == [
            ["changed", "$.total", "1", "→", "2"],
            ["changed", "$.raw"],
            ["from", f'"{"x" * 90}"'],
            ["to", f'"{"y" * 90}"'],
            ["removed", "$.old", "[]"],
            ["added", "$.new", '{"a":', "1}"],
        ]
        # It stays there while other lines are looked at.
        await screen.press("down")
        assert "It has not ended" in detail_rows(screen)[1]
        await screen.press("D")
        assert "What the state changed" not in screen.words
        await screen.press("d")
        assert detail_rows(screen)[0].startswith(" ▾ B  Pass")
        assert "What the state changed" in screen.words
        # A line that belongs to no state has no such section.
        await screen.press("home", "D")
        assert "belongs to no state" in screen.words


async def test_a_call_tells_by_what_it_was_matched_and_leads_to_its_state() -> None:
    async with replayed("demo-sync", (140, 50), *TO_POLL, "enter") as (_, screen):
        assert "DescribeTasks #1" in detail_rows(screen)[0]
        await screen.steps(
            (
                "",
                "as its poll: = task ARN (arn:aws:ecs:",
                "by StepFunctions-nightly-report-role-c4df2901 through",
                "◀━━ event 1.9 s after the task stopped",
                "→ state Main / ECS RunTask ✔ succeeded",
            ),
            ("", "space Play"),
            # Its own record comes as AWS sent it, once somebody looks.
            ("tab end", "!CloudTrailEvent", 'eventName: "DescribeTasks"'),
            # There space folds.
            ("", "!space Play"),
        )


def asks(family: str, **more: str) -> str:
    return json.dumps({"Cluster": "my-cluster", "TaskDefinition": family, **more})


async def test_the_evidence_of_an_ambiguous_call_stands_on_both_sides() -> None:
    families = ("import:3", "export:7", "export:7")
    sizes = {f"Size{n}": f"{n}" for n in range(9)}
    run = History().start()

    def work(family: str) -> Callable[[History], object]:
        given = asks(family, **sizes)
        return lambda it: it.task("Work", REQUEST_RESPONSE, parameters=given)

    run.parallel("Fan", *map(work, families))
    asked = {"cluster": "my-cluster", "taskDefinition": "export:7"}
    asked |= {f"size{n}": f"{n}" for n in range(9)}
    made = call("RunTask", 1, key="call-1", parameters=asked)
    another = call("RunTask", 2, key="call-2", parameters=asked)
    records = [*run.end().records, made, another]
    async with live(records, (140, 90), seconds=400) as (_, screen, _):
        await screen.press("l", "home", "down", "down", "down", "enter")
        rows = [" ".join(row.split()) for row in detail_rows(screen)]
        assert rows[0].startswith("▾ RunTask ? one of 2")
        evidence = rows[[row.startswith("▾ Evidence") for row in rows].index(True) :]
        assert evidence[1] == "→ candidate Fan[1] / Work #10 of run-7f3a ✔ succeeded"
        same, more = evidence[2:4], "… and 3 more parameters: sfnwatch explain --why"
        assert same == ["same Cluster my-cluster", "same TaskDefinition export:7"]
        assert evidence[10] == f"{more} tells all"
        assert evidence[11].startswith("→ candidate Fan[2] / Work #15 of run-7f3a")
        assert evidence[12].startswith("→ ruled out Fan[0] / Work #5 of run-7f3a")
        assert evidence[13] == "other TaskDefinition import:3, the call has export:7"
        # A candidate has the calls that may be its own, which lead back.
        keys = f"tab {'down ' * rows.index(evidence[1])} enter"
        first = "→ action? 00:28:25 RunTask all that can be compared is alike"
        await screen.steps((keys, first, "→ action? 00:28:26 RunTask"))


async def test_a_link_is_followed_and_a_click_does_the_same() -> None:
    keys = *TO_POLL, "enter", "tab"
    async with replayed("demo-sync", (140, 60), *keys) as (app, screen):
        rows = detail_rows(screen)
        place = next(n for n, row in enumerate(rows) if "→ state" in row)
        # The task's ARN and the console's address are wrapped: an entry, two rows.
        await screen.press(*["down"] * (place - 2), "enter")
        assert "ECS RunTask" in detail_rows(screen)[0]
        place = next(
            n for n, row in enumerate(detail_rows(screen)) if "→ action" in row
        )
        y = app.query_one("#detail").content_region.y + place
        await screen.click(20, y, times=2)
        assert "RunTask  task 567ac1c9" in detail_rows(screen)[0]


async def test_sections_and_nodes_fold_by_each_key() -> None:
    keys = *TO_POLL, "enter", "tab"
    async with replayed("demo-sync", (140, 50), *keys) as (_, screen):
        whole = detail_rows(screen)
        await screen.steps(("left", "!through states"))
        assert detail_rows(screen)[0].startswith(" ▸ DescribeTasks #1")
        # It stays folded for what is selected next.
        await screen.steps(("shift+tab down tab", "!through states"))
        await screen.press("shift+tab", "up", "tab", "space")
        assert detail_rows(screen) == whole
        await screen.press("enter", "right")
        assert detail_rows(screen) == whole


async def test_the_place_is_kept_while_more_comes_in() -> None:
    records = sync_run()
    async with live(records[:6], (120, 40), seconds=60) as (_, screen, session):
        await screen.press("home", "down", "enter", "tab", "down", "down", "down")
        assert "→ action" not in screen.words
        chosen = detail_rows(screen)
        session.push(*records[6:])
        await screen.until("→ action")
        before = next(n for n, row in enumerate(chosen) if "when" in row)
        assert "when" in detail_rows(screen)[before]


async def test_records_are_copied_saved_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with replayed("demo-sync", (140, 50), *TO_POLL, "y") as (app, screen):
        assert json.loads(app.clipboard)["eventName"] == "DescribeTasks"
        await screen.press("s")
        assert "saved as" in screen.prose
        # A second one does not overwrite the first, and says what is not masked.
        await screen.press("m", "s")
        await screen.press("m", "b")
        assert "/cloudtrailv2/home?region=ap-northeast-1#/events/" in app.clipboard
        # In the pane it is the fact that is copied, or the node.
        await screen.press("enter", "tab", "down", "down", "down", "y")
        assert "as its poll: = task ARN (arn:aws:ecs:" in app.clipboard
        await screen.press("home", "y")
        assert "request ID: 110593b7-c24d-4619-a75c-9148960e262b" in app.clipboard
        assert "123456789012" in app.clipboard
        await screen.press("m", "y")
        assert "123456789012" not in app.clipboard + screen.words
    saved, unmasked = files_in(tmp_path)
    assert S_IMODE(saved.stat().st_mode) == 0o600
    record = json.loads(saved.read_text())
    assert record["eventName"] == "DescribeTasks"
    assert record["userIdentity"]["type"] == "AssumedRole"
    assert saved.name.startswith("sfnwatch-sync-20261127T133115-ac19c7-Describe")
    assert "unmasked" in unmasked.name


async def test_nothing_selected_is_nothing_to_copy_or_save() -> None:
    async with live([], (100, 24)) as (_, screen, _):
        await screen.steps(
            ("y", "there is nothing to copy here"),
            ("s", "There is no record to save."),
            ("b", "the AWS console has no page for this"),
            ("enter", "Nothing is selected."),
        )


async def test_a_choice_says_which_state_it_chose_and_a_catch_where_it_went() -> None:
    async with replayed("demo-pipeline", (100, 40)) as (_, screen):
        caught = "Charge card ↷ caught 2.05 s → Ask for another card"
        after = "→ next Ask for another card"
        await screen.steps(
            ("down d", "→ next Prepare"),
            ("escape / 'caught' enter d", caught, after),
        )
