"""Page tokens: opaque, bound to the request they continue, and dated."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import blake2s
from hmac import compare_digest

import msgspec

_SIGNATURE = 16


class BadTokenError(Exception):
    """A token that is not ours, is another request's, or is too old."""


class _Place(msgspec.Struct, array_like=True):
    request: str
    cursor: str
    issued_at: float


class Tokens:
    """Issues and reads the tokens of one world, across restarts of its server."""

    def __init__(self, key: str) -> None:
        self._key = blake2s(key.encode()).digest()

    def issue(self, request: str, cursor: str, now: datetime) -> str:
        """Return a token that continues `request` after `cursor`."""
        place = _Place(self._sign(request.encode()).hex(), cursor, now.timestamp())
        body = msgspec.json.encode(place)
        return urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def cursor(
        self,
        token: str,
        request: str,
        now: datetime,
        max_age: timedelta = timedelta(days=1),
    ) -> str:
        """Return where the token says to go on."""
        place = self._open(token)
        if place.request != self._sign(request.encode()).hex():
            raise BadTokenError("of another request")
        if now.timestamp() - place.issued_at > max_age.total_seconds():
            raise BadTokenError("too old")
        return place.cursor

    def _open(self, token: str) -> _Place:
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError) as error:
            raise BadTokenError("not base64") from error
        signature, body = sealed[:_SIGNATURE], sealed[_SIGNATURE:]
        if not compare_digest(signature, self._sign(body)):
            raise BadTokenError("not ours")
        return msgspec.json.decode(body, type=_Place)

    def _sign(self, body: bytes) -> bytes:
        return blake2s(body, key=self._key, digest_size=_SIGNATURE).digest()
