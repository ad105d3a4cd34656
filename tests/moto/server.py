"""moto with CloudTrail: a server around moto's own, in a process of its own.

Run as `python -m tests.moto.server`: it prints its port, and serves on loopback until
its standard input ends. `GET /truth` tells what was really called, and by which attempt
of which state. A number says how many LookupEvents a second it answers, where those are
not to be AWS's two: for whoever asks by another clock.
"""

import io
import json
import sys
import threading
import time
from typing import Any
from uuid import uuid4

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from msgspec.structs import replace
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from tests.moto.adapt import EVENT, MAKER, install
from tests.moto.trail import BLIND, AwsError, Call, Trail
from tests.sources.loopback import page_of

_DELAY = (0.2, 1.5)
"""Seconds after which CloudTrail tells of a call: out of order, as AWS does."""


class MotoWithCloudTrail:
    """A WSGI application: moto's, with what else AWS has."""

    def __init__(self, *rate: int) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._trail = Trail(_DELAY, *rate)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/truth":
            return _json(self._trail.truth())(environ, start_response)
        call = _call(request)
        environ["wsgi.input"] = io.BytesIO(request.get_data())
        response = self._answer(call, environ)
        # Every answer of AWS's has one, a UUID; few of moto's do.
        response.headers["x-amzn-RequestId"] = request_id = str(uuid4())
        if call.name:  # else no call, or the test's own in a form that isn't read
            answer = _read(response.get_data())
            done = replace(call, response=answer, status=response.status_code)
            self._trail.note(replace(done, request_id=request_id))
        return response(environ, start_response)

    def _answer(self, call: Call, environ: dict[str, Any]) -> Response:
        try:
            if call.name == "LookupEvents":
                return _json(self._trail.lookup(call.request, call.at))
            if call.name == "DescribeTasks" and call.role_name == BLIND:
                raise call.denial(call.request["tasks"][0])
        except AwsError as error:
            code, message = error.args
            return _json({"__type": code, "message": message}, 400)
        body, status, headers = run_wsgi_app(self._moto, environ)
        response = Response(b"".join(body), status, headers)
        if call.name == "GetExecutionHistory" and response.status_code == 200:
            return _json(_history(_read(response.get_data())["events"], call.request))
        return response


def _call(request: Request) -> Call:
    """Read a request; of one that is not in JSON little is told."""
    # Credential=KEY/DATE/REGION/SERVICE/aws4_request
    scope = request.headers.get("Authorization", "").partition("Credential=")[2]
    service = [*scope.split("/"), "", "", "", ""][3]
    invoked = "Invoke" if request.path.endswith("/invocations") else ""
    name = request.headers.get("X-Amz-Target", invoked).rpartition(".")[2]
    maker = json.loads(request.headers.get(MAKER, "null"))
    return Call(
        at=time.time(),
        service=service,
        name=name if maker != EVENT else "",
        user_agent=request.headers.get("User-Agent", ""),
        maker=maker if maker != EVENT else None,
        request=_read(request.get_data()),
    )


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/x-amz-json-1.1")


def _history(events: list[Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Give one page, in the order asked for: moto gives all of it, always."""
    events.sort(key=lambda each: each["id"], reverse=asked.get("reverseOrder", False))
    return page_of(events, asked, "events", asked.get("maxResults") or 100)


class _Quiet(MotoRequestHandler):
    def log_request(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


def main() -> None:
    account = MotoWithCloudTrail(*map(int, sys.argv[1:]))
    server = make_server("127.0.0.1", 0, account, threaded=True, request_handler=_Quiet)
    install(f"http://127.0.0.1:{server.port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
