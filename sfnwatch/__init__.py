"""Watch an AWS Step Functions execution and the API calls it makes for you.

As a library: see `sfnwatch.library`, whose names are this package's too. What it gives
is imported when it is first asked for, so that `import sfnwatch` costs nothing.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfnwatch.library import *  # noqa: F403
else:
    # A type checker shall find the names above, and no others.

    def __getattr__(name: str) -> object:
        from importlib.util import find_spec  # noqa: PLC0415

        if name == "__all__":
            return __dir__()
        # What runs `sfnwatch.cli` asks for `__path__` and the like, too, and
        # `from sfnwatch import library` first looks for an attribute.
        if name.startswith("__") or find_spec(f"{__name__}.{name}"):
            raise AttributeError(name)
        from sfnwatch import library  # noqa: PLC0415

        if name not in library.__all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(library, name)


def __dir__() -> list[str]:
    from sfnwatch.library import __all__ as names  # noqa: PLC0415

    return [*names, "__version__"]
