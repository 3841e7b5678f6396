"""QueryPlatforms: the distinct visitors of each browser, operating system or device."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import (
    PLATFORM_DIMENSION_BROWSER,
    PLATFORM_DIMENSION_DEVICE,
    PLATFORM_DIMENSION_OS,
    PLATFORM_DIMENSION_UNSPECIFIED,
    PlatformDimension,
    PlatformShare,
    QueryPlatformsResponse,
)

from eventmanager.errors import InvalidRequestError
from eventmanager.facts import Key, SetTable
from eventmanager.reports.counted_by import CountedBy
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.visitors import united_visitors

_UNKNOWN: Final = "unknown"
_ALL: Final = ("all",)
_TOLD: Final = ("told",)
_COLUMNS: Final[Mapping[PlatformDimension.ValueType, int]] = {
    PLATFORM_DIMENSION_BROWSER: 0,
    PLATFORM_DIMENSION_OS: 1,
    PLATFORM_DIMENSION_DEVICE: 2,
}


def check_dimension(dimension: PlatformDimension.ValueType) -> None:
    """Raise InvalidRequestError where a dimension is not said or not known."""
    if dimension == PLATFORM_DIMENSION_UNSPECIFIED:
        raise InvalidRequestError("dimension", "A dimension is required: browser, os or device.")
    if dimension not in _COLUMNS:
        raise InvalidRequestError("dimension", f"{dimension} is no PlatformDimension.")


async def platforms(figures: Figures, scope: Scope, dimension: PlatformDimension.ValueType) -> QueryPlatformsResponse:
    """Count visitors by value. One who used two counts in both; one who never told, as `unknown`."""
    column = _COLUMNS[dimension]

    def keys_of(platform: Key) -> Sequence[Key]:
        value = platform[column]
        return (_ALL, _TOLD, ("value", value)) if value else (_ALL,)

    by = CountedBy(f"platform {column}", keys_of)
    counts = Counter(await united_visitors(figures, scope, SetTable.USERS_BY_PLATFORM, scope.dates, by))
    total_users = counts[_ALL]
    users = {key[1]: count for key, count in counts.items() if len(key) > 1}
    if counts[_TOLD] < total_users:  # Apart from any who told just that word: nobody is in both.
        users[_UNKNOWN] = users.get(_UNKNOWN, 0) + total_users - counts[_TOLD]
    return QueryPlatformsResponse(
        info=figures.info(),
        total_users=total_users,
        rows=(
            PlatformShare(value=value, users=count, share=count / total_users)
            for value, count in sorted(users.items(), key=lambda row: (-row[1], row[0]))
        ),
    )
