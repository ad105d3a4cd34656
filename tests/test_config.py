"""Settings: what files and the environment come to, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.binding import Binding
from textual.keys import Keys, _character_to_key

from sfnwatch.config import (
    Bound,
    Config,
    check,
    config_path,
    keymap,
    load_config,
)
from sfnwatch.config_keys import key_name, suggested_keys
from sfnwatch.errors import UsageError

ACTIONS = {
    "player.toggle": Bound("app", ("space",)),
    "player.loop": Bound("app", ("l",)),
    "view.timeline": Bound("app", ("t",)),
    "lanes.up": Bound("lanes", ("up", "k")),
    "timeline.up": Bound("timeline", ("up", "k")),
}
THEMES = ("textual-dark", "textual-light", "nord", "high-contrast")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration; give its file."""

    def write(text: str | bytes, name: str = "config.toml") -> Path:
        file = tmp_path / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def refusal(file: Path, **environ: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_config(file, environ)
    return str(caught.value).replace(str(file.parent), "…")


def wrong(config: Config) -> str:
    with pytest.raises(UsageError) as caught:
        check(config, themes=THEMES, actions=ACTIONS)
    words = str(caught.value)
    return words.replace(str(config.source.parent), "…") if config.source else words


# -- what is read ------------------------------------------------------------------


def test_without_a_file_every_setting_has_its_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "sfnwatch" / "config.toml"
    assert load_config(None, {}) == Config()
    assert load_config(None, {"SFNWATCH_CONFIG": ""}) == Config()


def test_the_file_in_the_users_folder_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config_path().parent.mkdir()
    config_path().write_text('theme = "nord"\n')
    assert load_config(None, {}).theme == "nord"


def test_every_setting_is_read(write: Write) -> None:
    file = write(
        'theme = "mine"\ntime = "local"\nascii = true\nnotify = "bell"\n'
        "present = true\n"
        '[keys]\n"player.toggle" = ["space", "K"]\n"player.loop" = ""\n'
        '"lanes.up" = []\n"view.timeline" = "?"\n'
        '[themes.mine]\nprimary = "#88c0d0"\nerror = "red"\ndark = false\n'
        '[themes.mine.variables]\nborder = "#fff 20%"\n'
    )
    config = load_config(file, {})
    assert (config.theme, config.time, config.ascii) == ("mine", "local", True)
    assert (config.notify, config.present, config.source) == ("bell", True, file)
    assert config.keys == {
        "player.toggle": ("space", "K"),
        "player.loop": (),
        "lanes.up": (),
        "view.timeline": ("question_mark",),
    }
    mine = config.themes["mine"]
    assert (mine.name, mine.dark, mine.where) == ("mine", False, str(file))
    assert mine.colors == {"primary": "#88c0d0", "error": "red"}
    assert mine.variables == {"border": "#fff 20%"}
    check(config, themes=THEMES, actions=ACTIONS)


def test_a_theme_of_its_own_file_is_named_after_it(write: Write) -> None:
    file = write('theme = "mine"')
    other = write('primary = "teal"\ndark = true\n', "themes/mine.toml")
    write("not a theme", "themes/README.md")
    config = load_config(file, {})
    assert config.themes["mine"].where == str(other)
    check(config, themes=THEMES, actions=ACTIONS)


def test_a_key_map_of_its_own_file_is_chosen_and_the_configuration_goes_over_it(
    write: Write,
) -> None:
    file = write('keymap = "mine"\n[keys]\n"player.loop" = "O"\n')
    own = '"player.toggle" = ["space", "K"]\n"player.loop" = ""\n'
    other = write(own, "keymaps/mine.toml")
    write('"no.action" = "x"', "keymaps/unused.toml")
    config = load_config(file, {})
    assert config.keys == {"player.toggle": ("space", "K"), "player.loop": ("O",)}
    assert config.keys_where == {
        "player.toggle": str(other),
        "player.loop": str(file),
    }
    check(config, themes=THEMES, actions=ACTIONS)
    chosen = load_config(file, {"SFNWATCH_KEYMAP": "unused"})
    assert chosen.keymap == "unused"
    assert wrong(chosen).startswith("…/keymaps/unused.toml: keys: there is no action")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"player.toggle" = "spce"', "…/keymaps/mine.toml: `player.toggle`: there is"),
        ('"player.toggle" = 3', "…/keymaps/mine.toml: `player.toggle` must be a key"),
        ("=", "…/keymaps/mine.toml:1: "),
    ],
)
def test_a_mistake_in_a_key_map_names_its_file(
    write: Write, text: str, words: str
) -> None:
    file = write('keymap = "mine"')
    write(text, "keymaps/mine.toml")
    assert refusal(file).startswith(words)


def test_a_key_map_that_is_not_there_is_named_with_who_asked(write: Write) -> None:
    file = write('keymap = "../mine"')
    assert refusal(file) == (
        "…/config.toml: there is no key map `../mine`. They lie in …/keymaps."
    )
    write("", "keymaps/vim.toml")
    assert refusal(file, SFNWATCH_KEYMAP="vi") == (
        "SFNWATCH_KEYMAP: there is no key map `vi`. Did you mean `vim`?"
    )


def test_a_clash_names_the_file_that_makes_it(write: Write) -> None:
    file = write('keymap = "mine"')
    write('"player.loop" = "space"', "keymaps/mine.toml")
    said = wrong(load_config(file, {}))
    assert said.startswith("…/keymaps/mine.toml: keys: `space` is for both")


def test_themes_are_found_though_there_is_no_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = config_path().parent / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('primary = "teal"')
    assert list(load_config(None, {}).themes) == ["mine"]


def test_the_environment_overrules_the_file(write: Write) -> None:
    file = write('theme = "nord"\ntime = "utc"\nascii = false\nnotify = "off"\n')
    environ = {
        "SFNWATCH_CONFIG": str(file),
        "SFNWATCH_THEME": "high-contrast",
        "SFNWATCH_TIME": "local",
        "SFNWATCH_ASCII": "1",
        "SFNWATCH_NOTIFY": "desktop",
    }
    config = load_config(None, environ)
    assert (config.theme, config.time) == ("high-contrast", "local")
    assert (config.ascii, config.notify) == (True, "desktop")
    assert config.source == file


def test_an_empty_variable_is_none(write: Write) -> None:
    file = write("ascii = true")
    assert load_config(file, {"SFNWATCH_ASCII": "", "SFNWATCH_THEME": ""}).ascii


@pytest.mark.parametrize(("word", "on"), [("0", False), ("off", False), ("yes", True)])
def test_yes_and_no_can_be_said_in_several_ways(
    write: Write,
    word: str,
    on: bool,  # noqa: FBT001
) -> None:
    config = load_config(
        write(f"ascii = {str(not on).lower()}"), {"SFNWATCH_ASCII": word}
    )
    assert config.ascii is on


def test_settings_are_read_without_loading_a_screen() -> None:
    code = "import sys, sfnwatch.config; print('textual' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
        env={**os.environ},
    )
    assert done.stdout.strip() == "False"


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('thme = "nord"', "…/config.toml: unknown key `thme`. Did you mean `theme`?"),
        ("zzz = 1", "unknown key `zzz`. There are: theme, time, ascii"),
        (
            'time = "locl"',
            "`time`: `locl` is none of utc, local. Did you mean `local`?",
        ),
        ("time = 3", "`time`: `3` is none of utc, local"),
        ('notify = "beep"', "`notify`: `beep` is none of off, bell, desktop"),
        ('ascii = "yes"', "`ascii` must be true or false, without quotes."),
        ("present = 1", "`present` must be true or false"),
        ("theme = 1", "`theme` must be a text in quotes."),
        ("keys = 1", "`keys` must be a table: [keys]."),
        ("themes = []", "`themes` must be a table"),
        ("themes.mine = 1", "`themes.mine` must be a table: [themes.mine]."),
        ("a = [", "…/config.toml: Invalid value (at end of document)."),
        ('theme = "nord"\n\ntime = utc', "…/config.toml:3: Invalid value"),
        ("theme = 'a'\ntheme = 'b'\n", "…/config.toml:2: Cannot overwrite a value"),
        (b"\n\ntheme = '\xff'", "…/config.toml:3: not UTF-8."),
        ("a = " + "[" * 5000, "…/config.toml:"),
        ("a = " + "9" * 5000, "…/config.toml: "),
        ("#" * (1 << 20) + "\n", "…/config.toml: too large to be a configuration."),
        (
            "[keys]\nx = 'spce'",
            "keys.`x`: there is no key `spce`. Did you mean `space`?",
        ),
        (
            "[keys]\nx = 'ctrl+entr'",
            "there is no key `ctrl+entr`. Did you mean `enter`?",
        ),
        ("[keys]\nx = 'ctlr+a'", "there is no key `ctlr+a`"),
        ("[keys]\nx = 3", "keys.`x` must be a key or a list of keys."),
        ("[keys]\nx = ['a', 3]", "keys.`x` must be a key or a list of keys."),
        ("[themes.mine]\ndark = true", "the theme `mine` has no `primary` colour."),
        (
            "[themes.mine]\nprimary = 'red'\nbackgrond = 'red'",
            "unknown key `themes.mine.backgrond`. Did you mean `background`?",
        ),
        ("[themes.mine]\nprimary = '#12'", "`themes.mine.primary`: `#12` is no colour"),
        ("[themes.mine]\nprimary = 7", "`themes.mine.primary`: `7` is no colour"),
        (
            "[themes.mine]\nprimary = 'red'\ndark = 'no'",
            "`themes.mine.dark` must be true or false",
        ),
        (
            "[themes.mine]\nprimary = 'red'\nvariables.border = 3",
            "`themes.mine.variables.border` must be a text in quotes.",
        ),
    ],
)
def test_a_mistake_is_named(write: Write, text: str | bytes, words: str) -> None:
    said = refusal(write(text))
    assert words in said
    assert "…/config.toml" in said


def test_a_mistake_in_a_theme_file_names_that_file(write: Write) -> None:
    file = write("")
    write("primary = 'red'\npanl = 'red'", "themes/mine.toml")
    assert refusal(file) == (
        "…/themes/mine.toml: unknown key `panl`. Did you mean `panel`?"
    )


def test_a_theme_can_not_be_in_two_places(write: Write) -> None:
    file = write("[themes.mine]\nprimary = 'red'")
    write("primary = 'red'", "themes/mine.toml")
    assert "mine.toml: there is a theme `mine` already" in refusal(file)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Can't read .*none\.toml: No such file"):
        load_config(tmp_path / "none.toml", {})
    with pytest.raises(UsageError, match="Can't read"):
        load_config(None, {"SFNWATCH_CONFIG": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SFNWATCH_TIME", "UTV", "SFNWATCH_TIME: `UTV` is none of utc, local"),
        (
            "SFNWATCH_NOTIFY",
            "bel",
            "is none of off, bell, desktop. Did you mean `bell`?",
        ),
        ("SFNWATCH_ASCII", "maybe", "SFNWATCH_ASCII: `maybe` is none of 1, true"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    write: Write, name: str, value: str, words: str
) -> None:
    assert words in refusal(write(""), **{name: value})


def test_what_a_file_says_can_not_reach_the_terminal(write: Write) -> None:
    said = refusal(write('"a\\u001b]0;x\\u0007\\u202e" = 1'))
    assert said.isprintable()


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / "config.toml"
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    file.write_bytes(data)
    with suppress(UsageError):
        assert load_config(file, {}).source == file


# -- what only the caller knows ----------------------------------------------------


def test_a_theme_that_does_not_exist_is_named_with_who_asked(write: Write) -> None:
    file = write('theme = "nrod"')
    assert wrong(load_config(file, {})) == (
        "…/config.toml: there is no theme `nrod`. Did you mean `nord`?"
    )
    said = wrong(load_config(file, {"SFNWATCH_THEME": "qqqq"}))
    assert said.startswith("SFNWATCH_THEME: there is no theme `qqqq`. There are: high-")


def test_an_action_that_does_not_exist_is_named(write: Write) -> None:
    file = write('[keys]\n"player.togle" = "space"')
    assert wrong(load_config(file, {})) == (
        "…/config.toml: keys: there is no action `player.togle`."
        " Did you mean `player.toggle`?"
    )


@pytest.mark.parametrize(
    "keys",
    [
        '"player.loop" = "space"',
        '"player.loop" = ["x", "t"]',
        '"player.loop" = "x"\n"view.timeline" = "x"',
        '"player.loop" = " "',
    ],
)
def test_a_key_is_for_one_action_only(write: Write, keys: str) -> None:
    said = wrong(load_config(write(f"[keys]\n{keys}"), {}))
    assert "is for both `" in said
    assert "`player.loop`" in said


@pytest.mark.parametrize(
    "keys",
    [
        '"lanes.up" = "t"',
        '"player.loop" = "space"\n"player.toggle" = "l"',
        '"player.loop" = "space"\n"player.toggle" = []',
        '"player.loop" = ["x", "x"]',
        "",
    ],
)
def test_keys_may_change_places_and_be_used_elsewhere(write: Write, keys: str) -> None:
    config = load_config(write(f"[keys]\n{keys}"), {})
    check(config, themes=THEMES, actions=ACTIONS)


def test_actions_that_clash_by_themselves_are_no_fault_of_the_user() -> None:
    actions = {"a": Bound("app", ("x",)), "b": Bound("app", ("x",))}
    check(Config(), themes=THEMES, actions=actions)


# -- keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("?", "question_mark"),
        (" ", "space"),
        ("Space", "space"),
        ("pgdn", "pagedown"),
        ("G", "G"),
        ("shift+g", "G"),
        ("ctrl+P", "ctrl+p"),
        ("alt+G", "alt+shift+g"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("é", "é"),
        ("spce", None),
        ("ctrl+", None),
        ("ctrl+ctrl+a", None),
        ("foo+a", None),
        ("", None),
        ("\x1b", None),
        ("f25", None),
    ],
)
def test_a_key_has_one_name(text: str, name: str | None) -> None:
    assert key_name(text) == name


@given(st.characters(min_codepoint=0x21, max_codepoint=0x24FF))
def test_a_character_is_named_as_the_terminals_side_names_it(character: str) -> None:
    name = key_name(character)
    assert name in {None, _character_to_key(character)}
    assert (name is None) != character.isprintable() or character.isspace()


def test_every_key_suggested_can_be_pressed() -> None:
    known = {key.value for key in Keys}
    typed = {_character_to_key(chr(code)) for code in range(0x20, 0x7F)}
    assert set(suggested_keys()) <= known | typed


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_a_name_is_its_own_name(text: str) -> None:
    name = key_name(text)
    assert name is None or key_name(name) == name


def test_the_choices_of_a_type_are_those_of_the_file(write: Write) -> None:
    for field in ("time", "notify"):
        for word in get_args(Config.__annotations__[field]):
            assert getattr(load_config(write(f'{field} = "{word}"'), {}), field) == word


async def test_a_screen_obeys_the_keys_of_the_file(write: Write) -> None:
    class Bound(App[None]):
        BINDINGS = [  # noqa: RUF012
            Binding("space", "did('toggle')", "Toggle", id="player.toggle"),
            Binding("l", "did('loop')", "Loop", id="player.loop"),
            Binding("t", "did('timeline')", "Timeline", id="view.timeline"),
        ]
        done: list[str]

        def action_did(self, name: str) -> None:
            self.done.append(name)

    file = write('[keys]\n"player.toggle" = ["?", "G"]\n"player.loop" = ""\n')
    app = Bound()
    app.done = []
    app.set_keymap(keymap(load_config(file, {})))
    async with app.run_test() as pilot:
        await pilot.press("space", "question_mark", "G", "l", "t")
    assert app.done == ["toggle", "toggle", "timeline"]
