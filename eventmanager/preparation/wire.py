"""How jobs go to the process beside, and what it made of them comes back.

In Python's own marshal format, which takes a third of what protobuf would for events in pieces: the two processes run
the same code under the same interpreter.
"""

import datetime
import marshal
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.block_sums import BlockSums, sum_up
from eventmanager.blocks import Block, Partition, StoredBlock
from eventmanager.errors import InvalidRequestError
from eventmanager.logged_events import rows_of
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import PreparedRequest

LENGTH_BYTES: Final = 4
"""What comes before each message: its length, the highest byte first."""
_FIRST_SET: Final = BlockSums._fields.index("stage_users")
_STAGES: Final = BlockSums._fields.index("stages")
"""Between the two are sets of visitors; what comes before is numbers by text or number, and goes as it is."""
_MARSHAL_VERSION: Final = 2
"""Later ones look for objects that occur twice, which takes longer and finds little."""
_MARSHAL_VERSION_OF_TEXTS: Final = 4
"""It has a shorter form of ASCII. Texts that nobody else has are not looked for."""
_POSITION: Final = "I"
"""As `array` calls unsigned numbers of four bytes: what an event's position in its request takes."""


READY: Final = bytes(LENGTH_BYTES)
"""What the process says first: a message of no length."""

Result: TypeAlias = PreparedRequest | InvalidRequestError | None
"""What became of a request. None where something unforeseen happened."""


class _SummedPartition(NamedTuple):
    """A partition, and what so many blocks of it say together."""

    partition: Partition
    sums: Callable[[], BlockSums]
    blocks: int


class Job(NamedTuple):
    """Some requests, one after the other, each with its app's settings, serialized, and the time it came."""

    settings: Sequence[bytes]
    encoded: Sequence[bytes]
    now_s: Sequence[float]


def frame(message: bytes) -> bytes:
    """Put a message's length before it."""
    return len(message).to_bytes(LENGTH_BYTES) + message


def write_message(pipe: BinaryIO, message: bytes) -> None:
    """Write a message with its length before it, uncopied, as it may be large."""
    pipe.write(len(message).to_bytes(LENGTH_BYTES))
    pipe.write(message)
    pipe.flush()


def read_message(pipe: BinaryIO) -> bytes | None:
    """Read a message with its length before it; None at the end, where whoever wrote may have been cut off."""
    length = int.from_bytes(pipe.read(LENGTH_BYTES))
    message = pipe.read(length)
    return message if message and len(message) == length else None


def encode_job(job: Job) -> bytes:
    """Write what `decode_job` reads."""
    return _encode(tuple(map(list, job)))


def decode_job(encoded: bytes) -> Job:
    """Read what `encode_job` wrote."""
    return Job(*_decode(encoded))


def encode_results(results: Sequence[Result]) -> bytes:
    """Write what `decode_results` reads."""
    blocks = chain.from_iterable(result.blocks for result in results if isinstance(result, PreparedRequest))
    by_partition: defaultdict[Partition, list[Block]] = defaultdict(list)
    for block in blocks:
        by_partition[block.partition].append(block)
    numbers = {partition: number for number, partition in enumerate(by_partition)}
    partitions = list(map(_told_partition, by_partition.items()))
    return _encode((partitions, [_told(result, numbers) for result in results]))


def decode_results(encoded: bytes, platforms: PlatformReader) -> Sequence[Result]:
    """Read what `encode_results` wrote."""
    told_partitions, told_results = _decode(encoded)
    partitions = list(map(_summed_partition, told_partitions))
    return [_result(told, partitions, platforms) for told in told_results]


def _told_partition(partition_blocks: tuple[Partition, Sequence[Block]]) -> Any:
    """Tell a partition, how many of the blocks there are of it, and what their events say together."""
    partition, blocks = partition_blocks
    sums = sum_up(chain.from_iterable(block.rows() for block in blocks))
    return partition.app, partition.date.toordinal(), partition.shard, len(blocks), _encode(_told_sums(sums))


def _summed_partition(told: Any) -> _SummedPartition:
    app, ordinal, shard, blocks, sums = told
    # What many objects say is taken apart when it is asked for, and by whoever asks: until then it would be out of
    # the processor's caches again.
    return _SummedPartition(Partition(app, datetime.date.fromordinal(ordinal), shard), partial(_sums, sums), blocks)


def _told(result: Result, partitions: Mapping[Partition, int]) -> Any:
    if result is None:
        return None
    if isinstance(result, InvalidRequestError):
        return result.violation.field, result.violation.description
    refused = IngestOutcome(refused_events=result.refused).SerializeToString()
    # As one object, and not one for each position: until the answer they would go out of the processor's caches again.
    places = [array(_POSITION, of_block).tobytes() for of_block in result.places]
    return refused, [_told_block(block, partitions) for block in result.blocks], places


def _result(told: Any, partitions: Sequence[_SummedPartition], platforms: PlatformReader) -> Result:
    if told is None:
        return None
    if len(told) == 2:
        return InvalidRequestError(*told)
    refused, blocks, places = told
    return PreparedRequest(
        [_block(block, partitions, platforms) for block in blocks],
        [array(_POSITION, of_block) for of_block in places],
        IngestOutcome.FromString(refused).refused_events,
    )


def _told_block(block: Block, partitions: Mapping[Partition, int]) -> Any:
    return (
        partitions[block.partition],
        block.block_id,
        block.count,
        block.hour,
        block.payload,
        block.expire_time_s,
        marshal.dumps(list(block.identities()), _MARSHAL_VERSION_OF_TEXTS),
    )


def _block(told: Any, partitions: Sequence[_SummedPartition], platforms: PlatformReader) -> Block:
    number, block_id, count, hour, payload, expire_time_s, identities = told
    partition, sums, blocks = partitions[number]
    return Block(
        partition,
        block_id,
        count,
        hour,
        payload,
        expire_time_s,
        sums,
        blocks,
        partial(_decode, identities),
        partial(rows_of, StoredBlock(block_id, payload), platforms),
    )


def _told_sums(sums: BlockSums) -> Any:
    totals: Any = sums[:_FIRST_SET]
    sets: Any = sums[_FIRST_SET:_STAGES]
    return list(map(dict, totals)), list(map(_told_set, sets)), sums.stages


def _sums(encoded: bytes) -> BlockSums:
    totals, sets, stages = _decode(encoded)
    return BlockSums._make((*totals, *map(_set, sets), stages))


def _told_set(visitors: Mapping[Any, set[str]]) -> Any:
    columns = [tuple(key) if isinstance(key, tuple) else key for key in visitors]  # No Platform, but a plain tuple.
    return columns, list(map(list, visitors.values()))  # Lists, as marshal sorts sets.


def _set(told: Any) -> Mapping[Any, set[str]]:
    columns, visitors = told
    return dict(zip(columns, map(set, visitors), strict=True))


def _encode(told: Any) -> bytes:
    return marshal.dumps(told, _MARSHAL_VERSION)


def _decode(encoded: bytes) -> Any:
    return marshal.loads(encoded)  # noqa: S302 - from the process beside, or from the one that started it.
