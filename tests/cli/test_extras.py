"""How a missing extra is said to be installed: as and from where the program was."""

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.errors import to_install

SOURCES: dict[str, tuple[dict[str, Any] | None, str]] = {
    "a registry": (None, "'sfnwatch[web]'"),
    "a folder": (
        {"url": "file:///src/my%20sfnwatch", "dir_info": {}},
        "'sfnwatch[web] @ file:///src/my%20sfnwatch'",
    ),
    "a folder, to work in": (
        {"url": "file:///src", "dir_info": {"editable": True}},
        "'sfnwatch[web] @ file:///src'",
    ),
    "a repository": (
        {"url": "https://host.example/x", "vcs_info": {"vcs": "git"}},
        "'sfnwatch[web] @ git+https://host.example/x'",
    ),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("tool", ["pipx", "uv tool", "pip", "uv"])
def test_it_is_installed_by_what_installed_the_program_and_from_there(
    source: str, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, requirement = SOURCES[source]

    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if told is None else json.dumps(told)

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed())
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: tool != "uv" or None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/env/bin/python")
    files = {"pipx": "pipx_metadata.json", "uv tool": "uv-receipt.toml"}
    if tool in files:
        (tmp_path / files[tool]).touch()
    how = {
        "pipx": "pipx install --force",
        "uv tool": "uv tool install",
        "pip": "/env/bin/python -m pip install",
        "uv": "uv pip install --python /env/bin/python",
    }
    assert to_install("web") == f"{how[tool]} {requirement}"


def test_where_nothing_tells_of_it_the_name_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_: str) -> None:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    assert to_install("web").endswith(" 'sfnwatch[web]'")
