"""Runs command lines in a process that is not allowed a network.

An audit hook can't be taken out again, and sees every module's sockets: whatever
tries ends the process with a code of its own.
"""

import os
import sys

FORBIDDEN = 99
"""The exit code of whoever tries."""
_EVENTS = {
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
}


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS:
        os.write(2, f"{event} {arguments!r}\n".encode())
        os._exit(FORBIDDEN)


def guard() -> None:
    """Allow no network from here on."""
    sys.addaudithook(_watch)


def main() -> None:
    """Run the command lines on stdin, one after the other, words parted by tabs."""
    lines = sys.stdin.read().splitlines()
    guard()
    from sfnwatch.cli.main import main as program

    for line in lines:
        sys.argv = ["sfnwatch", *line.split("\t")]
        try:
            program()
        except SystemExit as ended:
            # Its own stderr has no tabs.
            os.write(2, f"{ended.code} {line}\n".encode())


if __name__ == "__main__":
    main()
