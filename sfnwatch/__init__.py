"""Watch an AWS Step Functions execution and the API calls it makes for you.

As a library: see `sfnwatch.library`. What it gives is imported when it is first asked
for, so that `import sfnwatch` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfnwatch.library import (
        ExecutionAsOf,
        Finding,
        Moment,
        SfnwatchError,
        findings,
        open_recording,
        watch,
    )

__all__ = [
    "ExecutionAsOf",
    "Finding",
    "Moment",
    "SfnwatchError",
    "__version__",
    "findings",
    "open_recording",
    "watch",
]
__version__ = "0.1.0"


if not TYPE_CHECKING:
    # A type checker shall find the names above, and no others.

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(import_module(f"{__name__}.library"), name)


def __dir__() -> list[str]:
    return __all__
