"""The HTTP session of every client.

The session sends to the host that was asked, and to no other. aiobotocore's own session
follows redirects to any host, with the body and the session token, and reads answers of
any length; it has no option against either. A server that redirects must not decide who
gets the body and the token next. So this session replaces it, as `http_session_cls`:
also in botocore's clients for credentials, and for requests to a container's or an
instance's own address for them.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from os import fspath
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

from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean, size
from sfnwatch.sources.endpoints import endpoint_refusal, is_link_local, is_loopback

MOST_ANSWER_BYTES = 64 << 20
"""Most bytes of an answer; the longest page of a history is far below it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_OTHER = 300
"""From this status on botocore reads the whole answer, even of a stream."""
_BUCKET_REGION = "x-amz-bucket-region"
"""The header in which S3 names a bucket's Region. Botocore then asks there, at AWS's
own address, and ignores a Location."""
_TOKEN_HEADERS = frozenset(
    {
        "x-amz-security-token",
        "x-amz-sso_bearer_token",
        "x-aws-ec2-metadata-token",
    }
)
"""Headers that hold nothing but a token. Some are of requests for credentials; only
botocore has those tokens."""
_SHOWN = 100


class UnboundedError(Exception):
    """An answer redirects to another host, or is too long; the message names its host.

    It is not one of botocore's errors: botocore would send the request once more.
    """


class UnsafeEndpointError(Exception):
    """A request was about to be sent unencrypted; the message says where to."""


class HttpSession:
    """Sends a client's requests; raises botocore's errors, or one of the two above.

    Requests leave this machine only by TLS, and requests to this machine pass no proxy.
    That holds whether an option, the environment or a profile names the endpoint.
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
        # A file may have a table here; that is refused before anything is sent.
        self._verify = verify if verify is True or verify is False else fspath(verify)
        """True, False, or the path of a CA bundle."""
        self._proxies = ProxyConfiguration(proxies=proxies)
        self._metadata = metadata
        """True if it asks the address that hands out the machine's own credentials."""
        connect, read = timeout
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)
        self._connector_args = {"limit": max_pool_connections, **(connector_args or {})}
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(**self._connector_args),
            timeout=self._timeout,
            skip_auto_headers={"Content-Type"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; may be called again."""
        session = self._session
        self._session = None
        if session is not None:
            await session.close()

    def _read_certificates(self) -> ssl.SSLContext:
        """Read the trusted certificates; raises botocore's InvalidConfigError."""
        context: ssl.SSLContext = create_urllib3_context()
        context.check_hostname = bool(self._verify)
        if not self._verify:
            context.verify_mode = ssl.CERT_NONE
            return context
        verify: Any = self._verify
        path = get_cert_path(verify)
        if path:
            try:
                bundle = Path(path)
                if bundle.exists() and not bundle.is_file():
                    # Opening a pipe would wait for its writer without end.
                    raise OSError(0, "it is no file")  # noqa: TRY301
                context.load_verify_locations(path)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it holds no certificate"
                msg = f"The CA bundle {clean(path, _SHOWN)} can't be read: {why}."
                raise boto.InvalidConfigError(error_msg=msg) from error
        return context

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Self]:
        """Open it, for one of botocore's fetchers of a machine's own credentials.

        Fetchers take turns: there is one aiohttp session, and each closes it.
        """
        async with self._turn, self:
            yield self

    async def send(self, request: Any) -> AioAWSResponse:
        """Send one request, as botocore has prepared and signed it."""
        if not (self._metadata and is_link_local(request.url)):
            refusal = endpoint_refusal(_host(request.url))
            if refusal:
                raise UnsafeEndpointError(refusal)
        proxy: str | None = None
        if not is_loopback(request.url):
            proxy = self._proxies.proxy_url_for(request.url)
        if self._tls is None and urlsplit(request.url).scheme == "https":
            # Reading them takes long enough to make a frame of the screen late.
            self._tls = await asyncio.to_thread(self._read_certificates)
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
        for name, value in headers.items():
            if name.lower() in _TOKEN_HEADERS:
                KNOWN_SECRETS.keep(value)
        return await self._session.request(
            request.method,
            # The URL is sent exactly as it was signed.
            URL(request.url, encoded=True),
            headers={**headers, "Accept-Encoding": "identity"},
            data=request.body,
            proxy=proxy,
            ssl=self._tls or True,
            allow_redirects=False,
        )


class _ReadBody:
    """A body that has been read, for botocore's response, which reads it again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


def _refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Raise UnboundedError, naming both hosts, if an answer is a redirect."""
    target = answer.headers.get("Location")
    if answer.status not in _REDIRECTS or target is None:
        return
    answer.close()
    url = str(answer.url)
    try:
        other = _host(urljoin(url, target))
    except ValueError:
        other = clean(target, _SHOWN)
    msg = f"{_host(url)} answered {answer.status}, a redirect to {other}"
    raise UnboundedError(f"{msg}, which is not followed: credentials would go along")


def _host(url: str) -> str:
    """Return a URL's scheme, host and port, without a name and a password."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", _SHOWN)


async def _read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer's body; raises UnboundedError for one over MOST_ANSWER_BYTES."""
    try:
        await answer.content.readexactly(MOST_ANSWER_BYTES + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    finally:
        if not answer.content.at_eof():
            answer.close()
    where = _host(str(answer.url))
    raise UnboundedError(f"{where} answered with more than {size(MOST_ANSWER_BYTES)}")


_OF_PROXY = aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError
_CUT = aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError
_OF_BOTO: Sequence[tuple[Any, Callable[..., Exception]]] = (
    (aiohttp.ClientSSLError, boto.SSLError),
    (_OF_PROXY, boto.ProxyConnectionError),
    (_CUT, boto.ConnectionClosedError),
    (aiohttp.ConnectionTimeoutError, boto.ConnectTimeoutError),
    (TimeoutError, boto.ReadTimeoutError),
    ((aiohttp.ClientConnectionError, OSError), boto.EndpointConnectionError),
    (Exception, boto.HTTPClientError),
)
"""aiohttp's errors to botocore's; the first match counts."""


def _of_boto(error: Exception, request: Any, proxy: str | None) -> Exception:
    """Return botocore's error for one of aiohttp's; its class decides about retries."""
    kind = next(ours for theirs, ours in _OF_BOTO if isinstance(error, theirs))
    # A proxy that is not a URL can't be masked.
    masked = mask_proxy_url(proxy or "") if kind is boto.ProxyConnectionError else None
    # The error must not hold the request, whose headers have credentials.
    return kind(error=error, endpoint_url=_host(request.url), proxy_url=masked)
