"""Where a trail's files lie, to whoever reads them: a folder, or a bucket."""

import re
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from sfnwatch.errors import UsageError
from sfnwatch.sources.archive_layout import Said, TrailFile, Window
from sfnwatch.sources.drive import Failure
from sfnwatch.trace.text import clean

_S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


class UnreadableError(Exception):
    """One file, or folder, that can't be read; the others may be."""

    def __init__(self, why: str, failure: Failure | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.failure = failure
        """What it would be, were it so for every file."""


class Found(Struct, frozen=True):
    """What a look at a place has found."""

    files: tuple[TrailFile, ...]
    troubles: tuple[tuple[str, str], ...] = ()
    """Folders that can't be listed, and why."""


class Shelf(Protocol):
    """A place with a trail's files."""

    @property
    def name(self) -> str:
        """What it is called, cleaned."""
        ...

    @property
    def said(self) -> Said:
        """What the place itself says of what is wanted."""
        ...

    @property
    def is_live(self) -> bool:
        """True where CloudTrail itself delivers; a copy is as old as it is."""
        ...

    async def files(self, window: Window, recent: datetime | None) -> Found:
        """List what is wanted; where `recent` is given, what is new since then.

        Raises Failure.
        """
        ...

    def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes; raises UnreadableError, or Failure."""
        ...


class BucketPlace(Struct, frozen=True):
    """`s3://BUCKET/PREFIX`, taken apart."""

    bucket: str
    prefix: str


def parse_place(text: str) -> BucketPlace | Path:
    """Tell a bucket from a folder; raises UsageError for what is neither."""
    if not text.lower().startswith(_S3):
        return _folder(text)
    bucket, _, prefix = text[len(_S3) :].partition("/")
    if not _BUCKET.fullmatch(bucket):
        msg = f"{clean(text, 200)}: there is no name of a bucket in it."
        raise UsageError(msg, hint="Write s3://BUCKET/PREFIX; no ARN.")
    return BucketPlace(bucket, prefix)


def _folder(text: str) -> Path:
    hint = "Name a folder, or s3://BUCKET/PREFIX."
    if not text.strip() or "\0" in text:
        raise UsageError("The archive has no place.", hint=hint)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"{clean(text, 200)}: there is no such home.", hint=hint
        ) from error
