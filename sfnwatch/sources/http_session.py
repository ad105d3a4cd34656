"""The HTTP session of every client: to the host that was asked, and to no other.

aiobotocore's own session follows redirects, with all headers and the body, to any
host; it has no option against that, and no public place where it could be told. So
this one stands in its place, as `http_session_cls`; botocore's clients for credentials
get it too.
"""

import asyncio
import ssl
from types import TracebackType
from typing import Any, Self

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

from sfnwatch.sources.bounded import UnboundedError, read_whole, refuse_redirect

_FIRST_OTHER = 300
"""From this status on botocore reads an answer whole, a stream's too."""
_BUCKET_REGION = "x-amz-bucket-region"
"""S3 tells by it where a bucket is. Botocore then asks there, at AWS's own address, and
heeds no Location."""


class HttpSession:
    """Sends a client's requests; raises botocore's errors, or UnboundedError."""

    def __init__(
        self,
        *,
        verify: bool | str = True,
        proxies: dict[str, str] | None = None,
        timeout: tuple[float, float] = (60.0, 60.0),
        max_pool_connections: int = 10,
        connector_args: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self._verify = verify
        """True, False, or the path of a CA bundle."""
        self._proxies = ProxyConfiguration(proxies=proxies)
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections; once more does no harm."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _tls(self) -> ssl.SSLContext:
        context: ssl.SSLContext = create_urllib3_context()
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        context.check_hostname = True
        verify: Any = self._verify
        if path := get_cert_path(verify):
            context.load_verify_locations(path)
        return context

    async def send(self, request: Any) -> AioAWSResponse:
        """Send one request, as botocore has prepared and signed it."""
        proxy: str | None = self._proxies.proxy_url_for(request.url)
        try:
            answer = await self._request(request, proxy)
            headers: Any = {
                key.decode(errors="replace").lower(): value.decode(errors="replace")
                for key, value in answer.raw_headers
            }
            if _BUCKET_REGION not in headers:
                refuse_redirect(answer)
            raw: Any = answer
            if not request.stream_output or answer.status >= _FIRST_OTHER:
                raw = _Read(await read_whole(answer))
        except UnboundedError:
            raise
        except Exception as error:
            raise _of_boto(error, request, proxy) from error
        return AioAWSResponse(str(answer.url), answer.status, headers, raw)

    async def _request(self, request: Any, proxy: str | None) -> aiohttp.ClientResponse:
        if self._session is None:
            msg = "a request was sent by a client that is closed"
            raise RuntimeError(msg)
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


class _Read:
    """The body of an answer that was read; a response asks for it once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


def _of_boto(error: Exception, request: Any, proxy: str | None) -> Exception:
    """Give botocore's error for one of aiohttp's: by its kind it is tried again."""
    url = request.url
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
