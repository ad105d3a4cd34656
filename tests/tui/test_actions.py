"""The registry of actions: keys, help, palette and README from one list."""

import re
from pathlib import Path

import pytest
from textual.command import CommandPalette

from sfnwatch.tui.actions import ACTIONS, BY_ID, entries, key_label
from sfnwatch.tui.views import VIEWS
from tests.tui.screens import replayed

README = Path(__file__).parents[2] / "README.md"


def test_every_key_of_the_readme_does_what_it_says() -> None:
    table = README.read_text(encoding="utf-8").partition("<!-- keys -->")[2]
    rows = re.findall(
        r"^\| (`.*`|) \| .* \| ([a-z_]+\.[a-z_]+) \|$", table, re.MULTILINE
    )
    told = {name: re.findall(r"`([^`]+)`", keys) for keys, name in rows}
    assert told
    for name, keys in told.items():
        assert list(map(key_label, BY_ID[name].keys)) == keys, name
    digits = {f"digit.{digit}" for digit in range(10)}
    assert BY_ID.keys() - digits == told.keys()


def test_no_two_actions_share_a_key_where_both_are_heard() -> None:
    heard: dict[tuple[str, str], str] = {}
    for action in ACTIONS:
        for key in action.keys:
            assert heard.setdefault((action.pane, key), action.id) == action.id


SHOWN_IN = {"compare": "demo-three-ways", "children": "demo-distributed"}
"""The recordings of views that not every recording has."""
OPENED = {f"view.{name}": name for name in VIEWS}


def test_every_view_has_a_key_and_a_line_of_help() -> None:
    missing = OPENED.keys() - BY_ID.keys()
    assert not missing, f"add to _TABLE in sfnwatch/tui/actions.py: {missing}"
    for name in OPENED:
        action = BY_ID[name]
        assert all(action.keys), f"no key in _TABLE of sfnwatch/tui/actions.py: {name}"
        assert action.words, f"no words in _TABLE of sfnwatch/tui/actions.py: {name}"


@pytest.mark.parametrize("name", VIEWS)
async def test_a_view_opens_by_its_key(name: str) -> None:
    async with replayed(SHOWN_IN.get(name, "demo-sync")) as (app, screen):
        await screen.press(*BY_ID[f"view.{name}"].keys[:1])
        assert app.views.current == name


async def test_every_action_is_done_somewhere() -> None:
    async with replayed("demo-three-ways") as (app, screen):
        done = {*app.commands}
        for name in VIEWS:
            app.views.show_view(name)
            await screen.settle()
            done |= app.commands.keys()
    left = {action.id for action in ACTIONS if not action.method} - done
    assert not left, (
        f"nothing does {left}: add a view to VIEWS in sfnwatch/tui/views.py, and"
        " anything else to the commands of a view, of the deck or of the app"
    )


def test_a_users_keys_are_told_as_they_are_bound() -> None:
    told = [keys for _, keys, _ in entries({"player.toggle": ("K",)})]
    assert told[0] == "K"


async def test_help_has_all_keys_and_marks_those_of_this_view_first() -> None:
    async with replayed("demo-sync", (160, 300)) as (_, screen):
        await screen.press("question_mark")
        words = screen.words
        assert all(keys in words for _, keys, _ in entries())
        assert "How a call is matched to its state" in words
        assert "~e [TEXT]" in words
        assert words.index("Move") < words.index("Player")
        await screen.steps(("escape", "!How a call is matched"))


async def test_the_palette_does_every_action_by_its_name() -> None:
    async with replayed("demo-sync") as (_, screen):
        await screen.steps(("colon", "!Go to:"))
        await screen.pilot.press(*"switch clocks")
        await screen.until("Switch clocks")
        await screen.press("enter", "enter")
        assert "event time" in screen.rows[-2]


async def test_the_palette_goes_to_a_state() -> None:
    async with replayed("demo-pipeline") as (app, screen):
        await screen.pilot.press("home", "ctrl+p")
        await screen.pilot.press(*"charge")
        await screen.until("Go to: Charge card entered")
        await screen.press("enter", "enter")
        assert not isinstance(app.screen, CommandPalette)
        assert "Charge card" in str(screen.row_with("Charge card  lambda"))
        key = app.views.selected_key
        assert key is not None
        assert key in {
            m.key for m in app.screen_state.markers.by(app.screen_state.playback.clock)
        }


PRESSED = {
    "demo-sync-denied": (
        # A fold opens on enter and closes on z.
        ("down down down down enter", "DescribeTasks #3", "!more polls"),
        ("z", "3 more polls", "!nothing to"),
        # Denied polls are crossed, and said to be denied where one goes to them.
        ("t", "✘ failed, or a denied call", "!█ poll"),
        (") )", "✘ AccessDenied", "!█ poll"),
        # By event time no call is late.
        ("escape c 5", "event time", "!complete up to"),
    ),
    "demo-distributed": (("Z", "UnreadableImage", "!nothing to"),),
    "demo-pipeline": (
        # A service's digit hides its calls, and shows them again.
        ("", "1 ECS 5 API calls 2 States 2 API calls", "!hidden"),
        ("1", "ECS 5 API calls hidden", "!DescribeTasks #"),
        ("1", "DescribeTasks #", "!hidden"),
        ("9", "there is no lane 9", "!hidden"),
    ),
    "demo-sync": (
        # The player says how it plays.
        ("L", "∞ loop", "!only"),
        ("plus plus g", "5×", "!squeezed"),
        # What does not apply says why, and where it would.
        ("ctrl+right", "only one execution", "!Align starts"),
        ("right_square_bracket", "no state after this", "!no mark"),
        ("C", "no child executions", "!C Children"),
    ),
    # A replay does not tell the end at its beginning.
    "demo-failure": (("1", "RUNNING", "!States.TaskFailed"),),
    "demo-three-ways": (("X", "Swap: only in Compare (v)", "!nothing to"),),
}
"""Of recordings the keys, what they bring, and what is not to be seen then."""


@pytest.mark.parametrize("name", PRESSED)
async def test_keys_do_what_they_are_for_and_say_why_they_do_not(name: str) -> None:
    async with replayed(name, (140, 40)) as (_, screen):
        await screen.steps(*PRESSED[name])


async def test_escape_undoes_one_thing_at_a_time() -> None:
    async with replayed("demo-sync-denied") as (app, screen):
        await screen.steps(("~ '~e' enter p",), ("escape", "!filter ~e"))
        assert app.theme == "high-contrast"
        await screen.press("escape")
        assert app.theme == "sfnwatch-dark"


async def test_what_was_done_to_a_recording_is_kept() -> None:
    async with replayed("demo-pipeline") as (app, screen):
        await screen.press("Z", "1", "~", *"~s Label", "enter")
        left = app.view_to_save
        assert left.filter == "~s Label"
        assert left.hidden_services == ("ecs.amazonaws.com",)
        assert left.folded or left.opened


async def test_the_footer_says_what_enter_and_escape_do_here() -> None:
    shown = (
        ("end", "enter Detail", "escape"),
        ("home down down", "enter Unfold", "escape"),
        ("home enter", "escape Close detail", "Lanes"),
        ("escape E", "enter Show lines escape Lanes", "End card"),
        ("e", "enter Evidence escape Lanes", "Explain"),
        ("C", "enter Show in lanes", "Children"),
        ("t", "escape Lanes", "Timeline"),
    )
    async with replayed("demo-distributed", (120, 24)) as (_, screen):
        for keys, offered, not_offered in shown:
            await screen.press(*keys.split())
            footer = " ".join(screen.rows[-1].split())
            assert offered in footer
            assert not_offered not in footer


async def test_the_footer_offers_what_applies_here_at_80_columns_too() -> None:
    async with replayed("demo-three-ways", (80, 24)) as (_, screen):
        assert "v Compare" in screen.rows[-1]
        assert "a Align starts" in screen.rows[-1]
    async with replayed("demo-distributed", (80, 24)) as (_, screen):
        assert "C Children" in screen.rows[-1]
