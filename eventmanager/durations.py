"""Durations summed up: exact count, total and squares, and quantiles to within 5 %.

A duration falls into the bucket named by its top five bits (HdrHistogram's scheme): 16 buckets an octave, so a
bucket is at most a sixteenth of its durations wide, and a bucket never crosses a power of two.
"""

from collections.abc import Iterable
from typing import Final, Self

_SHORT_VARINTS: Final = [bytes([number]) for number in range(128)]


def bucket_of(elapsed_ms: int) -> int:
    """Number the bucket of a duration of zero or more milliseconds."""
    octave = elapsed_ms.bit_length() - 5
    return elapsed_ms if octave <= 0 else (octave << 4) + (elapsed_ms >> octave)


def bounds_of(bucket: int) -> tuple[int, int]:
    """Return a bucket's shortest duration, included, and its longest, excluded, in milliseconds."""
    octave = max(0, (bucket >> 4) - 1)
    shortest = bucket - (octave << 4) << octave
    return shortest, shortest + (1 << octave)


def varint(number: int) -> bytes:
    """Encode a number of zero or more as protobuf does, base 128."""
    if number < 128:
        return _SHORT_VARINTS[number]
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


class Durations:
    """Some durations, of which only sums and buckets are known. More may be added."""

    __slots__ = ("buckets", "count", "squares_ms2", "total_ms")

    def __init__(self) -> None:
        self.count = 0
        self.total_ms = 0
        self.squares_ms2 = 0
        self.buckets: dict[int, int] = {}

    @classmethod
    def of(cls, elapsed_ms: Iterable[int]) -> Self:
        """Sum up durations of zero or more milliseconds."""
        durations = cls()
        durations.add(elapsed_ms)
        return durations

    def add(self, elapsed_ms: Iterable[int]) -> None:
        """Count some more durations of zero or more milliseconds."""
        count = self.count
        total = self.total_ms
        squares = self.squares_ms2
        buckets = self.buckets
        for ms in elapsed_ms:
            count += 1
            total += ms
            squares += ms * ms
            octave = ms.bit_length() - 5  # bucket_of, written out: this loop is hot.
            bucket = ms if octave <= 0 else (octave << 4) + (ms >> octave)
            if bucket in buckets:
                buckets[bucket] += 1
            else:
                buckets[bucket] = 1
        self.count = count
        self.total_ms = total
        self.squares_ms2 = squares

    def merge(self, other: Self) -> None:
        """Count all the durations of another sum, too."""
        self.count += other.count
        self.total_ms += other.total_ms
        self.squares_ms2 += other.squares_ms2
        for bucket, hits in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + hits

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Durations):
            return NotImplemented
        return (self.count, self.total_ms, self.squares_ms2, self.buckets) == (
            other.count,
            other.total_ms,
            other.squares_ms2,
            other.buckets,
        )

    __hash__ = None  # type: ignore[assignment]  # Changes, so it must not be a key.

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.count} of {self.total_ms} ms in all>"

    def quantile_ms(self, share: float) -> float:
        """Return the duration that a share of all, from 0 to 1, do not exceed (nearest rank).

        Raises ValueError where there are no durations.
        """
        if not self.count:
            raise ValueError("no durations, hence no quantile")
        rank = max(1, -int(-share * self.count // 1))
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                shortest, longest = bounds_of(bucket)
                # A bucket of one millisecond holds that millisecond alone.
                return shortest if longest - shortest == 1 else (shortest + longest) / 2
        raise AssertionError("the buckets hold fewer durations than the count")

    def encode(self) -> bytes:
        """Write squares and buckets as varints (protobuf's, base 128): the squares, then for each bucket by number its
        distance from the one before and its hits. Count and total are told by the row that holds them.
        """
        encoded = bytearray()
        append = encoded.append
        before = 0
        squares = self.squares_ms2
        while squares > 127:
            append(squares & 127 | 128)
            squares >>= 7
        append(squares)
        for bucket, hits in sorted(self.buckets.items()):
            distance = bucket - before
            before = bucket
            while distance > 127:
                append(distance & 127 | 128)
                distance >>= 7
            append(distance)
            while hits > 127:
                append(hits & 127 | 128)
                hits >>= 7
            append(hits)
        return bytes(encoded)

    @classmethod
    def decode(cls, total_ms: int, encoded: bytes) -> Self:
        """Read what `encode` wrote, given the total. Raises ValueError for anything else."""
        numbers = []
        number = shift = 0
        for byte in encoded:
            number |= (byte & 127) << shift
            if byte < 128:
                numbers.append(number)
                number = shift = 0
            else:
                shift += 7
        if shift or len(numbers) % 2 == 0:
            raise ValueError("not durations: the bytes end in the middle")
        durations = cls()
        durations.total_ms = total_ms
        durations.squares_ms2 = numbers[0]
        bucket = 0
        for distance, hits in zip(numbers[1::2], numbers[2::2], strict=True):
            bucket += distance
            durations.buckets[bucket] = hits
            durations.count += hits
        return durations
