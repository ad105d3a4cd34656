"""One browser for all the tests of a worker, and the viewers' pages served to it."""

from collections.abc import Iterator

import pytest

from tests.viewers.browser import Page, browser, served
from tests.viewers.readers import MERMAID, PERFETTO


@pytest.fixture(name="page", scope="session")
def _page() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture(name="perfetto_page", scope="session")
def _perfetto_page() -> Iterator[str]:
    """Give the address of Perfetto's own page."""
    with served(PERFETTO) as address:
        yield address


@pytest.fixture(name="mermaid_files", scope="session")
def _mermaid_files() -> Iterator[str]:
    """Give the address of Mermaid's built files."""
    with served(MERMAID) as address:
        yield address
