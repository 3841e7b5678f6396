"""Compares a recount's messages with a server's, field by field, each as exactly as the contract promises it."""

import math
from collections.abc import Iterable, Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

_QUANTILES = ("median", "p90", "p95")
_QUANTILE_ERROR = 0.05
_ROUNDING_NS = 1_000


def differences(expected: Sequence[Message], actual: Sequence[Message], name: str = "rows") -> list[str]:
    """Say in what the actual messages differ; quantiles may by 5 %, averages by a microsecond."""
    if len(expected) != len(actual):
        return [f"{name}: {len(expected)} wanted, {len(actual)} there: {list(expected)} and not {list(actual)}"]
    return [
        difference
        for number, (wanted, there) in enumerate(zip(expected, actual, strict=True))
        for difference in _differences(f"{name}[{number}]", wanted, there)
    ]


def _differences(path: str, expected: Message, actual: Message) -> Iterable[str]:
    for field in expected.DESCRIPTOR.fields:
        name = f"{path}.{field.name}"
        wanted, there = getattr(expected, field.name), getattr(actual, field.name)
        if field.is_repeated and field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from differences(wanted, there, name)
        elif field.has_presence and expected.HasField(field.name) != actual.HasField(field.name):
            yield f"{name}: {'wanted' if expected.HasField(field.name) else 'not wanted'}: {expected} and not {actual}"
        elif isinstance(wanted, Message) and not isinstance(wanted, Duration):
            yield from _differences(name, wanted, there)
        elif not _same(field.name, wanted, there):
            yield f"{name}: {wanted!r} wanted, {there!r} there: {expected} and not {actual}"


def _same(name: str, wanted: object, there: object) -> bool:
    if isinstance(wanted, float) and isinstance(there, float):
        return math.isclose(wanted, there, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(wanted, Duration) and isinstance(there, Duration):
        error = abs(wanted.ToNanoseconds() - there.ToNanoseconds())
        if name in _QUANTILES:
            return error <= _QUANTILE_ERROR * wanted.ToNanoseconds()
        return error <= (_ROUNDING_NS if name == "average" else 0)
    return wanted == there
