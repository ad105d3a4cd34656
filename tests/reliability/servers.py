"""A server in a thread, for a program that has an event loop of its own."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_REDIRECT = 3


@contextmanager
def served_by(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback; gives the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering(
    answer: Callable[[Any], tuple[int, Any]], bodies: list[bytes] | None = None
) -> Iterator[str]:
    """Answer each request, given its headers, with a status and JSON; gives the URL.

    Bytes are sent as they are. What the requests held goes to `bodies`.
    """
    taken = [] if bodies is None else bodies

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
            status, told = answer(self.headers)
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            if status // 100 == _REDIRECT:
                self.send_header("Location", told["Location"])
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that it is called by

        def log_message(self, *_: object) -> None:
            """Say nothing of it."""

    with served_by(Answering) as url:
        yield url
