"""What an answer to a list request must show before it is used, and how one is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.api.inquiry import UnfitError
from connectors.api.transport import Origin, Reply
from connectors.valomnia.listing import Listing, Query, read_listing

ORIGIN = Origin.of("valomnia", "https://acme.valomnia.com")
DATES = ("2016-08-16T09:02:13Z", "2016-08-16T09:02:14Z", None, "2016-08-16T09:02:14Z")


def read(
    dates: tuple[str | None, ...], query: Query, *, total: int, following: str | None = None, **headers: str
) -> Listing:
    """Read a list of customers with these last updates."""
    data = [{"id": number, "lastUpdated": date} for number, date in enumerate(dates)]
    paging = {"total": total, "max": 4, "offset": query.offset, "previous": None, "next": following}
    return read_listing(Reply(200, headers, json.dumps({"paging": paging, "data": data}).encode()), query, ORIGIN)


def test_the_request_is_the_documented_one() -> None:
    """Bounds are written to the second, floored, with Z."""
    since = datetime(2016, 8, 16, 9, 2, 13, 999_999, tzinfo=UTC)
    assert Query(since=since, offset=7).target("/api/v2.1/customers") == (
        "/api/v2.1/customers?max=100&offset=7&sort=lastUpdated&order=asc&lastUpdated_gte=2016-08-16T09%3A02%3A13Z"
    )
    assert Query(before=datetime(1, 1, 1, tzinfo=UTC)).target("").endswith("&lastUpdated_lt=0001-01-01T00%3A00%3A00Z")


def test_order_is_expected_where_it_was_asked_for() -> None:
    """Customers must come in the order of their dates; those without one may stand anywhere."""
    assert len(read(DATES, Query(), total=4).entries) == 4
    with pytest.raises(UnfitError, match="order of lastUpdated"):
        read(DATES[::-1], Query(), total=4)
    assert len(read(DATES[::-1], Query(order="desc"), total=4).entries) == 4


@pytest.mark.parametrize(
    ("total", "offset", "following", "fits"),
    [
        (4, 0, None, True),
        (5, 0, None, False),
        (9, 5, None, True),
        (10, 5, None, False),
        (10, 0, "/next", True),
        (4, 0, "/next", True),
        (3, 0, None, True),
    ],
)
def test_a_page_is_as_full_as_its_total_says(*, total: int, offset: int, following: str | None, fits: bool) -> None:
    """The last page shows all that are left, any other as many as the server gives at once."""
    if fits:
        assert read(DATES, Query(offset=offset), total=total, following=following).more is (following is not None)
    else:
        with pytest.raises(UnfitError, match="incomplete_extract"):
            read(DATES, Query(offset=offset), total=total, following=following)


def test_the_servers_time() -> None:
    """It is the answer's Date; none where there is no readable one."""
    date = "Tue, 16 Aug 2016 11:02:13 +0200"
    assert read((), Query(), total=0, Date=date).answered == datetime(2016, 8, 16, 9, 2, 13, tzinfo=UTC)
    assert read((), Query(), total=0, Date="today").answered is None
    assert read((), Query(), total=0).answered is None
