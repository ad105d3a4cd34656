"""A trail's files in a bucket."""

import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import aiohttp
from botocore import exceptions as boto
from msgspec import Struct, field

from sfnwatch.errors import UsageError
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.sources.answers import AwsRequest, Failure, Page, Text
from sfnwatch.sources.archive_folder import CHUNK_BYTES
from sfnwatch.sources.polling import PollingSource
from sfnwatch.sources.trail_files import (
    LOGS_FOLDER,
    FileWindow,
    TrailFile,
    UnreadableError,
    is_wanted,
    wanted_file,
)

_OF_ONE_FILE = frozenset({"InvalidObjectState", "NoSuchKey"})
"""Errors of one file only: it is archived and would have to be restored first, or it no
longer exists."""
WRONG_PLACE = (
    "AuthorizationHeaderMalformed|IllegalLocationConstraintException|InvalidBucketName"
    "|InvalidToken|NoSuchBucket|PermanentRedirect"
)
"""S3's error codes that another try can't change."""
_DEEPEST = 7
"""Folders below `AWSLogs`: organization, account, CloudTrail, Region, year, month and
day. The limit guards against a listing whose folders never end."""
_TORN = (aiohttp.ClientError, boto.HTTPClientError, boto.IncompleteReadError, OSError)
"""The errors that reading a cut answer raises."""


class _Object(Struct, rename="pascal"):
    key: Text


class _Folder(Struct, rename="pascal"):
    prefix: Text


class _KeyListing(Page, rename="pascal"):
    contents: list[_Object] = field(default_factory=list)
    common_prefixes: list[_Folder] = field(default_factory=list)
    next_token: str | None = field(default=None, name="NextContinuationToken")


class ArchiveBucket:
    """The bucket that CloudTrail delivers to, or a copy of it.

    It is listed folder by folder like a local folder, but only from `AWSLogs` on. The
    prefix may end above `AWSLogs`, at it or anywhere below. A file that is not named as
    a trail's file is skipped: its day can't be known.
    """

    is_live = True

    def __init__(self, source: PollingSource, bucket: str, prefix: str) -> None:
        """Read a bucket on behalf of a source."""
        self._source = source
        self._bucket = bucket
        self._region = source.targets.region
        """The Region to ask in. S3 answers with the bucket's own Region, and the SDK
        follows."""
        self.name = self._shown(prefix)
        self.folders = tuple(part for part in prefix.split("/") if part)
        if LOGS_FOLDER not in self.folders:
            self.folders = (*self.folders, LOGS_FOLDER)

    def _shown(self, key: str) -> str:
        return clean(f"s3://{self._bucket}/{key}", 300)

    async def files(self, window: FileWindow) -> list[TrailFile]:
        """List the files of the window; raises Failure."""
        files: list[TrailFile] = []
        folders = [self.folders]
        deepest = len(self.folders) + _DEEPEST
        for folder in folders:  # the loop itself adds more folders
            request = self._list_request("".join(f"{part}/" for part in folder))
            pages = self._source.pages(request, next_key="ContinuationToken")
            async for page in pages:
                if len(folder) < deepest:
                    for common in page.value.common_prefixes:
                        name = common.prefix.rstrip("/").rpartition("/")[2]
                        if is_wanted(folder, name, window):
                            folders.append((*folder, name))
                for found in page.value.contents:
                    key = found.key
                    file = wanted_file(key, key.rpartition("/")[2], window)
                    if file is not None and file.stamp is not None:
                        files.append(file)
        return files

    def _list_request(self, prefix: str) -> AwsRequest[_KeyListing]:
        return AwsRequest(
            "s3:ListObjectsV2",
            self._shown(prefix),
            self._region,
            _KeyListing,
            {"Bucket": self._bucket, "Delimiter": "/", "Prefix": prefix},
            "the trail's files",
        )

    async def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes as they come; raises UnreadableError or Failure."""
        shown = self._shown(file.place)
        request = AwsRequest(
            "s3:GetObject",
            shown,
            self._region,
            dict,
            {"Bucket": self._bucket, "Key": file.place},
            note,
        )
        try:
            answer = await self._source.ask_once(request)
        except Failure as failure:
            if failure.code in _OF_ONE_FILE:
                raise UnreadableError(failure.code) from failure
            raise
        body = answer.value["Body"]
        try:
            async for chunk in body.iter_chunks(CHUNK_BYTES):
                yield chunk
        except _TORN as error:
            msg = f"GetObject on {shown}: the answer was cut."
            raise Failure(HealthState.RETRYING, msg) from error
        finally:
            body.close()


_S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


def parse_place(text: str) -> tuple[str, str] | Path:
    """Parse a bucket and prefix, or a folder; raises UsageError for anything else."""
    if text.lower().startswith(_S3):
        bucket, _, prefix = text[len(_S3) :].partition("/")
        if _BUCKET.fullmatch(bucket):
            return bucket, prefix
    elif text.strip() and "\0" not in text:
        with suppress(RuntimeError):  # no such home directory
            return Path(text).expanduser()
    msg = f"{clean(text, 200) or 'Nothing'} is no folder, and no bucket."
    raise UsageError(msg, hint="Name a folder, or s3://BUCKET/PREFIX; no ARN.")
