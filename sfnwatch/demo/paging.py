"""One page of a list, and the token of the next page."""

from collections.abc import Mapping
from typing import TypeVar

from sfnwatch.demo.aws_error import AwsError

DemoItem = TypeVar("DemoItem")


def page_of(
    items: Mapping[str, DemoItem], token: str | None, size: int, bad_token: AwsError
) -> tuple[list[DemoItem], str]:
    """Return the items after a token, and the next token; "" after the last page.

    A token is the key of the last item of a page. Raises `bad_token` for any other.
    """
    keys = list(items)
    start = 0
    if token is not None:
        if token not in items:
            raise bad_token
        start = keys.index(token) + 1
    page_keys = keys[start : start + size]
    page = [items[key] for key in page_keys]
    is_last = start + size >= len(keys)
    next_token = "" if is_last else page_keys[-1]
    return page, next_token
