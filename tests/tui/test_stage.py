"""On stage: masks, zones, themes, keys to be seen; without color, and in ASCII."""

import re
from itertools import combinations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from sfnwatch.config.user_themes import UserTheme
from sfnwatch.errors import UsageError
from sfnwatch.tui.contrast import contrast, distance
from sfnwatch.tui.role_colors import role_variables
from sfnwatch.tui.shipped_colors import THEMES
from sfnwatch.tui.themes import default_theme, make_theme
from sfnwatch.view.signs import to_ascii
from tests.builders import ACCOUNT, ARN, History, sync_history
from tests.tui.screens import call_at_cursor, live, replayed

EVERY = [*BUILTIN_THEMES.values(), *THEMES]


@pytest.mark.parametrize("theme", EVERY, ids=lambda theme: theme.name)
def test_all_text_can_be_read_on_every_ground(theme: Theme) -> None:
    if theme.ansi:
        pytest.skip("a palette's colors are the terminal's")
    variables = role_variables(theme)
    system = theme.to_color_system().generate()
    grounds = [Color.parse(system[name]) for name in ("background", "surface", "panel")]
    grounds += [
        Color.parse(value)
        for name, value in variables.items()
        if name.endswith("-background") and not name.startswith("found")
    ]
    for name, value in variables.items():
        if name.startswith("role-"):
            color = Color.parse(value)
            worst = min(contrast(color, Color(*ground.rgb)) for ground in grounds)
            assert worst >= 4.45, name
        elif name.startswith("chip-") and name != "chip-text":
            text = Color.parse(variables["chip-text"])
            assert contrast(text, Color.parse(value)) >= 4.5, name


def test_the_colors_of_phases_and_of_ends_are_told_apart_in_every_theme() -> None:
    roles = ("busy", "event", "warn", "dim", "poll", "good", "bad")
    for theme in EVERY:
        own = role_variables(theme)
        told = [own[f"role-{role}"] for role in roles]
        if theme.ansi:
            continue  # a palette has fewer, and they are the terminal's
        for one, other in combinations(map(Color.parse, told), 2):
            assert distance(one, other) >= 20, theme.name


@pytest.mark.parametrize(
    ("environ", "system", "name"),
    [
        ({}, "truecolor", "sfnwatch-dark"),
        ({"COLORFGBG": "0;15"}, "truecolor", "sfnwatch-light"),
        ({}, "standard", "ansi-dark"),
        ({"NO_COLOR": "1"}, "truecolor", "ansi-dark"),
    ],
)
def test_the_theme_suits_the_terminal(
    environ: dict[str, str], system: str, name: str
) -> None:
    assert default_theme(system, environ) == name


@pytest.mark.parametrize(
    ("colors", "variables", "words"),
    [
        ({"primary": "bleu"}, {}, "mine.primary: `bleu` is no color. Did you mean `b"),
        ({"primary": "#fff"}, {"role-god": "#fff"}, "Did you mean `role-good`?"),
        ({"primary": "#fff"}, {"role-good": "}; *{"}, "is no color"),
        ({"primary": "#fff"}, {"dim-text-style": "loud"}, "is no style of text"),
        ({"primary": "#fff"}, {"dim-text-style": " "}, "is no style of text"),
    ],
)
def test_a_theme_that_is_wrong_is_refused_with_what_is_right(
    colors: dict[str, str], variables: dict[str, str], words: str
) -> None:
    spec = UserTheme("mine", colors, variables=variables, where="config.toml")
    with pytest.raises(UsageError) as refused:
        make_theme(spec)
    assert words in str(refused.value)


async def test_themes_are_seen_while_one_chooses() -> None:
    async with replayed("demo-sync") as (app, screen):
        await screen.press("T")
        await screen.press("down", "down")
        assert app.theme != "sfnwatch-dark"
        await screen.press("escape")
        assert app.theme == "sfnwatch-dark"


async def test_in_a_talk_the_caption_is_about_what_the_view_shows() -> None:
    async with replayed("demo-pipeline", (100, 30)) as (_, screen):
        await screen.steps(
            ("p", "Execution pipeline"),
            ("M home down", "Big order?, a Choice state, chooses the next state"),
            ("e", "!chooses the next state"),
        )


async def test_in_a_talk_space_goes_from_finding_to_finding_and_to_the_card() -> None:
    async with replayed("demo-sync-denied", (100, 30), "p") as (app, screen):
        first = "1/4 5 of 5 polls denied, yet it succeeded Every poll for ECS RunTask"
        await screen.steps(("space", first, "~ inference"))
        assert call_at_cursor(app) == "DescribeTasks #1"
        await screen.steps(
            ("space", "2/4 An event told Step Functions, 1.6 s after the stop"),
            # Who looks elsewhere is told of that, and goes on from the first.
            ("home", "Execution sync-denied"),
            ("space " * 5,),
        )
        assert app.views.current == "end"
        await screen.steps(("space", "1/4 5 of 5 polls"))
        assert app.views.current == "lanes"
        # What is not at its end it plays.
        await screen.press("1", "space")
        assert app.screen_state.playback.playing


async def test_in_a_talk_no_name_is_shown_before_anything_has_come() -> None:
    async with live(title="payroll › run-1") as (_, screen, _):
        assert "payroll" in screen.words
    async with live(title="payroll › run-1", present=True) as (_, screen, _):
        assert "payroll" not in screen.words


async def test_names_of_a_demo_are_no_secret_and_others_are_masked() -> None:
    async with replayed("demo-three-ways", (140, 40)) as (_, screen):
        # Who wants them masked has them masked, and what several have in common; how
        # each was run tells nothing of anybody.
        masked = "masked", "!run-task", "!three-ways", " sync "
        await screen.steps(("p", "run-task"), ("m", *masked))
    somebodys = sync_history(ARN.replace(ACCOUNT, "210987654321"))
    async with live(somebodys) as (_, screen, _):
        await screen.steps(("p", "masked", "!nightly-report"))


@pytest.mark.parametrize("size", [(200, 60), (80, 24)])
async def test_in_a_talk_a_cause_tells_of_nobody(size: tuple[int, int]) -> None:
    cause = (
        "Order of Jane Doe from Acme Corp, +1 555 010 9999, was refused by Smith:"
        " token=canaryTOKEN01 for wJalrXUtnFEMI/K7MDENG/bPxRfiCYzCANARYKEY"
    )
    arn = ARN.replace(ACCOUNT, "210987654321")
    run = History(arn=arn).start().task("Import", error="Refused", cause=cause, lasts=2)
    records = run.end("Failed", error="Refused", cause=cause).records
    told = ("Jane", "Doe", "Acme", "555 010", "Smith", "canary", "CANARY")
    async with live(records, size, present=True) as (_, screen, _):
        for keys in ("", "end", "enter", "tab", "escape", "e", "escape", "t", "M", "c"):
            await screen.press(*keys.split())
            assert [each for each in told if each in screen.words] == [], keys
        await screen.press("escape", "m")
        assert "masked" not in screen.words


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (60, 12)])
async def test_a_toast_does_not_cover_the_caption(size: tuple[int, int]) -> None:
    async with replayed("demo-sync-denied", size, "p", "down") as (app, screen):
        app.notify("one of several words")
        await screen.settle()
        (toast,) = app.query("Toast")
        assert not toast.region.overlaps(app.presenter.stage.region)


@pytest.mark.parametrize("size", [(140, 40), (80, 24)])
async def test_one_toast_at_a_time_is_as_wide_as_its_words_and_leaves_times_in_view(
    size: tuple[int, int],
) -> None:
    long = " ".join(f"word{n}" for n in range(40))
    async with replayed("demo-pipeline", size) as (app, screen):
        times = re.findall(r"\d\d:\d\d:\d\d\.\d{3}", screen.words)
        app.notify("one of several words")
        app.notify("short")
        await screen.settle()
        (toast,) = app.query("Toast")
        assert toast.region.width < 20
        app.notify(long)
        await screen.settle()
        assert re.findall(r"\d\d:\d\d:\d\d\.\d{3}", screen.words) == times
        (toast,) = app.query("Toast")
        shown = [row[toast.region.x :] for row in screen.rows]
        assert set(long.split()) <= set(" ".join(shown).split())


def test_in_ascii_success_is_no_corner_and_names_stay() -> None:
    assert to_ascii("✔ お支払い ▸ ▾ ✘ ⋯") == "v お支払い + - x :"
    assert to_ascii("┃│╎┋╵") == "||:!'"


async def test_another_theme_colors_all_that_is_drawn_already() -> None:
    pictures: dict[str, list[str]] = {"sfnwatch-dark": [], "textual-light": []}
    for theme, taken in pictures.items():
        begun = replayed("demo-three-ways", (100, 30), "end", theme=theme)
        async with begun as (app, screen):
            for key in ("", "e", "enter"):
                await screen.press(*([key] if key else []))
                app.theme = "textual-light"
                await screen.settle()
                app.clear_notifications()  # they go by themselves, who knows when
                taken.append("")
                while taken[-1] != (shown := app.export_screenshot()):
                    taken[-1] = shown
                    await screen.settle()
                taken[-1] = re.sub(r"terminal-\d+", "", shown)
                app.theme = theme
                await screen.press("escape")
    assert pictures["sfnwatch-dark"] == pictures["textual-light"]
