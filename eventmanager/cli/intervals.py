"""The words of `report` for what a row stands for."""

from enum import StrEnum
from typing import Final

from live.eventmanager.v1 import analytics_service_pb2 as analytics


class Every(StrEnum):
    """What a row stands for."""

    RANGE = "range"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class EveryHourToo(StrEnum):
    """What a row stands for, where hours are told apart."""

    RANGE = "range"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class By(StrEnum):
    """What visitors are told apart by."""

    BROWSER = "browser"
    OS = "os"
    DEVICE = "device"


_INTERVALS: Final = {
    "range": analytics.INTERVAL_UNSPECIFIED,
    "hour": analytics.INTERVAL_HOUR,
    "day": analytics.INTERVAL_DAY,
    "week": analytics.INTERVAL_WEEK,
    "month": analytics.INTERVAL_MONTH,
}


def interval_of(every: str) -> analytics.Interval.ValueType:
    """Return the contract's word."""
    return _INTERVALS[every]
