"""How hard the tests of laws try.

`SFNWATCH_FUZZ=50 pytest …` has the tests of laws try fifty times as many examples.
"""

import os

from hypothesis import settings

_TIMES = int(os.environ.get("SFNWATCH_FUZZ", "1"))


def examples(count: int) -> settings:
    """Say how many examples of a law are tried, in an ordinary run.

    Those are the same each time; a longer run draws others.
    """
    return settings(max_examples=count * _TIMES, derandomize=_TIMES == 1)
