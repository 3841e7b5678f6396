"""How jobs go to the process beside, and what it made of them comes back.

In Python's own marshal format, which takes a third of what protobuf would for events in pieces: the two processes run
the same code under the same interpreter.
"""

import datetime
import marshal
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.blocks import Block, Partition
from eventmanager.errors import InvalidRequestError
from eventmanager.events import EventRow, Platform
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import PreparedRequest

LENGTH_BYTES: Final = 4
"""What comes before each message: its length, the highest byte first."""
_MARSHAL_VERSION: Final = 2
"""Later ones look for objects that occur twice, which takes longer and finds little."""


READY: Final = bytes(LENGTH_BYTES)
"""What the process says first: a message of no length."""

Result: TypeAlias = PreparedRequest | InvalidRequestError | None
"""What became of a request. None where something unforeseen happened."""


class Job(NamedTuple):
    """Some requests, one after the other, each with its app's settings, serialized, and the time it came."""

    settings: Sequence[bytes]
    encoded: Sequence[bytes]
    now_s: Sequence[float]


def frame(message: bytes) -> bytes:
    """Put a message's length before it."""
    return len(message).to_bytes(LENGTH_BYTES) + message


def encode_job(job: Job) -> bytes:
    """Write what `decode_job` reads."""
    return marshal.dumps(tuple(map(list, job)), _MARSHAL_VERSION)


def decode_job(encoded: bytes) -> Job:
    """Read what `encode_job` wrote."""
    return Job(*marshal.loads(encoded))  # noqa: S302 - from the process that started this one.


def encode_results(results: Sequence[Result]) -> bytes:
    """Write what `decode_results` reads."""
    return marshal.dumps([_told(result) for result in results], _MARSHAL_VERSION)


def decode_results(encoded: bytes, apps: Sequence[str], platforms: PlatformReader) -> Sequence[Result]:
    """Read what `encode_results` wrote, given the app of each request."""
    told = marshal.loads(encoded)  # noqa: S302 - from a process that this one started.
    return [_result(result, app, platforms) for result, app in zip(told, apps, strict=True)]


def _told(result: Result) -> Any:
    if result is None:
        return None
    if isinstance(result, InvalidRequestError):
        return result.violation.field, result.violation.description
    refused = IngestOutcome(refused_events=result.refused).SerializeToString()
    return refused, [_told_block(block) for block in result.blocks], list(map(list, result.places))


def _result(told: Any, app: str, platforms: PlatformReader) -> Result:
    if told is None:
        return None
    if len(told) == 2:
        return InvalidRequestError(*told)
    refused, blocks, places = told
    return PreparedRequest(
        [_block(block, app, platforms) for block in blocks], places, IngestOutcome.FromString(refused).refused_events
    )


def _told_block(block: Block) -> Any:
    kinds, users, ids, times_ns, hours, platforms, subjects, details, elapsed_ms = zip(*block.rows, strict=True)
    indexes: dict[Platform, int] = {}
    platform_indexes = [indexes.setdefault(platform, len(indexes)) for platform in platforms]
    return (
        block.partition.date.toordinal(),
        block.partition.shard,
        block.block_id,
        block.payload,
        block.expire_time_s,
        [tuple(platform) for platform in indexes],
        (bytes(kinds), users, ids, times_ns, bytes(hours), platform_indexes, subjects, details, elapsed_ms),
    )


def _block(told: Any, app: str, platforms: PlatformReader) -> Block:
    ordinal, shard, block_id, payload, expire_time_s, told_platforms, columns = told
    # The fold tells platforms apart by identity.
    known = [platforms.complete(*platform, "") for platform in told_platforms]
    kinds, users, ids, times_ns, hours, indexes, subjects, details, elapsed_ms = columns
    rows: list[EventRow] = list(
        zip(
            kinds, users, ids, times_ns, hours, map(known.__getitem__, indexes), subjects, details, elapsed_ms,
            strict=True,
        )
    )  # fmt: skip
    partition = Partition(app, datetime.date.fromordinal(ordinal), shard)
    return Block(partition, block_id, rows, payload, expire_time_s)
