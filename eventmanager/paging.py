"""Pages of long answers: their sizes, and tokens that say where the page before ended.

A token holds the last row's place in the order, not a count of rows, so rows that come or go meanwhile shift nothing.
It holds the days asked for as well: `today` stays the same day from page to page.
"""

import base64
import binascii
import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message
from live.eventmanager.storage.v1.page_pb2 import PageToken
from live.eventmanager.v1.admin_service_pb2 import ListAppsRequest
from live.eventmanager.v1.analytics_service_pb2 import (
    DateRange,
    ListDeviceEventsRequest,
    QueryButtonActionsRequest,
    QueryClickTargetsRequest,
    QueryPageViewsRequest,
)

from eventmanager.errors import InvalidRequestError

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1_000
MAX_PAGE_BYTES: Final = 3 * 1024 * 1024
"""A page ends early rather than pass the 4 MiB that a gRPC client receives by default."""

PagedRequest: TypeAlias = (
    QueryButtonActionsRequest
    | QueryPageViewsRequest
    | QueryClickTargetsRequest
    | ListDeviceEventsRequest
    | ListAppsRequest
)
_Row = TypeVar("_Row", bound=Message)


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the order of its report: its numbers, then its texts."""

    numbers: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The page asked for: how many rows, and after which."""

    size: int
    after: Place | None
    date_range: DateRange | None
    """The days of the pages before; None on the first."""
    request_hash: int

    def token(self, last: Place, date_range: DateRange | None = None) -> str:
        """Write the token of the page that comes after a row."""
        token = PageToken(request_hash=self.request_hash, numbers=last.numbers, texts=last.texts)
        if date_range is not None:
            token.start_date = date_range.start_date
            token.end_date = date_range.end_date
        return base64.urlsafe_b64encode(token.SerializeToString(deterministic=True)).rstrip(b"=").decode()


def page_of(request: PagedRequest, *, numbers: int, texts: int) -> Page:
    """Read which page a request asks for, where a place has so many numbers and texts. Raises InvalidRequestError."""
    size = request.page_size
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise InvalidRequestError("page_size", f"{size:,} is not from 1 to {MAX_PAGE_SIZE:,}, or 0 for the default.")
    size = size or DEFAULT_PAGE_SIZE
    request_hash = _hash(request)
    if not request.page_token:
        return Page(size, None, None, request_hash)
    token = _decode(request.page_token)
    if token is None or len(token.numbers) != numbers or len(token.texts) != texts:
        raise InvalidRequestError("page_token", "This is no page token. Send `next_page_token` as it came.")
    if token.request_hash != request_hash:
        raise InvalidRequestError(
            "page_token", "This token belongs to another request. Only `page_size` may change from page to page."
        )
    date_range = DateRange(start_date=token.start_date, end_date=token.end_date)
    return Page(size, Place(tuple(token.numbers), tuple(token.texts)), date_range, request_hash)


def fitting(rows: Sequence[_Row], most: int) -> Sequence[_Row]:
    """Return the first rows, at most so many, that fit a page: at least one where there are any."""
    size_bytes = 0
    for position, row in enumerate(rows[:most]):
        size_bytes += row.ByteSize()
        if size_bytes > MAX_PAGE_BYTES and position:
            return rows[:position]
    return rows[:most]


def _hash(request: PagedRequest) -> int:
    """Hash what must stay the same from page to page, and the kind of request."""
    asked = copy.deepcopy(request)
    asked.ClearField("page_size")
    asked.ClearField("page_token")
    name = request.DESCRIPTOR.full_name.encode()
    digest = hashlib.blake2b(name + b"\0" + asked.SerializeToString(deterministic=True), digest_size=8)
    return int.from_bytes(digest.digest())


def _decode(text: str) -> PageToken | None:
    padded = text + "=" * (-len(text) % 4)
    try:
        return PageToken.FromString(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None
