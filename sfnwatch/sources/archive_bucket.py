"""A trail's files in the bucket that CloudTrail delivers to, or in a copy of it.

An account's files of a Region stand in the order of their stamps, so one listing that
begins at a key and ends at another reads just the days that are wanted. What has not
the name of a trail's file is let lie: its day could not be told.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import aiohttp
from botocore import exceptions as boto

from sfnwatch.sources.allowed import NotAllowedError
from sfnwatch.sources.archive_layout import (
    Chain,
    Said,
    TrailFile,
    Window,
    chains,
    choose,
    roots_of,
    said_by,
)
from sfnwatch.sources.archive_shelf import BucketPlace, Found, UnreadableError
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.trouble import code_of
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.text import clean

_CHUNK = 1 << 19
_GONE = frozenset({"NoSuchKey", "InvalidObjectState"})
"""A file that is no longer there, or that lies in a vault from which it would first
have to be restored."""
_WRONG = {
    "AuthorizationHeaderMalformed": "Is the bucket in another Region, or partition?",
    "IllegalLocationConstraintException": "Is the bucket in another partition?",
    "InvalidAccessKeyId": "Check the credentials of the --profile.",
    "InvalidBucketName": "Check the bucket's name.",
    "InvalidToken": "Check the credentials of the --profile.",
    "NoSuchBucket": "Check the bucket's name, and the --profile.",
    "PermanentRedirect": "Is the bucket in another Region, or partition?",
}
"""S3's own words for what will not change by asking again, and what to do."""
_TORN = (aiohttp.ClientError, boto.HTTPClientError, boto.IncompleteReadError, OSError)
"""How an answer ends that was cut on its way."""


class Bucket:
    """A shelf: the files below a prefix of a bucket."""

    is_live = True

    def __init__(
        self, aws: Aws, place: BucketPlace, region: str, ledger: Ledger
    ) -> None:
        self._aws, self._place, self._ledger = aws, place, ledger
        self._region = region
        """Where to ask; S3 tells which Region the bucket is in, and the SDK follows."""
        self._roots = roots_of(place.prefix)
        self._heads: tuple[str, ...] | None = None
        self._listed: set[Chain] = set()

    @property
    def name(self) -> str:
        return self._words(self._place.prefix)

    @property
    def said(self) -> Said:
        return said_by(self._place.prefix.split("/"))

    def _words(self, key: str) -> str:
        return clean(f"s3://{self._place.bucket}/{key}", 300)

    # -- listing -----------------------------------------------------------------------

    async def files(self, window: Window, recent: datetime | None) -> Found:
        """List each account's files of each Region, from the window's first stamp.

        What was listed whole before is listed anew only from `recent` on.
        """
        if self._heads is None:
            self._heads = await self._find_heads()
        files: list[TrailFile] = []
        for chain in chains(self._heads, self._roots.below, window):
            since = window.low
            if recent is not None and chain in self._listed:
                since = max(since, recent)
            files += [file async for file in self._chain(chain, since, window)]
            self._listed.add(chain)
        return Found(tuple(files))

    async def _find_heads(self) -> tuple[str, ...]:
        """Look for organizations' folders, where the prefix leaves that open."""
        head = self._roots.head
        if self._roots.is_whole:
            return (head,)
        asked = {"Prefix": f"{head}o-", "Delimiter": "/"}
        found = [
            str(folder["Prefix"])
            async for page in self._pages("organizations", **asked)
            for folder in page.get("CommonPrefixes", ())
        ]
        return (head, *found)

    async def _chain(
        self, chain: Chain, since: datetime, window: Window
    ) -> AsyncIterator[TrailFile]:
        """Yield the files of a chain from a stamp to the window's last."""
        note = f"trail files of {chain.region}"
        end = None if window.high is None else chain.key(window.high)
        asked = {"Prefix": chain.prefix, "StartAfter": chain.key(since)}
        async for page in self._pages(note, **asked):
            keys = [str(each["Key"]) for each in page.get("Contents", ())]
            for key in keys:
                chosen = choose(key, key.rpartition("/")[2], window)
                if chosen is not None and chosen.stamp is not None:
                    yield chosen
            if end is not None and keys and keys[-1][: len(end)] > end:
                return

    async def _pages(self, note: str, **asked: str) -> AsyncIterator[Mapping[str, Any]]:
        token: dict[str, str] = {}
        number = 1
        while True:
            words = f"{note}, page {number}" if number > 1 else note
            page = await self._ask(
                "ListObjectsV2", asked["Prefix"], words, **asked | token
            )
            yield page
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": str(page["NextContinuationToken"])}
            number += 1

    # -- one file ----------------------------------------------------------------------

    async def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes as they come."""
        try:
            answer = await self._ask("GetObject", file.place, note, Key=file.place)
        except Failure as failure:
            raise _of_the_file(failure) from failure
        try:
            async for chunk in answer["Body"].iter_chunks(_CHUNK):
                yield chunk
        except _TORN as error:
            msg = f"GetObject on {self._words(file.place)}: the answer was cut."
            torn = Failure(HealthState.RETRYING, msg)
            raise UnreadableError("the answer was cut", torn) from error
        finally:
            answer["Body"].close()

    async def _ask(self, operation: str, key: str, note: str, **kwargs: str) -> Any:
        words, bucket = self._words(key), self._place.bucket
        with self._ledger.asking(note) as asked:
            try:
                answer = await self._aws.call(
                    f"s3:{operation}", words, self._region, Bucket=bucket, **kwargs
                )
            except NotAllowedError as error:
                if not str(error).startswith("HeadBucket"):
                    raise
                # Botocore would ask for the Region by it: AWS tells it unasked.
                msg = f"{operation} on {words}: S3 doesn't say where the bucket is."
                raise Failure(HealthState.REFUSED, msg) from error
            except Failure as failure:
                raise _final(failure) from failure.__cause__
            if "Contents" in answer:
                asked.brought(len(answer["Contents"]))
        return answer


def _code(failure: Failure) -> str:
    return code_of(failure.__cause__) if failure.__cause__ else ""


def _final(failure: Failure) -> Failure:
    """Give up where S3's answer will be the same tomorrow, and say what to do."""
    advice = _WRONG.get(_code(failure))
    if advice is None:
        return failure
    return Failure(HealthState.REFUSED, f"{failure.message} {advice}")


def _of_the_file(failure: Failure) -> Exception:
    """Tell what is wrong with one file from what is wrong with all."""
    code = _code(failure)
    if code in _GONE:
        return UnreadableError(clean(code))
    if failure.state is HealthState.DENIED or code == "InternalError":
        return UnreadableError(clean(code), failure)
    return failure
