"""What the project's page on a code host takes: templates, a workflow, an image."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_the_workflow_runs_our_own_scripts_on_three_platforms() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    platforms = set()
    for job in jobs.values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for runner in matrix.get("os", [job["runs-on"]]):
            platforms |= {(runner, python) for python in matrix.get("python", ())}
    assert platforms == {
        (f"{name}-latest", python)
        for name in ("ubuntu", "macos", "windows")
        for python in ("3.11", "3.12", "3.13", "3.14")
    }
    steps = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    scripts = {script for step in steps for script in re.findall(r"\.ci/\w+", step)}
    assert scripts == {".ci/run", ".ci/portable", ".ci/lowest"}
    for script in scripts:
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_a_template_asks_in_fields(name: str) -> None:
    template = read(TEMPLATES / f"{name}.yml")
    assert {"name", "description", "labels", "body"} <= template.keys()
    assert template["body"]
    for field in template["body"]:
        assert field["type"] in {"textarea", "input", "dropdown", "markdown"}
        assert field["attributes"]["label"]


def test_addresses_are_those_of_the_project() -> None:
    source = PROJECT["urls"]["Source"]
    text = "".join(path.read_text() for path in TEMPLATES.iterdir())
    pages = re.findall(r"https://\S+", text)
    assert pages
    for page in pages:
        assert page.startswith(f"{source}/"), page


def test_the_image_copies_all_that_a_wheel_is_built_of(tmp_path: Path) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"(?m)^COPY (.+)$", dockerfile):
        *names, place = line.split()
        for name in names:
            assert f"!{name}" in kept, "all else is kept from the build"
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tmp_path / place)
            else:
                shutil.copy(ROOT / name, tmp_path / place)
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel")
    done = subprocess.run(build, check=False, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "dist").glob("*.whl"))
    assert 'ENTRYPOINT ["sfnwatch"]\nCMD ["demo"]' in dockerfile
    assert "sfnwatch" in PROJECT["scripts"]
