"""A live watch: a history source for each execution, and what brings their calls.

Importing this imports the SDKs, which takes 200 ms: the screen shows its first
frame before, and does so in a thread.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from sfnwatch.clock import Clock
from sfnwatch.sources.again import Again, QueueAgain
from sfnwatch.sources.aws import Aws, AwsSettings, check_profile
from sfnwatch.sources.children import Children
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.express import Express
from sfnwatch.sources.feed import Consumer, Joining, Source, run
from sfnwatch.sources.history import History
from sfnwatch.sources.log_events import log_bucket
from sfnwatch.sources.queue import Queue, queue_settings
from sfnwatch.sources.subject import Subject
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import Following, TrailOptions, features_of
from sfnwatch.sources.ways import Way, Ways
from sfnwatch.trace.arns import ExecutionArn
from sfnwatch.trace.log_groups import parse_log_group
from sfnwatch.trace.values import replace


class Live:
    """Watches executions until each is over and its late records are in."""

    def __init__(
        self,
        arns: Sequence[ExecutionArn],
        settings: AwsSettings,
        clock: Clock,
        *,
        drain: float,
        patience: Patience | None = None,
        heed: Callable[[datetime], None] | None = None,
        trail: TrailOptions | None = None,
        following: Following | None = None,
        follow_redrive: bool = False,
    ) -> None:
        self._arns, self._settings, self._clock = arns, settings, clock
        self._drain, self._patience = drain, patience
        self._heed = heed
        self._follow_redrive = follow_redrive
        self._trail = trail or TrailOptions()
        self._following = following or Following(depth=0)
        self._log_bucket = log_bucket(clock)
        """CloudWatch Logs is asked slowly, whatever for."""
        self._ways: Sequence[Way] = ()
        self._children: Children | None = None

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        for way in self._ways:
            way.end_drain()

    def follow(self, execution_arn: str) -> bool:
        """Read an execution of a Map Run in full; False if it can't be, or not yet."""
        return self._children is not None and self._children.follow(execution_arn)

    async def watch(self, consume: Consumer) -> None:
        """Run to the end; raises RefusedError for a profile that is not there."""
        others = [self._of(profile) for profile in self._trail.profiles]
        for settings in (self._settings, *others):
            check_profile(settings)
        async with AsyncExitStack() as stack:
            allowed = features_of(self._arns, self._trail, self._following)
            aws = await stack.enter_async_context(
                Aws(self._settings, self._heed, allowed)
            )
            elsewhere = [await stack.enter_async_context(Aws(each)) for each in others]
            subjects = Subjects(self._arns)
            histories = [self._history(aws, subject) for subject in subjects.each]
            ways = Ways(
                subjects, self._clock, self._drain, self._patience, self._log_bucket
            )
            heeds: list[Consumer] = []
            self._ways = self._looked_up(ways, subjects, aws, elsewhere)
            if self._trail.queue is not None:
                settings = queue_settings(self._settings, self._trail.queue)
                near = await stack.enter_async_context(
                    Aws(settings, self._heed, allowed)
                )
                queue = self._queue(ways, subjects, near)
                self._ways, heeds = [*self._ways, queue], [queue.heed]
            joining = Joining()
            self._children = Children(
                aws,
                subjects,
                self._clock,
                joining,
                self._following,
                patience=self._patience,
            )
            heeds.append(self._children.heed)
            await run([*histories, *self._ways], [*heeds, consume], joining)

    def _looked_up(
        self, ways: Ways, subjects: Subjects, aws: Aws, elsewhere: Sequence[Aws]
    ) -> Sequence[Way]:
        """Make what brings calls; followed, each begins anew after a redrive."""
        made = ways.all(self._trail, aws, elsewhere)
        if not self._follow_redrive:
            return made

        def one(number: int) -> Way:
            return ways.all(self._trail, aws, elsewhere)[number]

        numbers = range(len(made))
        return [Again(partial(one, n), subjects, self._clock) for n in numbers]

    def _queue(self, ways: Ways, subjects: Subjects, near: Aws) -> Queue | QueueAgain:
        make = partial(ways.queue, self._trail, near)
        followed = self._follow_redrive
        return QueueAgain(make, subjects, self._clock) if followed else make()

    def _history(self, aws: Aws, subject: Subject) -> Source:
        """Make the source of an execution's history: AWS keeps none of Express ones."""
        if subject.arn.is_express:
            group = self._trail.express_log_group
            return Express(
                aws,
                subject,
                self._clock,
                group=parse_log_group(group) if group else None,
                look_back=self._trail.look_back,
                patience=self._patience,
                bucket=self._log_bucket,
            )
        return History(
            aws,
            subject,
            self._clock,
            patience=self._patience,
            follow_redrive=self._follow_redrive,
        )

    def _of(self, profile: str) -> AwsSettings:
        return replace(
            self._settings, profile=profile, access_key_id=None, secret_access_key=None
        )
