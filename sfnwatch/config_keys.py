"""The names of keys, as they may be written in a file: `?`, `space`, `ctrl+p`.

The long names are those that terminals' keys have on the screen's side; a test holds
that every one given here is one that can really be pressed.
"""

import unicodedata

_MODIFIERS = ("ctrl", "shift", "alt", "super", "meta", "hyper")
_NAMED = frozenset(
    {
        *("enter", "escape", "tab", "space", "backspace", "insert", "delete"),
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
_ALIASES = {
    "return": "enter",
    "esc": "escape",
    "del": "delete",
    "page_up": "pageup",
    "page_down": "pagedown",
    "pgup": "pageup",
    "pgdn": "pagedown",
}
_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Characters whose key has a shorter name than Unicode's."""
_CHARACTERS = [chr(code) for code in range(0x21, 0x7F)]


def key_name(text: str) -> str | None:
    """Give the long name of a key, or None when there is no such key."""
    *modifiers, key = _parts(text if text == " " else text.strip())
    held = set(modifiers)
    if len(held) < len(modifiers) or not held <= {*_MODIFIERS}:
        return None
    if len(key) == 1 and key.isalpha():
        held, key = _with_case(held, key)
    name = _single(key)
    return "+".join([*sorted(held), name]) if name else None


def _with_case(held: set[str], letter: str) -> tuple[set[str], str]:
    """Write a capital as it will be reported: `G`, `ctrl+g`, `alt+shift+g`."""
    if held == {"shift"}:
        return set(), letter.upper()
    if letter.isupper() and held:
        shift = {"shift"} if "alt" in held else set()
        return held | shift, letter.lower()
    return held, letter


def _parts(text: str) -> list[str]:
    """Split at `+`, which may be the key itself: `+`, `ctrl++`."""
    if text == "+" or text.endswith("++"):
        return [*_parts(text[:-2]), "+"] if len(text) > 1 else ["+"]
    *modifiers, key = text.split("+")
    return [*(modifier.lower() for modifier in modifiers), key]


def _single(key: str) -> str | None:
    if len(key) == 1:
        return _character_name(key)
    name = _ALIASES.get(key.lower(), key.lower())
    if name in _NAMED or name in _names_of_characters():
        return name
    return None


def _character_name(character: str) -> str | None:
    if character == " ":
        return "space"
    if not character.isprintable():
        return None
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower()
    name = name.replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name) or None


def _names_of_characters() -> set[str]:
    names = (_character_name(character) for character in _CHARACTERS)
    return {name for name in names if name is not None}


def suggested_keys() -> list[str]:
    """Give every name worth suggesting, in a fixed order."""
    return sorted(_NAMED | {n for n in _names_of_characters() if len(n) > 1})
