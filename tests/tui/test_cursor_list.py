"""The list under all views: the cursor, what is in view, and what stays where."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from textual.app import ComposeResult
from textual.pilot import Pilot

from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.tui.spans import Span
from sfnwatch.tui.themed_app import ThemedApp

ROWS = 10


class Fruit(CursorList):
    """Entries by name; one in seven takes two rows, headings begin with `=`."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = list(names)
        self.drawn = 0

    @property
    def count(self) -> int:
        return len(self.names)

    def draw(self, place: int, width: int) -> Sequence[Sequence[Span]]:
        del width
        self.drawn += 1
        name = self.names[place]
        rows = [[Span(name)], [Span(f"{name} goes on")]]
        return rows[: 2 if name.endswith("7") else 1]

    def key_of(self, place: int) -> str | None:
        return self.names[place]

    def place_of(self, key: str) -> int | None:
        return self.names.index(key) if key in self.names else None

    def stops_at(self, place: int) -> bool:
        return not self.names[place].startswith("=")


class Basket(ThemedApp[None]):
    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(ScreenSettings())
        self.list = Fruit(names)
        self.moved: list[str | None] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.changed()
        self.list.focus()

    def on_cursor_list_moved(self) -> None:
        self.moved.append(self.list.selected_key)

    def on_cursor_list_opened(self) -> None:
        self.opened += 1


@asynccontextmanager
async def basket(
    names: Sequence[str] = tuple(f"apple {n}" for n in range(100)),
) -> AsyncIterator[tuple[Basket, Fruit, Pilot[None]]]:
    app = Basket(names)
    async with app.run_test(size=(30, ROWS)) as pilot:
        await pilot.pause()
        yield app, app.list, pilot


async def put(fruit: Fruit, pilot: Pilot[None], *names: str) -> None:
    """Have the list hold other entries."""
    fruit.names = list(names)
    fruit.changed()
    await pilot.pause()


def in_view(fruit: Fruit) -> list[str]:
    rows = (fruit.render_line(y).text.strip() for y in range(ROWS))
    return [row for row in rows if row]


async def test_keys_move_the_cursor_and_bring_it_into_view() -> None:
    async with basket() as (app, fruit, pilot):
        await pilot.press("down", "j", "up")
        assert fruit.selected_key == "apple 1"
        await pilot.press("pagedown")
        assert fruit.cursor > 5
        assert str(fruit.selected_key) in in_view(fruit)
        await pilot.press("pageup", "home")
        assert fruit.cursor == 0
        assert in_view(fruit)[0] == "apple 0"
        assert app.moved[-1] == "apple 0"


async def test_the_last_entry_is_wholly_in_view_and_is_followed() -> None:
    async with basket() as (_, fruit, pilot):
        fruit.names[-1] = "apple 97"
        await pilot.press("end")
        assert in_view(fruit)[-2:] == ["apple 97", "apple 97 goes on"]
        await put(fruit, pilot, *fruit.names, "pear 1")
        assert fruit.selected_key == "pear 1"
        assert in_view(fruit)[-1] == "pear 1"
        # Who goes up follows no longer.
        await pilot.press("up")
        await put(fruit, pilot, *fruit.names, "pear 2")
        assert fruit.selected_key == "apple 97"


async def test_what_is_selected_stays_in_its_row_when_entries_come_above() -> None:
    async with basket() as (_, fruit, pilot):
        await pilot.press("pagedown", "pagedown", "up", "up")
        key, before = fruit.selected_key, in_view(fruit)
        await put(fruit, pilot, *(f"pear {n}" for n in range(5)), *fruit.names)
        assert fruit.selected_key == key
        assert in_view(fruit) == before


async def test_entries_that_went_leave_nothing_on_the_screen() -> None:
    async with basket() as (_, fruit, pilot):
        await put(fruit, pilot, "pear 1", "pear 2")
        assert in_view(fruit) == ["pear 1", "pear 2"]
        await put(fruit, pilot)
        assert in_view(fruit) == []
        assert fruit.selected_key is None
        await pilot.press("down", "end", "pageup")


async def test_headings_are_passed_over() -> None:
    names = ["= apples", "apple 1", "= pears", "= ripe ones", "pear 1", "= end"]
    async with basket(names) as (_, fruit, pilot):
        places = ("home", 1), ("down", 4), ("down", 4), ("up", 1)
        for key, place in places:
            await pilot.press(key)
            assert fruit.cursor == place


async def test_what_is_above_the_first_comes_into_view_with_it() -> None:
    names = ["= a", "= b", "= c", *(f"apple {n}" for n in range(ROWS - 1))]
    async with basket(names) as (_, fruit, pilot):
        await pilot.press("end", "home")
        assert in_view(fruit)[0] == "= a"


async def test_a_click_selects_and_a_second_opens() -> None:
    async with basket() as (app, fruit, pilot):
        await pilot.click(Fruit, offset=(3, 4))
        assert fruit.selected_key == "apple 4"
        assert app.opened == 0
        await pilot.click(Fruit, offset=(3, 8), times=2)
        assert fruit.selected_key == "apple 7"
        assert app.opened == 1


async def test_the_wheel_leaves_the_selection_where_it_is() -> None:
    async with basket() as (_, fruit, pilot):
        await pilot.click(Fruit, offset=(3, 9))
        key = fruit.selected_key
        fruit.scroll_to(y=95, animate=False)
        await pilot.pause()
        fruit.on_mouse_scroll_down()
        await pilot.pause()
        assert fruit.selected_key == key
        assert not fruit.follow


async def test_selecting_by_key_finds_it_again_after_it_was_away() -> None:
    async with basket() as (_, fruit, pilot):
        assert fruit.select_key("apple 50")
        assert not fruit.select_key("plum")
        names = list(fruit.names)
        await put(fruit, pilot, *names[:50], *names[51:])
        await put(fruit, pilot, *names)
        assert fruit.selected_key == "apple 50"


async def test_of_very_many_entries_only_those_in_view_are_drawn() -> None:
    async with basket([f"apple {n}" for n in range(100_000)]) as (_, fruit, pilot):
        assert fruit.drawn < 10 * ROWS
        before = fruit.drawn
        await pilot.press("end", "pageup", "down", "home")
        assert fruit.drawn - before < 15 * ROWS
