"""`sfnwatch trend` in a terminal: a bar while it reads, and an end to it at once."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.builders import MACHINE_ARN, History
from tests.cli.programs import KEYS
from tests.program.programs import Processes

NAMES = [f"run-{number}" for number in range(30)]
ANSWERED = 12
"""So many histories are answered; after them nothing is, as from a slow AWS."""


def listed(number: int, name: str) -> dict[str, Any]:
    return {
        "executionArn": MACHINE_ARN.replace("stateMachine", "execution") + f":{name}",
        "stateMachineArn": MACHINE_ARN,
        "name": name,
        "status": "SUCCEEDED",
        "startDate": 1700000000.0 - 100 * number,
        "stopDate": 1700000050.0 - 100 * number,
    }


class SlowAws(BaseHTTPRequestHandler):
    """Answers with a list of executions, and with a history for some of them."""

    answered = 0
    is_over = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-Amz-Target"].endswith("ListExecutions"):
            items = [listed(number, name) for number, name in enumerate(NAMES)]
            body = {"executions": items}
        else:
            type(self).answered += 1
            if self.answered > ANSWERED:
                self.is_over.wait(60)
            records = History().start().state("A").end().records
            body = {"events": [json.loads(record.data) for record in records]}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        # Who has ended does not listen.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    SlowAws.answered = 0
    SlowAws.is_over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowAws)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    SlowAws.is_over.set()
    server.shutdown()
    server.server_close()


def test_a_bar_shows_how_far_it_is_and_ctrl_c_ends_it(
    program: Processes, url: str
) -> None:
    words = ("trend", MACHINE_ARN, "--endpoint-url", url)
    terminal = program.terminal(*words, **dict[str, Any](KEYS))
    terminal.until(f"{ANSWERED}/30", f"run-{ANSWERED}")
    terminal.press("\x03", f"{ANSWERED} of 30 histories are read and kept")
    assert terminal.wait() == 130
    # The next run does not ask for these again.
    SlowAws.is_over.set()
    before = SlowAws.answered
    ended = program(*words, **KEYS)
    assert ended.code == 0
    assert "30 finished executions" in ended.out
    assert "\r" not in ended.err
    assert SlowAws.answered - before == 30 - ANSWERED
