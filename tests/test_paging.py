"""Pages: sizes, tokens, and what is no token."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live.eventmanager.storage.v1.page_pb2 import PageToken
from live.eventmanager.v1.admin_service_pb2 import ListAppsRequest
from live.eventmanager.v1.analytics_service_pb2 import (
    DateRange,
    ListDeviceEventsRequest,
    QueryButtonActionsRequest,
    QueryClickTargetsRequest,
    QueryPageViewsRequest,
)
from live.eventmanager.v1.event_pb2 import Click, Event

from eventmanager.errors import InvalidRequestError
from eventmanager.paging import MAX_PAGE_BYTES, Page, PagedRequest, Place, fitting, page_of

DAYS = DateRange(start_date="2026-06-11", end_date="2026-06-17")


def token_for(request: PagedRequest, numbers: tuple[int, ...], texts: tuple[str, ...]) -> str:
    """Return the token that follows a row of a request's answer."""
    return page_of(request, numbers=len(numbers), texts=len(texts)).token(Place(numbers, texts), DAYS)


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1_000, 1_000)])
def test_a_page_has_a_size(asked: int, size: int) -> None:
    """Zero stands for 50 rows, and 1,000 are the most."""
    assert size == page_of(ListAppsRequest(page_size=asked), numbers=0, texts=1).size


@pytest.mark.parametrize("asked", [-1, 1_001])
def test_other_sizes_are_refused(asked: int) -> None:
    """A page has no fewer than no rows, and no more than the most."""
    with pytest.raises(InvalidRequestError) as refused:
        page_of(ListAppsRequest(page_size=asked), numbers=0, texts=1)

    assert "page_size" == refused.value.violation.field


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple),
    st.lists(st.text()).map(tuple),
    st.text(max_size=20),
)
def test_a_token_brings_its_place_back(numbers: tuple[int, ...], texts: tuple[str, ...], device_id: str) -> None:
    """A token goes through any channel as plain text, and keeps the row's place and the days."""
    request = ListDeviceEventsRequest(app="shop", device_id=device_id, date_range=DateRange(start_date="-6d"))
    first = page_of(request, numbers=len(numbers), texts=len(texts))
    request.page_token = first.token(Place(numbers, texts), DAYS)
    request.page_size = 7

    assert request.page_token.replace("-", "").replace("_", "").isalnum()
    assert Page(7, Place(numbers, texts), DAYS, first.request_hash) == page_of(
        request, numbers=len(numbers), texts=len(texts)
    )


@pytest.mark.parametrize(
    ("numbers", "texts", "token"),
    [
        (2, 1, "what?"),
        (2, 1, "ü"),
        (2, 1, "A"),
        (2, 1, "____"),
        (2, 1, token_for(QueryPageViewsRequest(app="shop"), (1, 2), ("/home",))[:-3]),
        (1, 1, token_for(QueryPageViewsRequest(app="shop"), (1, 2), ("/home",))),
        (2, 2, token_for(QueryPageViewsRequest(app="shop"), (1, 2), ("/home",))),
        (0, 0, base64.b64encode(PageToken(request_hash=1).SerializeToString()).decode().rstrip("=") + "\n"),
    ],
)
def test_what_is_no_token_is_refused(numbers: int, texts: int, token: str) -> None:
    """Whatever the server did not write is named as no token."""
    with pytest.raises(InvalidRequestError) as refused:
        page_of(QueryPageViewsRequest(app="shop", page_token=token), numbers=numbers, texts=texts)

    assert "page_token" == refused.value.violation.field


@given(st.text())
def test_no_text_breaks_the_reading_of_tokens(token: str) -> None:
    """Any text that is sent as a token is taken as none or refused."""
    request = QueryPageViewsRequest(app="shop", page_token=token)
    if token:
        with pytest.raises(InvalidRequestError):
            page_of(request, numbers=2, texts=1)
    else:
        assert page_of(request, numbers=2, texts=1).after is None


@pytest.mark.parametrize(
    "other",
    [
        QueryPageViewsRequest(app="shop-2"),
        QueryPageViewsRequest(app="shop", url="/home"),
        QueryPageViewsRequest(app="shop", date_range=DateRange(start_date="today")),
        QueryButtonActionsRequest(app="shop"),
        QueryClickTargetsRequest(app="shop"),
    ],
)
def test_a_token_of_another_request_is_refused(other: Any) -> None:
    """All fields but the page's size must stay the same, and the method, too."""
    other.page_token = token_for(QueryPageViewsRequest(app="shop"), (1, 2), ("/home",))

    with pytest.raises(InvalidRequestError, match="belongs to another request") as refused:
        page_of(other, numbers=2, texts=1)

    assert "page_token" == refused.value.violation.field


def test_a_page_ends_before_it_is_too_large_to_receive() -> None:
    """Long rows make a page short, but never empty."""
    long = Event(click=Click(target="x" * (MAX_PAGE_BYTES // 2)))
    longest = Event(click=Click(target="x" * (MAX_PAGE_BYTES + 1)))
    short = Event(event_id="e1")

    assert [long] == fitting([long, long, short], 3)
    assert [longest] == fitting([longest, short], 2)
    assert [short, short] == fitting([short, short, short], 2)
    assert [] == fitting([], 2)
