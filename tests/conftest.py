"""What every test stands on: no AWS settings of the developer, no color, no hurry."""

import gc
import os
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

from sfnwatch.model.known_secrets import KNOWN_SECRETS
from tests import TIMES

# Textual reads these when it is imported, and pytest may import it before a fixture
# could run.
for variable in ("NO_COLOR", "TEXTUAL_THEME", "FORCE_COLOR", "COLORTERM", "COLORFGBG"):
    os.environ.pop(variable, None)

# Else every program that a test starts compiles anew all that it imports: seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# By default the collector looks through the whole of a screen's widgets every 700
# objects: a fifth of the time that the screens' tests take. Memory grows by 30 MB.
gc.set_threshold(50_000, 20, 10)


def pytest_collection_finish() -> None:
    """Have the collector pass over what stays: all tests, and all that they import."""
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Run two workers more than there are cores: many tests wait for a program."""
    return (os.cpu_count() or 1) + 2


settings.register_profile(
    "sfnwatch",
    deadline=None,
    # An ordinary run tries the same examples each time; a longer one draws others.
    derandomize=TIMES == 1,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("sfnwatch")


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    """Forget the keys of a test: another's records may be made of them."""
    yield
    KNOWN_SECRETS.forget()


_homes = count()


@pytest.fixture(autouse=True)
def no_aws(
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Shut out the developer's own AWS settings, recordings, proxies and locale."""
    # Most tests have no file: to make a folder takes longer than many of them.
    home = tmp_path_factory.getbasetemp() / f"nobody-{next(_homes)}"
    if "tmp_path" in request.fixturenames:
        home = request.getfixturevalue("tmp_path")
    for name in list(os.environ):
        if name.startswith(("AWS_", "SFNWATCH_")) and name != "SFNWATCH_FIXTURES":
            monkeypatch.delenv(name)
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    for name in (*proxies, "LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
