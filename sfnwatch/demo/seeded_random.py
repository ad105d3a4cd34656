"""Random numbers and ids that are the same for the same key."""

import random
import string
import uuid

_KEY_LETTERS = string.ascii_uppercase + "234567"


class SeededRandom(random.Random):
    """A random generator seeded with its key, so that it always draws the same.

    A demo that was killed and starts again must show the same account, so every id
    and every spread of time is drawn with a key that names its purpose.
    """

    def __init__(self, *key: object) -> None:
        super().__init__("/".join(map(str, key)))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def hex(self, length: int) -> str:
        return self._pick("0123456789abcdef", length)

    def digits(self, length: int) -> str:
        return self._pick(string.digits, length)

    def session(self) -> str:
        """Return a role session as Step Functions names them: 32 letters."""
        return self._pick(string.ascii_letters, 32)

    def key_id(self) -> str:
        """Return the id of a temporary access key."""
        return "ASIA" + self._pick(_KEY_LETTERS, 16)

    def role_id(self) -> str:
        """Return a role's unique id, which is one letter longer than a key's."""
        return "AROA" + self._pick(_KEY_LETTERS, 17)

    def lag(self) -> float:
        """Return how late CloudTrail delivers one record, in seconds."""
        return self.triangular(45, 270, 130)

    def _pick(self, letters: str, length: int) -> str:
        return "".join(self.choices(letters, k=length))
