"""The filter and the search: typed, completed, refused, gone through."""

from tests.tui.screens import replayed


async def test_a_filter_shows_at_once_what_it_keeps() -> None:
    async with replayed("demo-sync-denied") as (_, screen):
        await screen.steps(
            ("~ ~ e", "DescribeTasks #1", "!Execution started", "filtered out"),
            ("enter", "filter ~e 3 lines"),
            ("escape", "Execution started"),
        )


async def test_what_could_be_typed_is_offered_and_taken() -> None:
    async with replayed("demo-pipeline") as (_, screen):
        await screen.press(*"~~s Cha")
        assert "Charge card" in screen.rows[-3]
        await screen.steps(("tab enter", "!Big order?"))
        assert "Charge card" in screen.row_with("~ change")


async def test_a_filter_that_cannot_be_read_is_explained_and_changes_nothing() -> None:
    async with replayed("demo-sync-denied") as (_, screen):
        await screen.steps(("~ ( a enter", "✘ at ", "Execution started"), ("escape",))
        assert "filter" not in "".join(screen.rows[:-1]).lower()


async def test_a_search_goes_to_what_it_finds_round_the_end_and_back() -> None:
    async with replayed("demo-pipeline", (140, 60)) as (app, screen):
        await screen.press("home", "slash", *"label", "enter")
        first = app.views.selected_key
        await screen.press("n")
        assert first != app.views.selected_key
        await screen.press("N")
        assert app.views.selected_key == first
        await screen.press("N", "n")
        assert app.views.selected_key == first


async def test_it_is_searched_while_one_types() -> None:
    async with replayed("demo-pipeline", (140, 60), "home", "down") as (app, screen):
        begun = app.views.selected_key
        await screen.press("slash", "l")
        first = app.views.selected_key
        assert first != begun
        await screen.press(*"abel")
        found = app.views.selected_key
        assert found not in {begun, first}
        await screen.press("x")
        assert app.views.selected_key == found


async def test_what_is_not_there_is_said_not_to_be() -> None:
    async with replayed("demo-sync") as (_, screen):
        nothing = "nothing is searched for"
        await screen.steps(("/ 'zebra' enter", "not found"), ("escape n", nothing))


async def test_keys_are_words_while_one_types() -> None:
    async with replayed("demo-sync") as (app, screen):
        await screen.press("slash", *"qt?~")
        assert "qt?~" in screen.row_with("search")
        assert app.is_running


async def test_a_filter_applies_to_every_view() -> None:
    async with replayed("demo-pipeline", (100, 40)) as (_, screen):
        kept = "Each parcel[2] / Label was tried twice"
        await screen.steps(
            ("~ '~s Label' enter e", kept, "!CardDeclined"),
            ("E", "1 Label: 2 tries, OutOfPaper"),
            ("t", "!Charge card lambda"),
            ("C", "0 of 1 child execution"),
        )
    async with replayed("demo-three-ways", (100, 30)) as (_, screen):
        await screen.steps(("~ '~e' enter v", "The filter leaves no state."))
