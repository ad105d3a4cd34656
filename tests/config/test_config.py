"""Settings: what files and the environment come to, and what is refused."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import Keys

from sfnwatch.config import (
    SHIPPED_KEYMAPS,
    Bound,
    Config,
    check,
    config_path,
    key_name,
    load_config,
    with_keymap,
)
from sfnwatch.errors import UsageError
from sfnwatch.tui.actions import ACTIONS as SHOWN

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


def wrong(config: Config, theme: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        check(config, theme, "--theme", themes=THEMES, actions=ACTIONS)
    words = str(caught.value)
    return words.replace(str(config.source.parent), "…") if config.source else words


# -- what is read ------------------------------------------------------------------


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    assert config_path() == tmp_path / "config" / "sfnwatch" / "config.toml"
    assert load_config(None, {}) == Config()
    assert load_config(None, {"SFNWATCH_CONFIG": ""}) == Config()


def test_the_file_in_the_user_s_folder_is_read_and_one_that_is_named() -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text("[keys]\n")
    assert load_config(None, {}).source == config_path()
    other = config_path().with_name("other.toml")
    other.write_text("")
    assert load_config(None, {"SFNWATCH_CONFIG": str(other)}).source == other


def test_every_setting_is_read(write: Write) -> None:
    file = write(
        'theme = "mine"\n'
        '[keys]\n"player.toggle" = ["space", "K"]\n"player.loop" = ""\n'
        '"lanes.up" = []\n"view.timeline" = "?"\n'
        '[themes.mine]\nprimary = "#88c0d0"\nerror = "red"\ndark = false\n'
        '[themes.mine.variables]\nborder = "#fff 20%"\n'
    )
    config = load_config(file, {})
    assert (config.source, config.where) == (file, str(file))
    assert config.options == {"theme": "mine"}
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
    check(config, "mine", "", themes=THEMES, actions=ACTIONS)


def test_a_key_map_of_its_own_file_lies_below_the_configuration_s_keys(
    write: Write,
) -> None:
    config = load_config(write('[keys]\n"player.loop" = "O"\n'), {})
    own = '"player.toggle" = ["space", "K"]\n"player.loop" = ""\n'
    other = write(own, "keymaps/mine.toml")
    write('"no.action" = "x"', "keymaps/unused.toml")
    mine = with_keymap(config, "mine", "--keymap")
    assert mine.keys == {"player.toggle": ("space", "K"), "player.loop": ("O",)}
    places = {"player.toggle": str(other), "player.loop": config.where}
    assert mine.keys_where == places
    check(mine, None, "", themes=THEMES, actions=ACTIONS)
    unused = wrong(with_keymap(config, "unused", "--keymap"))
    assert unused.startswith("…/keymaps/unused.toml: keys: there is no action")


@pytest.mark.parametrize(
    "file", [*SHIPPED_KEYMAPS.glob("*.toml")], ids=lambda f: f.stem
)
def test_a_key_map_that_is_shipped_is_one_that_works(file: Path) -> None:
    mapped = with_keymap(Config(), file.stem, "--keymap")
    actions = {each.id: Bound(each.pane, each.keys) for each in SHOWN}
    check(mapped, None, "", themes=THEMES, actions=actions)
    assert mapped.keys
    assert all(mapped.keys[name] != actions[name].keys for name in mapped.keys)


def test_a_key_map_of_one_s_own_goes_before_one_that_is_shipped(write: Write) -> None:
    config = load_config(write(""), {})
    write('"player.loop" = "O"', "keymaps/vim.toml")
    assert with_keymap(config, "vim", "").keys == {"player.loop": ("O",)}


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keys = 1", "`keys`: Expected `object`, got `int`."),
        ("themes.mine = 1", "`themes.mine`: Expected `object`, got `int`."),
        ("a = [", "…/config.toml: Invalid value (at end of document)."),
        ('a = "nord"\n\nb = utc', "…/config.toml:3: Invalid value"),
        ("a = 'a'\na = 'b'\n", "…/config.toml:2: Cannot overwrite a value"),
        (b"\n\na = '\xff'", "…/config.toml:3: not UTF-8."),
        ("a = " + "[" * 5000, "…/config.toml: nested too deeply."),
        ("a = " + "9" * 5000, "…/config.toml: "),
        ("#" * (1 << 20) + "\n", "…/config.toml: too large to be a configuration."),
        (
            "[keys]\nx = 'spce'",
            "`keys.x`: there is no key `spce`. Did you mean `space`?",
        ),
        ("[keys]\nx = 'ctrl+entr'", "no key `ctrl+entr`. Did you mean `enter`?"),
        ("[keys]\nx = 3", "`keys.x`: Expected `str | array`, got `int`."),
        ("[keys]\nx = ['a', 3]", "`keys.x[1]`: Expected `str`, got `int`."),
        ("[themes.mine]\ndark = true", "the theme `mine` has no `primary` color."),
        (
            "[themes.mine]\nprimary = 'red'\nbackgrond = 'red'",
            "unknown key `themes.mine.backgrond`. Did you mean `background`?",
        ),
        (
            "[themes.mine]\nprimary = 'red'\ndark = 'no'",
            "`themes.mine.dark`: Expected `bool`, got `str`.",
        ),
        (
            "[themes.mine]\nprimary = 'red'\nvariables.border = 3",
            "`themes.mine.variables[...]`: Expected `str`, got `int`.",
        ),
        ('[themes.m]\n"a\\u001b]0;x\\u0007\\u202e" = 1', "key `themes.m.a␛]0;x␇"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(
    write: Write, text: str | bytes, words: str
) -> None:
    said = refusal(write(text))
    assert words in said
    assert said.startswith("…/config.toml")
    assert said.isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"player.toggle" = "spce"', "…/keymaps/mine.toml: `player.toggle`: there is"),
        ('"player.toggle" = 3', "…/keymaps/mine.toml: `player.toggle`: Expected"),
        ("=", "…/keymaps/mine.toml:1: "),
    ],
)
def test_a_mistake_in_a_file_of_its_own_names_that_file(
    write: Write, text: str, words: str
) -> None:
    config = load_config(write(""), {})
    write(text, "keymaps/mine.toml")
    with pytest.raises(UsageError) as caught:
        with_keymap(config, "mine", "--keymap")
    folder = str(config.source.parent) if config.source else ""
    assert str(caught.value).replace(folder, "…").startswith(words)
    write("primary = 'red'\npanl = 'red'", "themes/mine.toml")
    assert refusal(write("")) == (
        "…/themes/mine.toml: unknown key `panl`. Did you mean `panel`?"
    )


def test_a_key_map_that_is_not_there_is_named_with_who_asked(write: Write) -> None:
    config = load_config(write(""), {})
    with pytest.raises(UsageError, match=r"^--keymap: there is no key map `\.\./mine`"):
        with_keymap(config, "../mine", "--keymap")
    write("", "keymaps/vim.toml")
    with pytest.raises(UsageError, match=r"Did you mean `vim`\?"):
        with_keymap(config, "vi", "SFNWATCH_KEYMAP")


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Can't read .*none\.toml: No such file"):
        load_config(tmp_path / "none.toml", {})
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UsageError, match=f"{other.name}: not a file"):
            load_config(None, {"SFNWATCH_CONFIG": str(other)})


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


def test_a_theme_or_an_action_that_is_not_there_is_named(write: Write) -> None:
    plain = load_config(write(""), {})
    said = "--theme: there is no theme `nrod`. Did you mean `nord`?"
    assert wrong(plain, "nrod") == said
    said = "--theme: there is no theme `qqqq`. There are: high-contrast, nord, "
    assert wrong(plain, "qqqq").startswith(said)
    assert wrong(load_config(write('[keys]\n"player.togle" = "space"'), {})) == (
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


# -- keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [("?", "question_mark"), (" ", "space"), ("pgdn", "pagedown"), ("shift+g", "G")]
    + [("ctrl+P", "ctrl+p"), ("alt+G", "alt+shift+g"), ("ctrl++", "ctrl+plus")]
    + [(odd, None) for odd in ("spce", "ctrl+", "ctrl+ctrl+a", "", "\x1b", "f25")],
)
def test_a_key_has_one_name(text: str, name: str | None) -> None:
    assert key_name(text) == name


def test_every_key_that_the_screen_has_a_name_for_is_known_by_it() -> None:
    unknown = {key.value for key in Keys if key_name(key.value) is None}
    assert unknown == {"<any>", "<scroll-up>", "<scroll-down>", "<ignore>", "ctrl-at"}


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_a_name_is_its_own_name(text: str) -> None:
    name = key_name(text)
    assert name is None or key_name(name) == name
