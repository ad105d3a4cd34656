"""`python -m sfnwatch` is the same program as `sfnwatch`.

Nothing is imported that Python has not loaded by then: until `main` runs, Ctrl-C ends
Python as if the program were at fault.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_INTERRUPTED = 130
"""As shells tell a SIGINT; `errors.Outcome` may not be loaded by then."""


def main() -> "NoReturn":
    """Load the program and run it; Ctrl-C may come while it is loaded."""
    try:
        from sfnwatch.cli.main import main as run  # noqa: PLC0415 - see above

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
