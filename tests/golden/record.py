"""Make the recordings anew, by hand: `python -m tests.golden.record PROGRAM`.

Each scenario of the demo, and each machine of the moto harness. Ids and times are new
ones each time, so all golden files must be made after it, with a program that is known
to be right. It takes some minutes.
"""

import gzip
import re
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.builders import REGION
from tests.cli.programs import KEYS
from tests.golden.answers import run
from tests.golden.inputs import RECORDINGS, SUFFIX
from tests.moto import machines as asl
from tests.moto.account import Account, serving
from tests.moto.test_links import outer
from tests.moto.watching import DRAIN, STARTS

SCENARIOS = (
    *("three-ways", "sync", "sync-denied", "async", "sdk"),
    *("pipeline", "distributed", "failure", "redrive"),
)
DEMOS = {name: (name,) for name in SCENARIOS} | {
    f"{name}-queue": (name, "--with-queue") for name in ("sync-denied", "failure")
}
_SPEED = "40"
_RATE = 20
"""LookupEvents a second of moto's account, for several watches at once."""
_SYSTEM = re.compile(rb"os/linux#[^ ]+")
"""Of whom the recorded LookupEvents of the watch itself name in their userAgent."""

Record = Callable[..., None]


def main() -> None:
    (program,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(8) as pool:
        record = partial(_record, program, Path(name))
        speed = ("--speed", _SPEED)
        demos = [
            pool.submit(record, f"demo-{scenario}", "demo", *words, *speed)
            for scenario, words in DEMOS.items()
        ]
        with serving(_RATE) as url:
            there = ("--endpoint-url", url, "--region", REGION, "--drain", f"{DRAIN}s")
            account = Account(url)
            _moto(account, partial(_watch, record, there))
            account.close()
        for demo in demos:
            demo.result()


def _record(program: str, folder: Path, name: str, *words: str) -> None:
    """Have the program record, and keep that without what tells of this machine."""
    path = folder / name
    done = run((program,), (*words, "--json", "--record", str(path)), folder, KEYS)
    sys.stdout.write(f"{name}: {done.returncode} {done.stderr.decode()}")
    _keep(name, _SYSTEM.sub(b"os/linux#6.1", path.read_bytes()))


def _keep(name: str, content: bytes) -> None:
    path = RECORDINGS / f"{name}{SUFFIX}"
    path.write_bytes(gzip.compress(content, mtime=0))


def _watch(record: Record, there: tuple[str, ...], name: str, *arns: str) -> None:
    record(f"moto-{name}", "watch", *arns, *there)


def _moto(account: Account, watch: Record) -> None:
    arns = {name: start(account) for name, start in STARTS.items()}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: watch(name, arns[name]), arns))
    watch("together", *arns.values())
    watch("nested", account.start(outer(account, "nested", inner_role="other")))
    shared = outer(account, "shared", inner_role="role-shared")
    watch("shared-role", account.start(shared))
    _twice(account, watch)


def _twice(account: Account, watch: Record) -> None:
    """Run a machine twice and watch one: the calls of the other are there, too.

    And once more without the record of its own RunTask, which CloudTrail never tells.
    """
    states = {"Work": asl.run_task("ecs:runTask.sync")}
    machine = account.machine("twice", states, "role-twice")
    arn = account.start(machine, "one")
    account.start(machine, "two")
    watch("twice", arn)
    made = account.made(arn)
    (lost,) = (key.encode() for key in made if made[key].name == "RunTask")
    whole = gzip.decompress((RECORDINGS / f"moto-twice{SUFFIX}").read_bytes())
    lines = whole.splitlines(keepends=True)
    _keep("moto-twice-lost", b"".join(line for line in lines if lost not in line))


if __name__ == "__main__":
    main()
