"""Step Functions and CloudTrail as far as a watch asks them, as cheap as can be.

Every event is serialized before the first request, so that what is measured is the
client. Run as a process of its own: `python -m tests.benchmarks.stub EVENTS CALLS`
serves on loopback until its stdin closes, and tells its URL in one line. It counts the
requests; the operation `Counts`, which is no one's, tells how many there were.
"""

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks import made
from tests.builders import ARN

ENDED = "ended"
"""The word that asks for an execution that is over."""
_PAGE, _MOST, _MOST_CALLS = 100, 1000, 50
"""What AWS gives where nothing is said, and at most."""
_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
    "x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n"
    "Date: {date}\r\nContent-Length: {length}\r\n\r\n"
)
_DATE = "%a, %d %b %Y %H:%M:%S GMT"

Asked = dict[str, Any]


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Stub:
    """An account with one execution in it."""

    def __init__(self, events: int, calls: int, *, ended: bool) -> None:
        begin = made.begin_of(events, datetime.now(UTC))
        over = begin + timedelta(seconds=made.loops(events) * made.PERIOD)
        history = made.history(events, start=begin, ended=ended)
        self._events = [each.data for each in history]
        trail = made.calls(calls, events=events, start=begin)
        self._calls = [each.data for each in trail][::-1]
        self.counts: Counter[str] = Counter()
        described = made.described(begin, ended=over if ended else None)
        started = {"executionArn": ARN, "startDate": begin.timestamp()}
        self._answers: dict[str, Callable[[Asked], bytes]] = {
            "describeexecution": lambda _: described.data,
            "listexecutions": lambda _: b'{"executions":[]}',
            "describestatemachineforexecution": lambda _: made.defined(begin).data,
            "startexecution": lambda _: _encoded(started),
            "getexecutionhistory": self._history,
            "lookupevents": self._lookup,
            "counts": lambda _: _encoded(self.counts),
        }

    def _history(self, asked: Asked) -> bytes:
        limit = min(asked.get("maxResults") or _PAGE, _MOST)
        first = int(asked.get("nextToken") or 0)
        if asked.get("reverseOrder"):
            end = len(self._events) - first
            page = self._events[max(0, end - limit) : end][::-1]
        else:
            page = self._events[first : first + limit]
        return _page("events", page, "nextToken", first, len(self._events))

    def _lookup(self, asked: Asked) -> bytes:
        (attribute,) = asked["LookupAttributes"]
        if attribute["AttributeValue"] != "ecs.amazonaws.com":
            return b'{"Events":[]}'
        limit = min(asked.get("MaxResults") or _MOST_CALLS, _MOST_CALLS)
        first = int(asked.get("NextToken") or 0)
        page = self._calls[first : first + limit]
        return _page("Events", page, "NextToken", first, len(self._calls))

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                lines = (line.partition(": ") for line in head.split("\r\n"))
                fields = {name: value for name, _, value in lines}
                length = int(fields.get("content-length", 0))
                asked = json.loads(await reader.readexactly(length) or b"{}")
                operation = fields.get("x-amz-target", "").rpartition(".")[2]
                self.counts[operation] += 1
                body = self._answers[operation](asked)
                date = datetime.now(UTC).strftime(_DATE)
                told = _HEAD.format(date=date, length=len(body))
                writer.writelines((told.encode(), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            """The client has gone."""
        finally:
            # Of what is not known here, too: nobody is to wait for an answer.
            writer.close()


def _page(
    name: str, page: Sequence[bytes], token: str, first: int, total: int
) -> bytes:
    after = first + len(page)
    more = f',"{token}":"{after}"' if after < total else ""
    return b'{"%b":[%b]%b}' % (name.encode(), b",".join(page), more.encode())


async def _run(events: int, calls: int, *, ended: bool) -> None:
    stub = Stub(events, calls, ended=ended)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, limit=1 << 22)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    async with server:
        await asyncio.to_thread(sys.stdin.read)
        server.close()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), ended=ENDED in sys.argv))
