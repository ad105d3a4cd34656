"""The keys, tokens and header values in use, hidden wherever an answer repeats them.

Code that sends a secret registers it here first. The secrets are taken out of all texts
and records that leave the program. Their exact values are known, so nothing is guessed.
Where no secret is in use, as in a replay, texts do not change.
"""

import re
from sys import maxsize

from msgspec import Struct

_SHORTEST = 8
"""Characters of a secret at least: shorter values occur in ordinary words."""
_MOST = 32
"""Secrets kept at most, the newest: a long watch renews its keys every hour."""
_HIDDEN = "…"
_HIDDEN_IN_JSON = rb"\u2026"
_RUNS = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[A-Za-z]")
_EXAMPLE = "EXAMPLE"
"""This is in all keys of AWS's documentation; the demo uses one of them."""
_SCHEME = "AWS4-HMAC-SHA256"
_AFTER_CREDENTIAL = r"[^\"'\\<>\n]*?(?:Signature=[0-9A-Fa-f]+|(?=[\"'\\<>\n]|\Z))"
"""Matches the rest of an Authorization header, after `Credential=`."""


class _Secret(Struct, frozen=True):
    """The patterns that find one secret."""

    run: str
    """A part that no encoding changes. It is looked for first, since that is cheap."""
    run_in_json: bytes
    in_text: re.Pattern[str]
    in_json: re.Pattern[bytes]


def _secret(run: str, pattern: str) -> _Secret:
    return _Secret(run, run.encode(), re.compile(pattern), re.compile(pattern.encode()))


_AUTHORIZATION = _secret(
    _SCHEME, rf"{_SCHEME}(?:\+|%20| )*Credential={_AFTER_CREDENTIAL}"
)


class KnownSecrets:
    """The secrets of this process."""

    def __init__(self) -> None:
        self._secrets: dict[str, _Secret] = {}
        self._shortest = maxsize
        """Characters of the shortest secret: a shorter text can't contain any."""

    def keep(self, value: str | None) -> None:
        """Hide a value from now on, unless it is short, an example or a number."""
        # An answer may repeat it without its padding, or with the padding encoded.
        text = (value or "").rstrip("=")
        if text in self._secrets or _EXAMPLE in text:
            return
        if len(text) < _SHORTEST or not _LETTER.search(text):
            return
        longest_run = max(_RUNS.findall(text), key=len)
        pattern = "".join(map(_encoded, text))
        self._secrets[text] = _secret(longest_run, pattern)
        if len(self._secrets) > _MOST:
            self._secrets.pop(next(iter(self._secrets)))
        self._shortest = min(map(len, self._secrets))

    def forget(self) -> None:
        """Forget all secrets, so that none is hidden any more."""
        self._secrets.clear()
        self._shortest = maxsize

    def hide(self, text: str) -> str:
        """Return a text without secrets; they are found in URLs, JSON and HTML too."""
        if len(text) < self._shortest:
            return text
        for secret in (_AUTHORIZATION, *self._secrets.values()):
            if secret.run in text:
                text = secret.in_text.sub(_HIDDEN, text)
        return text

    def hide_in_json(self, data: bytes) -> bytes:
        """Return a JSON text without secrets; the same object where it has none."""
        if len(data) < self._shortest:
            return data
        for secret in (_AUTHORIZATION, *self._secrets.values()):
            if secret.run_in_json in data:
                # A function's result is inserted as it is, so the backslash stays.
                data = secret.in_json.sub(lambda _: _HIDDEN_IN_JSON, data)
        return data


def _encoded(character: str) -> str:
    """Return a pattern for a character: plain, or as URLs, JSON and HTML write it."""
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    forms = (
        rf"\\*{plain}",
        rf"\\+u{code:04x}",
        rf"%(?:25)?{code:02x}",
        rf"&#x0*{code:x};",
        rf"&#0*{code};",
    )
    return f"(?i:{'|'.join(forms)})"


KNOWN_SECRETS = KnownSecrets()
"""Shared by the whole process, like its stderr and its debug file."""
