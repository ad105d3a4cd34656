"""How long a search of a large local archive takes, and how much memory.

    python -m tests.archive_memory FOLDER [MEGABYTES]

Makes an archive of so many megabytes unpacked, all of it in the time of one execution,
if the folder has none; searches it in this process, and prints what that took. It is
no test, and not run with them.
"""

import asyncio
import itertools
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sfnwatch.clock import SystemClock
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From
from tests import builders
from tests.sources.archive_files import key_of, others, packed, put, record_of

_PER_FILE = 20_000
"""Records: some 30 MB unpacked."""
_NO_AWS: Any = None


def _make(folder: Path, megabytes: int) -> None:
    """Fill a folder; the records of the execution are all in the last file."""
    ours = [record_of(each) for each in builders.sync_calls()]
    made, number = 0, 0
    while made < megabytes * 1_000_000:
        records = list(others(_PER_FILE, builders.START, 300))
        made += sum(len(str(record)) for record in records[:100]) * _PER_FILE // 100
        if made >= megabytes * 1_000_000:
            records += ours
        stamp = builders.START + timedelta(minutes=1 + number // 3)
        put(folder, {key_of(stamp, number): packed(records)})
        number += 1


async def _search(folder: Path) -> tuple[int, float]:
    """Search it; give how many calls were found, and the loop's longest stall."""
    subjects = Subjects([parse_execution_arn(builders.ARN)])
    for received in builders.sync_history():
        subjects.each[0].observe(received)
    subjects.each[0].over = True
    subjects.known.set()
    archive = Archive(_NO_AWS, subjects, SystemClock(), str(folder), drain=0)
    found, stall = 0, 0.0
    reading = True

    async def watch() -> None:
        """Stand for the screen: it wants to draw every 10 ms."""
        nonlocal stall
        while reading:
            before = time.perf_counter()
            await SystemClock().sleep(0.01)
            stall = max(stall, time.perf_counter() - before - 0.01)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        async for batch in archive.batches():
            found += sum(received.source == From.TRAIL for received in batch)
        reading = False
    return found, stall


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    folder = Path(sys.argv[1])
    megabytes = int(next(itertools.islice(sys.argv, 2, None), "1000"))
    if not folder.exists():
        _make(folder, megabytes)
        _say(f"made {folder}; run again to search it")
        return
    files = [path for path in folder.rglob("*") if path.is_file()]
    packed_size = sum(path.stat().st_size for path in files) / 1e6
    before, began, busy = _peak(), time.perf_counter(), time.process_time()
    found, stall = asyncio.run(_search(folder))
    took, busy = time.perf_counter() - began, time.process_time() - busy
    _say(f"{len(files)} files, {packed_size:.0f} MB packed: {found} calls found")
    _say(f"{took:.1f} s, {busy:.1f} s of a processor")
    _say(f"longest stall of the loop {stall * 1000:.0f} ms")
    _say(f"peak {_peak():.0f} MiB, of which {before:.0f} MiB before")


if __name__ == "__main__":
    main()
