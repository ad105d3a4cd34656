"""How to come by an extra, wherever the program is installed."""

import sys
from pathlib import Path

import pytest

from sfnwatch.errors import to_install


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ("pyvenv.cfg", "pip install 'sfnwatch[web]'"),
        ("pipx_metadata.json", "pipx install --force 'sfnwatch[web]'"),
        ("uv-receipt.toml", "uv tool install 'sfnwatch[web]'"),
    ],
)
def test_it_is_told_as_the_program_was_installed(
    lies: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip would put it elsewhere, where pipx or uv made the environment."""
    (tmp_path / lies).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert to_install("web") == said
