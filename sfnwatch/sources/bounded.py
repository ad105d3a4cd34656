"""What comes back over HTTP, within bounds: from the host that was asked, and finite.

A request has the session token in its headers, or a collector's key. Whoever answers
it with a redirect must not decide who gets that next.
"""

from urllib.parse import urljoin, urlsplit

import aiohttp

from sfnwatch.trace.text import clean, size

LIMIT = 64 << 20
"""Bytes of an answer; the longest page of a history is far below it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHOWN = 100


class UnboundedError(Exception):
    """An answer that leads elsewhere, or does not end; the message names who sent it.

    None of botocore's own kinds of trouble: it would send such a request once more.
    """


def refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Raise UnboundedError for an answer that sends one on, naming both hosts."""
    target = answer.headers.get("Location")
    if answer.status not in _REDIRECTS or target is None:
        return
    answer.close()
    asked = str(answer.url)
    msg = f"{_host(asked)} answered {answer.status}, a redirect to"
    why = "which is not followed: credentials would go along"
    raise UnboundedError(f"{msg} {_other(asked, target)}, {why}")


async def read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer's body; raises UnboundedError for one longer than LIMIT."""
    chunks, read = list[bytes](), 0
    try:
        async for chunk in answer.content.iter_any():
            chunks.append(chunk)
            read += len(chunk)
            if read > LIMIT:
                break
    except BaseException:
        answer.close()
        raise
    if read > LIMIT:
        answer.close()
        msg = f"{_host(str(answer.url))} answered with more than {size(LIMIT)}"
        raise UnboundedError(msg)
    return b"".join(chunks)


def _other(asked: str, target: str) -> str:
    try:
        return _host(urljoin(asked, target))
    except ValueError:
        return clean(target, _SHOWN)


def _host(url: str) -> str:
    """Give scheme, host and port, without a name and a password."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", _SHOWN)
