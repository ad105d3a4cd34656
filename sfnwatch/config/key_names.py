"""The names of keys, as the screen reports them."""

import unicodedata

NAMED_KEYS = frozenset(
    {
        *("enter", "escape", "tab", "space", "backspace", "insert", "delete"),
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_ALIASES = {"pgup": "pageup", "pgdn": "pagedown"}
_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Characters whose key has a shorter name than Unicode's."""


def key_name(text: str) -> str | None:
    """Return the screen's long name of a key (`?`, `ctrl+p`); None if there is none."""
    if text != " ":
        text = text.strip()
    before, _, key = text.rpartition("+")
    if text == "+" or text.endswith("++"):
        # The key is the plus sign itself.
        before = text[:-2]
        key = "+"
    listed_modifiers = before.lower().split("+") if before else []
    modifiers = set(listed_modifiers)
    is_repeated = len(modifiers) < len(listed_modifiers)
    if is_repeated or not modifiers <= _MODIFIERS:
        return None
    if len(key) == 1 and key.isalpha():
        modifiers, key = _with_case(modifiers, key)
    name = _character_name(key) if len(key) == 1 else _named_key(key)
    if name is None:
        return None
    return "+".join([*sorted(modifiers), name])


def _with_case(modifiers: set[str], letter: str) -> tuple[set[str], str]:
    """Return a letter's key as it is reported: `G`, `ctrl+g`, `alt+shift+g`."""
    if modifiers == {"shift"}:
        return set(), letter.upper()
    if not letter.isupper() or not modifiers:
        return modifiers, letter
    if "alt" in modifiers:
        modifiers = modifiers | {"shift"}
    return modifiers, letter.lower()


def _named_key(key: str) -> str | None:
    name = _ALIASES.get(key.lower(), key.lower())
    return name if name in NAMED_KEYS else None


def _character_name(character: str) -> str | None:
    if character == " ":
        return "space"
    if not character.isprintable():
        return None
    if character.isalnum():
        return character
    unicode_name = unicodedata.name(character, "").lower()
    name = unicode_name.replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name) or None
