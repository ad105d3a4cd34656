"""Watch an AWS Step Functions execution and the API calls it makes for you.

As a library: see `sfnwatch.library`, whose names are this package's too. What it gives
is imported when it is first asked for, so that `import sfnwatch` costs nothing.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sfnwatch.library import *  # noqa: F403
else:
    # A type checker shall find the names above, and no others.

    def __getattr__(name: str) -> Any:
        # What runs `sfnwatch.cli` asks for `__path__` and the like, too, and
        # `from sfnwatch import session` first looks for an attribute.
        is_module = not name.startswith("_") and find_spec(f"{__name__}.{name}")
        if is_module or (name.startswith("__") and name != "__all__"):
            raise AttributeError(name)
        library = import_module(f"{__name__}.library")
        if name == "__all__":
            return [*library.__all__, "__version__"]
        if name not in library.__all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(library, name)


def __dir__() -> list[str]:
    return [*import_module(f"{__name__}.library").__all__, "__version__"]
