"""The filter and the search: typed, completed, refused, gone through."""

from tests.tui.screens import press, replayed, row_with, rows_of, settle, words_on


async def test_a_filter_shows_at_once_what_it_keeps() -> None:
    async with replayed("demo-sync-denied") as (app, pilot):
        await press(pilot, "~", "~", "e")
        words = words_on(app)
        assert "DescribeTasks #1" in words
        assert "Execution started" not in words
        assert "filtered out" in words
        await press(pilot, "enter")
        assert "filter ~e  3 lines" in words_on(app)
        await press(pilot, "escape")
        assert "Execution started" in words_on(app)


async def test_what_could_be_typed_is_offered_and_taken() -> None:
    async with replayed("demo-pipeline") as (app, pilot):
        await press(pilot, "~", "~", "s", "space", "C", "h", "a")
        assert "Charge card" in rows_of(app)[-3]
        await press(pilot, "tab", "enter")
        assert "Charge card" in row_with(app, "~ change")
        assert "Big order?" not in words_on(app)


async def test_a_filter_that_cannot_be_read_is_explained_and_changes_nothing() -> None:
    async with replayed("demo-sync-denied") as (app, pilot):
        await pilot.press("~", "(", "a", "enter")
        await settle(pilot)
        assert "✘ at " in words_on(app)
        assert "Execution started" in words_on(app)
        await press(pilot, "escape")
        assert "filter" not in "".join(rows_of(app)[:-1]).lower()


async def test_a_search_goes_to_what_it_finds_round_the_end_and_back() -> None:
    async with replayed("demo-pipeline", (140, 60)) as (app, pilot):
        await press(pilot, "home", "slash", *"label", "enter")
        first = app.deck.selected_key
        await press(pilot, "n")
        second = app.deck.selected_key
        assert first != second
        await press(pilot, "N")
        assert app.deck.selected_key == first
        await press(pilot, "N", "n")
        assert app.deck.selected_key == first


async def test_what_is_not_there_is_said_not_to_be() -> None:
    async with replayed("demo-sync") as (app, pilot):
        await press(pilot, "slash", *"zebra", "enter")
        assert "not found" in words_on(app)
        await press(pilot, "escape", "n")
        assert "nothing is searched for" in words_on(app)


async def test_keys_are_words_while_one_types() -> None:
    async with replayed("demo-sync") as (app, pilot):
        await press(pilot, "slash", "q", "t", "?", "~")
        assert "q t ? ~".replace(" ", "") in row_with(app, "search")
        assert app.is_running


async def test_a_filter_applies_to_every_view() -> None:
    asked = ("~", *"~s Label", "enter")
    async with replayed("demo-pipeline", (100, 40), *asked, "e") as (app, pilot):
        words = words_on(app)
        assert "Each parcel[2] / Label took 2 attempts" in words
        assert "CardDeclined" not in words
        assert "What failed" not in words
        await press(pilot, "E")
        assert "1  Each parcel[2] / Label took 2 attempts" in words_on(app)
        await press(pilot, "t")
        assert "Charge card  lambda" not in words_on(app)
        await press(pilot, "C")
        assert "0 of 1 child execution" in words_on(app)
    asked = ("~", *"~e", "enter")
    async with replayed("demo-three-ways", (100, 30), *asked, "v") as (app, _):
        assert "The filter leaves no state." in words_on(app)
