"""What is set in a file or the environment: read, refused, followed and shown."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from textual.keys import Keys

from sfnwatch.cli.command_tree import settable
from sfnwatch.cli.settable_option import SettableOption
from sfnwatch.config.config import Config, config_path, load_config, with_keymap
from sfnwatch.config.key_maps import SHIPPED_KEYMAPS
from sfnwatch.config.key_names import key_name
from sfnwatch.errors import UsageError
from sfnwatch.tui.actions import BY_ID, check_user_keys
from sfnwatch.tui.themes import check_theme
from tests.builders import ARN
from tests.cli.programs import COMMANDS, Program

EVERY = {path: each for path, each in COMMANDS.items() if settable(each)}


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SFNWATCH_CONFIG", str(path))
    path.touch()
    return path


def rows(program: Program, *words: str, **env: str) -> dict[str, tuple[object, str]]:
    ended = program("config", "--json", *words, **env)
    assert ended.code == 0, ended.err
    return {row["key"]: (row["value"], row["from"]) for row in ended.json["settings"]}


# -- where a value came from -----------------------------------------------------------


def test_each_value_is_shown_with_where_it_came_from(
    program: Program, file: Path
) -> None:
    file.write_text('theme = "nord"\ndrain = "20m"\n[demo]\nspeed = 50\n')
    found = rows(program, SFNWATCH_PROFILE="dev", SFNWATCH_TIME="local")
    assert found["theme"] == ("nord", str(file))
    assert found["time"] == ("local", "SFNWATCH_TIME")
    assert found["drain"] == ("20m", str(file))
    assert found["profile"] == ("dev", "SFNWATCH_PROFILE")
    assert found["demo.speed"] == ("50", str(file))
    assert found["replay.speed"] == (None, "default")
    assert found["look-back"] == ("24h", "default")
    assert found["notify"] == ("off", "default")
    (line,) = (each for each in program("config").lines if each.startswith("drain "))
    assert line.split() == ["drain", "20m", str(file)]


def test_what_awss_own_variables_say_is_shown_as_theirs(program: Program) -> None:
    """A variable of ours overrules them, as an option does."""
    aws = {"AWS_PROFILE": "dev", "AWS_DEFAULT_REGION": "eu-west-3"}
    found = rows(program, AWS_ENDPOINT_URL="http://127.0.0.1:9", **aws)
    assert found["profile"] == ("dev", "AWS_PROFILE")
    assert found["watch.region"] == ("eu-west-3", "AWS_DEFAULT_REGION")
    assert found["athena-ddl.region"] == (None, "default"), "it asks nothing of AWS"
    assert found["endpoint-url"] == ("http://127.0.0.1:9", "AWS_ENDPOINT_URL")
    more = {**aws, "AWS_REGION": "eu-west-2", "SFNWATCH_PROFILE": "mine"}
    found = rows(program, "explain", **more)
    assert found["profile"] == ("mine", "SFNWATCH_PROFILE")
    assert found["region"] == ("eu-west-2", "AWS_REGION")
    found = rows(program, "watch", "--region", "eu-north-1", **more)
    assert found["region"] == ("eu-north-1", "option")


def test_of_a_command_line_it_shows_what_that_comes_to(
    program: Program, file: Path
) -> None:
    file.write_text('drain = "20m"\n')
    words = ("demo", "--speed", "7", "--theme", "nord")
    found = rows(program, *words, SFNWATCH_NO_RECORD="1")
    assert found["speed"] == (7.0, "option")
    assert found["theme"] == ("nord", "option")
    assert found["drain"] == ("20m", str(file))
    assert found["no-record"] == (True, "SFNWATCH_NO_RECORD")
    assert "profile" not in found
    found = rows(program, "watch", ARN, "--record", "run.jsonl", "--since", "24h")
    assert found["record"] == ("run.jsonl", "option")
    assert found["since"] == ("1 day, 0:00:00", "option")
    assert "'man' has no settings." in program("config", "man").said(2)


def test_themes_and_keys_are_shown_with_their_files(
    program: Program, file: Path
) -> None:
    file.write_text('keymap = "mine"\n[keys]\n"player.loop" = "O"\n')
    (file.parent / "themes").mkdir()
    (file.parent / "themes" / "mine.toml").write_text('primary = "teal"')
    found = rows(program, SFNWATCH_NOTIFY="bell")
    assert found["notify"] == ("bell", "SFNWATCH_NOTIFY")
    assert found["keymap"] == ("mine", str(file))
    assert found["keys"] == (["player.loop"], str(file))
    assert found["themes"] == (["mine"], f"{file.parent}/themes/mine.toml")


@pytest.mark.parametrize("path", EVERY, ids=".".join)
def test_every_option_is_set_by_its_name_in_each_place(
    program: Program, file: Path, path: tuple[str, ...]
) -> None:
    options = settable(EVERY[path])
    told = {key: samples(option) for key, option in options.items()}
    lines = [f"{key} = {written}" for key, (written, *_) in told.items()]
    file.write_text("\n".join((f"[{'.'.join(path)}]", *lines)))
    found = rows(program)
    named = {key: f"SFNWATCH_{key.upper().replace('-', '_')}" for key in told}
    other = rows(program, **{named[key]: said for key, (_, _, said, _) in told.items()})
    for key, (_, value, _, overruled) in told.items():
        whole = ".".join((*path, key))
        assert found.get(whole, found.get(key)) == (value, str(file))
        assert other.get(whole, other.get(key)) == (overruled, named[key])


URLS = "http://127.0.0.1:1", "http://127.0.0.1:2"
SAMPLES = {
    "otlp": URLS,
    "endpoint-url": URLS,
    "account": ("1" * 12, "2" * 12),
    "organization": ("o-" + "1" * 10, "o-" + "2" * 10),
    "region": ("eu-west-1", "eu-west-2"),
}
"""Of options that take no other text."""


def samples(option: SettableOption) -> tuple[str, Any, str, Any]:
    """Give a value as a file has it, what it comes to, and the same of a variable."""
    if option.is_flag:
        return "true", True, "no", False
    if isinstance(option.type, click.Choice):
        one, other = option.type.choices[:2]
    elif option.key in SAMPLES:
        one, other = SAMPLES[option.key]
    else:
        one, other = ("a", "b") if option.multiple else ("7", "8")
    if option.multiple:
        # A variable is for all commands, and most take one Region alone.
        more = [other] if option.key == "region" else [other, one]
        return f'["{one}", "{other}"]', [one, other], ",".join(more), more
    return f'"{one}"', one, other, other


def test_every_option_can_be_set_but_what_must_be_meant_each_time() -> None:
    for path, command in EVERY.items():
        for param in command.params:
            if isinstance(param, click.Option) and param.name != "yes":
                assert isinstance(param, SettableOption), (path, param)


def test_a_key_is_of_one_kind_in_all_commands() -> None:
    """One variable and one line of a file are for all of them."""
    kinds: dict[str, set[bool]] = {}
    for command in EVERY.values():
        for key, option in settable(command).items():
            kinds.setdefault(key, set()).add(bool(option.is_flag))
    assert not [key for key, found in kinds.items() if len(found) > 1]


# -- who overrules whom ----------------------------------------------------------------


def test_the_command_line_overrules_the_variable_and_that_the_file(
    program: Program, file: Path
) -> None:
    file.write_text('plain = true\nspeed = 2000\ndrain = "0"\nno-record = true\n')
    # A filter is for the screen; of a setting nothing is said where lines are printed.
    plain = program("demo", "async", SFNWATCH_FILTER="~e", SFNWATCH_THEME="nord")
    assert "✔ Execution succeeded" in plain.out
    assert program.recordings == []
    assert program("demo", "async", "--json").objects[-1]["kind"] == "end"
    assert program("demo", "async", SFNWATCH_PLAIN="0").code == 0
    recorded = program("demo", "async", "--record", "run.jsonl")
    assert recorded.recording == Path("run.jsonl")


def test_a_command_s_own_table_overrules_what_holds_for_all(
    program: Program, file: Path
) -> None:
    file.write_text("speed = 3\nredact = true\n[demo]\nspeed = 5\n")
    assert rows(program, "demo")["speed"] == ("5", str(file))
    assert rows(program, "replay")["speed"] == ("3", str(file))
    assert rows(program, "explain")["redact"] == (True, str(file))
    file.write_text("[redact]\nkeep-state-names = true\n[recordings.prune]\nyes = true")
    assert "unknown key `recordings.prune.yes`" in program("recordings").said(2)


# -- what is wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spede = 1", "unknown key `spede`. Did you mean `speed`?"),
        ("[demo]\nto = 'x'", "unknown key `demo.to`. There are: "),
        ("plain = 1", "`plain`: Expected `bool`, got `int`."),
        ("[drain]", "`drain`: Expected `int | float | str`, got `object`."),
        ("yes = true", "unknown key `yes`"),
        ('"a\\u001b]0;x\\u0007\\u202e" = 1', "unknown key `a␛]0;x␇"),
        ("theem = 1", "unknown key `theem`. Did you mean `theme`?"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(
    program: Program, file: Path, text: str, said: str
) -> None:
    file.write_text(text)
    for words in (("config",), ("demo", "async"), ("replay", "x")):
        told = program(*words).said(2)
        assert told.startswith(f"{file}")
        assert said in told
    for words in (("demo", "--help"), ("--version",), ("man",), ("completion", "zsh")):
        assert program(*words).code == 0
    assert program("config", "--path").out == f"{file}\n"


@pytest.mark.parametrize("words", [("demo", "async"), ("config",), ("config", "demo")])
def test_a_value_that_can_not_be_is_said_with_who_set_it(
    program: Program, file: Path, words: tuple[str, ...]
) -> None:
    for option, value in (("drain", "soon"), ("record", "a\\u0000b"), ("time", "x")):
        file.write_text(f'{option} = "{value}"')
        said = program(*words).said(2)
        assert said.startswith(f"{file}: Invalid value for '--{option}': ")
    file.write_text("")
    said = program(*words, SFNWATCH_SPEED="nought").said(2)
    assert said.startswith("SFNWATCH_SPEED: Invalid value for '--speed'")
    said = program(*words, SFNWATCH_PLAIN="maybe").said(2)
    assert said.startswith("SFNWATCH_PLAIN: Invalid value for '--plain'")


# -- the file itself -------------------------------------------------------------------

MINE = "[themes.mine]\nprimary = 'red'\n"
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
        check_user_keys(config.keys)
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
        '"move.up" = []\n"view.timeline" = "$"\n'
        '[themes.mine]\nprimary = "#88c0d0"\nerror = "red"\ndark = false\n'
        '[themes.mine.variables]\nborder = "#fff 20%"\n'
    )
    config = load_config(file, {})
    assert (config.source, config.where) == (file, str(file))
    assert config.options == {"theme": "mine"}
    assert config.keys == {
        "player.toggle": (("space", "K"), str(file)),
        "player.loop": ((), str(file)),
        "move.up": ((), str(file)),
        "view.timeline": (("dollar_sign",), str(file)),
    }
    mine = config.themes["mine"]
    assert (mine.name, mine.dark, mine.where) == ("mine", False, str(file))
    assert mine.colors == {"primary": "#88c0d0", "error": "red"}
    assert mine.variables == {"border": "#fff 20%"}
    check_theme("mine", config.themes, "")
    check_user_keys(config.keys)


def test_a_key_map_of_its_own_file_lies_below_the_configuration_s_keys(
    write: Write,
) -> None:
    config = load_config(write('[keys]\n"player.loop" = "O"\n'), {})
    own = '"player.toggle" = ["space", "K"]\n"player.loop" = ""\n'
    other = write(own, "keymaps/mine.toml")
    write('"no.action" = "x"', "keymaps/unused.toml")
    mine = with_keymap(config, "mine", "--keymap")
    assert mine.keys == {
        "player.toggle": (("space", "K"), str(other)),
        "player.loop": (("O",), config.where),
    }
    check_user_keys(mine.keys)
    unused = wrong(with_keymap(config, "unused", "--keymap"))
    assert unused.startswith("…/keymaps/unused.toml: keys: there is no action")


@pytest.mark.parametrize(
    "file", [*SHIPPED_KEYMAPS.glob("*.toml")], ids=lambda f: f.stem
)
def test_a_key_map_that_is_shipped_is_one_that_works(file: Path) -> None:
    mapped = with_keymap(Config(), file.stem, "--keymap")
    check_user_keys(mapped.keys)
    assert mapped.keys
    for name, chosen in mapped.keys.items():
        assert chosen.keys != BY_ID[name].keys


def test_a_key_map_of_one_s_own_goes_before_one_that_is_shipped(write: Write) -> None:
    config = load_config(write(""), {})
    write('"player.loop" = "O"', "keymaps/vim.toml")
    keys = with_keymap(config, "vim", "").keys
    assert {name: chosen.keys for name, chosen in keys.items()} == {
        "player.loop": ("O",)
    }


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
        ("[keys]\nx = 'spce'", "no key `spce`. Did you mean `space`?"),
        ("[keys]\nx = 'ctrl+entr'", "no key `ctrl+entr`. Did you mean `enter`?"),
        ("[keys]\nx = 3", "`keys.x`: Expected `str | array`, got `int`."),
        ("[keys]\nx = ['a', 3]", "`keys.x[1]`: Expected `str`, got `int`."),
        ("[themes.mine]\ndark = true", "the theme `mine` has no `primary` color."),
        (f"{MINE}backgrond = 'red'", "mine.backgrond`. Did you mean `background`?"),
        (f"{MINE}dark = 'no'", "`themes.mine.dark`: Expected `bool`, got `str`."),
        (f"{MINE}variables.border = 3", "mine.variables[...]`: Expected `str`, got"),
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


# -- what only the caller knows ----------------------------------------------------


def test_a_theme_or_an_action_that_is_not_there_is_named(write: Write) -> None:
    plain = load_config(write(""), {})
    for name, hint in (("nrod", "Did you mean `nord`?"), ("qqqq", "There are: ansi-")):
        said = f"^--theme: there is no theme `{name}`. {re.escape(hint)}"
        with pytest.raises(UsageError, match=said):
            check_theme(name, plain.themes, "--theme")
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
    names = {key.value for key in Keys if "+" not in key.value}
    unknown = {name for name in names if key_name(name) is None}
    odd = {"<any>", "<scroll-up>", "<scroll-down>", "<ignore>", "ctrl-at", "return"}
    assert unknown == odd
