"""`python -m sfnwatch` is the same program as `sfnwatch`."""

import sys
from typing import NoReturn

_INTERRUPTED = 130
"""As shells tell a SIGINT; `errors.Outcome` may not be loaded by then."""


def main() -> NoReturn:
    """Load the program and run it; Ctrl-C may come while it is loaded."""
    try:
        from sfnwatch.cli.main import main as run  # noqa: PLC0415 - see above

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
