"""The lowest version of each dependency that pyproject.toml allows, for pip.

`python tests/packaging/lowest.py` prints constraints; `.ci/lowest` installs them and
runs a part of the tests on them.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRAS = ("archive", "web")
"""What users install beside the program; what tests need is another matter."""
_BOUND = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)>=(?P<version>[0-9.]+)(,<[0-9.]+)?")


def constraints() -> Iterator[str]:
    """Give `name==version` of each; raises ValueError for one that has no bound."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    extras = project["optional-dependencies"]
    for wanted in (*project["dependencies"], *(w for e in EXTRAS for w in extras[e])):
        bound = _BOUND.fullmatch(wanted)
        if bound is None:
            raise ValueError(f"{wanted}: no lower bound that can be installed")
        yield f"{bound['name']}=={bound['version']}"


if __name__ == "__main__":
    print(*constraints(), sep="\n")  # noqa: T201 - that is what it is for
