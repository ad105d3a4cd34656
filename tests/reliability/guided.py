"""Coverage-guided: `python -m tests.reliability.guided TARGET [libFuzzer options]`.

It needs atheris, which is none of this project's dependencies: it is built for a few
interpreters only. `pip install atheris` where that works.
"""

import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz one target until libFuzzer's options say to stop."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with atheris.instrument_imports(include=["sfnwatch"]):
        from tests.reliability.fuzz_targets import TARGETS

    name, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(TARGETS[name].corpus()):
            Path(folder, str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], *options, folder], TARGETS[name].read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
