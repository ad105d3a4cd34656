"""Make the table of AWS's operations and error codes from botocore's models.

    python -m tests.view.make_vocabulary

writes `templates/aws_vocabulary.json`. The package may not import botocore where names
are replaced, so it holds as data which names are AWS's own; a test compares the two.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore

from tests.model.make_sdk_services import read_models

TABLE = Path(str(files("sfnwatch.templates"))) / "aws_vocabulary.json"
_VERB = re.compile(r"[A-Z][a-z0-9]*")
Groups = dict[str, list[str]]


def modeled() -> tuple[dict[str, Any], set[str]]:
    """Give what the models of today say, as the file has it.

    And the names that requests and answers have, each with a capital.
    """
    operations: set[str] = set()
    codes: set[str] = set()
    members: set[str] = set()
    for model in read_models():
        operations.update(model["operations"])
        codes.update(_codes(model))
        for shape in model["shapes"].values():
            members.update(
                name[:1].upper() + name[1:] for name in shape.get("members", ())
            )
    table = {
        "botocore": botocore.__version__,
        "operations": _grouped(operations),
        "error_codes": " ".join(sorted(codes)),
    }
    return table, members


def _codes(model: dict[str, Any]) -> Iterator[str]:
    for name, shape in model["shapes"].items():
        if shape.get("exception"):
            yield shape.get("error", {}).get("code") or name


def _grouped(operations: set[str]) -> dict[str, str]:
    """Write the names in a line for each verb: `"Run": "Instances Task …"`."""
    groups: Groups = {}
    for name in sorted(operations):
        match = _VERB.match(name)
        verb = match[0] if match else ""
        groups.setdefault(verb, []).append(name[len(verb) :] or ".")
    return {verb: " ".join(rest) for verb, rest in groups.items()}


def main() -> None:
    text = json.dumps(modeled()[0], indent=1, ensure_ascii=True)
    TABLE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
