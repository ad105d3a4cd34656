"""Judge the linker by worlds with known truth: `python -m tests.worlds [N]`."""

import argparse
import sys
from multiprocessing import Pool

from tests.model.answers import trace_of
from tests.worlds.account import Wish
from tests.worlds.judge import CERTAINTIES, SURE, Score, judge_seeds, shown, table
from tests.worlds.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one world")
    parser.add_argument(
        "--all", action="store_true", help="list guesses and misses, too"
    )
    parser.add_argument("-n", type=int, default=1, help="processes")
    asked = parser.parse_args()
    if asked.show is not None:
        world = World(Wish.of(asked.show))
        say(*shown(world, trace_of(*world.records)))
        return
    seeds = range(asked.seed, asked.seed + asked.count)
    parts = [seeds[first :: asked.n] for first in range(asked.n)]
    score = Score()
    with Pool(asked.n) as pool:
        for part in pool.map(judge_seeds, parts):
            score.add(part)
    say(*table(score))
    say(*score.wrong(*SURE), *score.twice, *score.false)
    say(*(m for m in score.mistakes if m.truth.alike and m.certainty in SURE))
    if asked.all:
        say(*score.wrong(*CERTAINTIES[2:]), *score.missing)


def say(*lines: object) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
