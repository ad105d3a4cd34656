"""Names and ids of AWS's form, the same for the same key.

The world must come out the same when a killed demo starts again, so nothing here is
random: every id is drawn from dice that a key (seed, epoch, scenario) loads.
"""

import random
import string
import uuid

ACCOUNT_ID = "123456789012"
REGION = "ap-northeast-1"

_KEY_LETTERS = string.ascii_uppercase + "234567"


def arn(service: str, resource: str) -> str:
    """Return the ARN of something in the demo's account and Region."""
    region = "" if service in {"iam", "sts"} else REGION
    return f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{resource}"


class Dice:
    """Draws ids and small spreads of time, in an order that its key fixes."""

    def __init__(self, *key: object) -> None:
        text = "/".join(str(part) for part in key)
        self._random = random.Random(text)  # noqa: S311 - repeatable on purpose

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def hex(self, length: int) -> str:
        return self._pick("0123456789abcdef", length)

    def session(self) -> str:
        """Return a role session as Step Functions names them: 32 letters."""
        return self._pick(string.ascii_letters, 32)

    def key_id(self) -> str:
        """Return the id of a temporary key."""
        return "ASIA" + self._pick(_KEY_LETTERS, 16)

    def role_id(self) -> str:
        """Return a role's unique id, which is a letter longer than a key's."""
        return "AROA" + self._pick(_KEY_LETTERS, 17)

    def seconds(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def choice(self, *options: str) -> str:
        return self._random.choice(options)

    def digits(self, length: int) -> str:
        return self._pick(string.digits, length)

    def lag(self) -> float:
        """Return how late CloudTrail delivers one record, in seconds."""
        return self._random.triangular(45, 270, 130)

    def _pick(self, letters: str, length: int) -> str:
        return "".join(self._random.choices(letters, k=length))
