"""The names of AWS's Regions, from the list beside botocore: without importing it."""

import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path


def region_names() -> list[str]:
    """Name all Regions of all partitions; none where the list can't be read."""
    spec = find_spec("botocore")
    places: Iterable[str] = spec.submodule_search_locations or () if spec else ()
    for place in places:
        try:
            data = json.loads((Path(place) / "data" / "partitions.json").read_bytes())
            found = [name for part in data["partitions"] for name in part["regions"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return [name for name in found if not name.endswith("-global")]
    return []
