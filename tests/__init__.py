"""How hard the tests of laws try.

`SFNWATCH_FUZZ=50 pytest …` has the tests of laws try fifty times as many examples.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis import settings

TIMES = int(os.environ.get("SFNWATCH_FUZZ", "1"))
"""So many times as many examples as in an ordinary run."""


def examples(count: int) -> "settings":
    """Say how many examples of a law are tried, in an ordinary run."""
    # What is measured imports this package too, and would be charged for Hypothesis.
    from hypothesis import settings

    return settings(max_examples=count * TIMES)
