"""The HTTP session of every client: to the host that was asked, and to no other.

aiobotocore's own session follows redirects to any host, with the body and the session
token, and reads answers without end; it has no option against either. Whoever answers
with a redirect must not decide who gets that next. So this one stands in its place, as
`http_session_cls`: of botocore's clients for credentials too, and of what asks a
container's or an instance's own address for them.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiobotocore.awsrequest import AioAWSResponse
from botocore import exceptions as boto
from botocore.httpsession import (
    ProxyConfiguration,
    create_urllib3_context,
    get_cert_path,
    mask_proxy_url,
)
from yarl import URL

from sfnwatch.model.values import clean, size
from sfnwatch.sources.permissions import endpoint_refusal, is_link_local, is_loopback

LIMIT = 64 << 20
"""Bytes of an answer; the longest page of a history is far below it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_OTHER = 300
"""From this status on botocore reads an answer whole, a stream's too."""
_BUCKET_REGION = "x-amz-bucket-region"
"""S3 tells by it where a bucket is. Botocore then asks there, at AWS's own address, and
heeds no Location."""
_SHOWN = 100


class UnboundedError(Exception):
    """An answer that leads elsewhere, or does not end; the message names who sent it.

    Not one of botocore's own errors: it would send such a request once more.
    """


class UnsafeEndpointError(Exception):
    """A request was to go out in the clear; the message says where to."""


class HttpSession:
    """Sends a client's requests; raises botocore's errors, or one of those above.

    Nothing leaves this machine but by TLS, and what stays on it passes no proxy: by
    whatever an endpoint was named.
    """

    def __init__(
        self,
        *,
        verify: bool | str = True,
        proxies: dict[str, str] | None = None,
        timeout: tuple[float, float] = (60.0, 60.0),
        max_pool_connections: int = 10,
        connector_args: dict[str, Any] | None = None,
        metadata: bool = False,
        **_: Any,
    ) -> None:
        self._verify = verify
        """True, False, or the path of a CA bundle."""
        self._proxies = ProxyConfiguration(proxies=proxies)
        self._metadata = metadata
        """True where the machine's own credentials are handed out."""
        connect, read = timeout
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)
        self._connector_args = {"limit": max_pool_connections, **(connector_args or {})}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Reading the certificates takes long enough to make a frame late.
        context = await asyncio.to_thread(self._tls)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, **self._connector_args),
            timeout=self._timeout,
            skip_auto_headers={"Content-Type"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections; once more does no harm."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _tls(self) -> ssl.SSLContext:
        """Read the certificates to trust; raises botocore's InvalidConfigError."""
        context: ssl.SSLContext = create_urllib3_context()
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        context.check_hostname = True
        verify: Any = self._verify
        if path := get_cert_path(verify):
            try:
                if (bundle := Path(path)).exists() and not bundle.is_file():
                    # A pipe's writer would be waited for without end.
                    raise OSError(0, "it is no file")  # noqa: TRY301
                context.load_verify_locations(path)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it holds no certificate"
                msg = f"The CA bundle {clean(path, _SHOWN)} can't be read: {why}."
                raise boto.InvalidConfigError(error_msg=msg) from error
        return context

    async def send(self, request: Any) -> AioAWSResponse:
        """Send one request, as botocore has prepared and signed it."""
        beside = self._metadata and is_link_local(request.url)
        if refused := "" if beside else endpoint_refusal(_host(request.url)):
            raise UnsafeEndpointError(refused)
        proxy: str | None = None
        if not is_loopback(request.url):
            proxy = self._proxies.proxy_url_for(request.url)
        try:
            answer = await self._request(request, proxy)
            headers: Any = {
                key.decode(errors="replace").lower(): value.decode(errors="replace")
                for key, value in answer.raw_headers
            }
            if _BUCKET_REGION not in headers:
                _refuse_redirect(answer)
            raw: Any = answer
            if not request.stream_output or answer.status >= _FIRST_OTHER:
                raw = _ReadBody(await _read_whole(answer))
        except UnboundedError:
            raise
        except Exception as error:
            raise _of_boto(error, request, proxy) from error
        return AioAWSResponse(str(answer.url), answer.status, headers, raw)

    async def _request(self, request: Any, proxy: str | None) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("a request was sent by a client that is closed")
        headers = {
            key: value.decode() if isinstance(value, bytes) else str(value)
            for key, value in request.headers.items()
        }
        return await self._session.request(
            request.method,
            # What was signed is sent, character by character.
            URL(request.url, encoded=True),
            headers={**headers, "Accept-Encoding": "identity"},
            data=request.body,
            proxy=proxy,
            allow_redirects=False,
        )


class MetadataSessions:
    """Gives botocore's fetchers of a machine's own credentials a session a request."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[HttpSession]:
        """Give a session that asks what has no TLS, and asks it by no proxy."""
        timeout = self._timeout, self._timeout
        async with HttpSession(timeout=timeout, metadata=True) as session:
            yield session


class _ReadBody:
    """The body of an answer that was read; botocore's response asks for it again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


def _refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Raise UnboundedError for an answer that sends one on, naming both hosts."""
    target = answer.headers.get("Location")
    if answer.status not in _REDIRECTS or target is None:
        return
    answer.close()
    asked = str(answer.url)
    try:
        other = _host(urljoin(asked, target))
    except ValueError:
        other = clean(target, _SHOWN)
    msg = f"{_host(asked)} answered {answer.status}, a redirect to {other}"
    raise UnboundedError(f"{msg}, which is not followed: credentials would go along")


def _host(url: str) -> str:
    """Give scheme, host and port, without a name and a password."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", _SHOWN)


async def _read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer's body; raises UnboundedError for one longer than LIMIT."""
    chunks, read = list[bytes](), 0
    try:
        async for chunk in answer.content.iter_any():
            chunks.append(chunk)
            read += len(chunk)
            if read > LIMIT:
                break
    finally:
        if not answer.content.at_eof():
            answer.close()
    if read > LIMIT:
        where = _host(str(answer.url))
        raise UnboundedError(f"{where} answered with more than {size(LIMIT)}")
    return b"".join(chunks)


def _of_boto(error: Exception, request: Any, proxy: str | None) -> Exception:
    """Give botocore's error for one of aiohttp's: by its kind it is tried again."""
    url = _host(request.url)
    match error:
        case aiohttp.ClientSSLError():
            return boto.SSLError(endpoint_url=url, error=error)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            masked = mask_proxy_url(proxy or "")
            return boto.ProxyConnectionError(proxy_url=masked, error=error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return boto.ConnectionClosedError(
                error=error, request=request, endpoint_url=url
            )
        case aiohttp.ConnectionTimeoutError():
            return boto.ConnectTimeoutError(endpoint_url=url, error=error)
        case TimeoutError():
            return boto.ReadTimeoutError(endpoint_url=url, error=error)
        case aiohttp.ClientConnectionError() | OSError():
            return boto.EndpointConnectionError(endpoint_url=url, error=error)
        case _:
            return boto.HTTPClientError(error=error)
