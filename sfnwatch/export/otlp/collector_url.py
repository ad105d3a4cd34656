"""The URL of a collector: whether it is valid, and how it is shown."""

import re

from yarl import URL

from sfnwatch.model.texts import clean

SHOWN_CHARACTERS = 200


def is_url(text: str) -> bool:
    try:
        url = URL(text)
    except (IndexError, ValueError):  # IndexError for brackets without a host
        return False
    # Nothing listens at port 0, which older versions take for no port.
    has_place = bool(url.host) and url.explicit_port != 0
    is_web = url.scheme in {"http", "https"}
    return is_web and has_place and not re.search(r"\s", text)


def shown_url(url: str) -> str:
    """Return a URL without user name, password and query, which may be a key."""
    bare, _, _ = url.partition("?")
    login, at, shown = bare.rpartition("@")
    if at:
        scheme, slashes, _ = login.rpartition("://")
        shown = f"{scheme}{slashes}…@{shown}"
    return clean(shown, SHOWN_CHARACTERS)
