"""AWS's event stream encoding, of which botocore has the reading half."""

import json
import struct
from binascii import crc32
from typing import Any

_TEXT = 7
"""The type of a header whose value is a text."""


def encoded(headers: dict[str, str], payload: bytes) -> bytes:
    """Write one message: lengths, their checksum, headers, payload, checksum."""
    head = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", _TEXT, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def stream_event(kind: str, body: Any) -> bytes:
    """Write an event, as `initial-response` and whatever follows it."""
    headers = {
        ":message-type": "event",
        ":event-type": kind,
        ":content-type": "application/json",
    }
    return encoded(headers, json.dumps(body).encode())


def stream_exception(kind: str, message: str) -> bytes:
    """Write an exception that is in the operation's model."""
    headers = {
        ":message-type": "exception",
        ":exception-type": kind,
        ":content-type": "application/json",
    }
    return encoded(headers, json.dumps({"message": message}).encode())
