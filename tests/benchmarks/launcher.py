"""Runs one program, and tells what it took: `launcher.py FD PROGRAM WORD…`.

What the operating system says of a program's memory begins with that of the process
which started it: this one is small, where a benchmark may have grown large. Run it
with as little of Python as there is (`-I -S`): what is below its 9 MB can't be told.
"""

import os
import sys
import time


def main(told: int, command: list[str]) -> int:
    os.set_inheritable(told, False)
    begun = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - begun
    cpu = used.ru_utime + used.ru_stime
    code = os.waitstatus_to_exitcode(status)
    os.write(told, f"{wall} {cpu} {used.ru_maxrss} {code}".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
