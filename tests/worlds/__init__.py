"""Worlds with known truth, by which it is judged whom calls are matched to.

`python -m tests.worlds 1000` makes so many and prints how many links were right, missed
and wrong, and how many sentences false; `--show SEED` prints one. A world is a shared
account: some executions are watched, of others there are the calls alone, in the same
roles, at the same times.

- `services`: what each service is told and answers, in a history and in CloudTrail.
- `executions`: machines' runs, written with their true times; cut where they failed.
- `account`: which machines there are, and what a world is to be like.
- `company`: who looks after others' jobs, and who else makes calls.
- `world`: what a watcher has of that: late, cut, twice, live or as files.
- `truth`: who made each call, and by what in those records that can be proved.
- `judge`: links held against it; `sentences`: facts held against it.
"""
