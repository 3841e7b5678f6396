"""Durations, their sums and the bytes they are kept as."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventmanager.durations import Durations, bounds_of, bucket_of

MILLISECONDS = st.integers(min_value=0, max_value=30 * 86_400_000)
SHARES = st.sampled_from([0.5, 0.9, 0.95, 1.0])


def sum_of(elapsed_ms: list[int]) -> Durations:
    """Sum up one by one."""
    durations = Durations()
    for ms in elapsed_ms:
        durations.add([ms])
    return durations


@given(MILLISECONDS)
@example(0)
@example(31)
@example(32)
def test_a_duration_lies_in_its_bucket(elapsed_ms: int) -> None:
    """The bounds of a duration's bucket enclose it and are at most a sixteenth of it apart."""
    shortest, longest = bounds_of(bucket_of(elapsed_ms))

    assert shortest <= elapsed_ms < longest
    assert longest - shortest <= max(1, elapsed_ms / 16)


def test_buckets_follow_each_other() -> None:
    """Each begins where the one before ends, and none crosses a power of two, so that bands are made of whole ones."""
    bounds = [bounds_of(bucket) for bucket in range(bucket_of(2**40))]

    assert 0 == bounds[0][0]
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert all((end - 1).bit_length() == start.bit_length() for start, end in bounds[1:])


@given(st.lists(MILLISECONDS), st.lists(MILLISECONDS))
def test_sums_add_up(some: list[int], others: list[int]) -> None:
    """However durations come: all at once, one by one, or as sums that are merged."""
    durations = Durations.of(some)
    durations.merge(Durations.of(others))

    assert Durations.of(some + others) == durations == sum_of(others + some)
    assert (len(some + others), sum(some + others), sum(ms * ms for ms in some + others)) == (
        durations.count,
        durations.total_ms,
        durations.squares_ms2,
    )


@given(st.lists(MILLISECONDS, min_size=1), SHARES)
def test_a_quantile_is_close(elapsed_ms: list[int], share: float) -> None:
    """A quantile differs from the duration of that rank by less than 5 %."""
    rank = max(1, -int(-share * len(elapsed_ms) // 1))
    exact = sorted(elapsed_ms)[rank - 1]

    assert abs(Durations.of(elapsed_ms).quantile_ms(share) - exact) <= 0.05 * exact


def test_no_durations_have_no_quantile() -> None:
    """It is an error to ask."""
    with pytest.raises(ValueError, match="no durations"):
        Durations().quantile_ms(0.5)


@given(st.lists(MILLISECONDS))
def test_what_is_encoded_can_be_decoded(elapsed_ms: list[int]) -> None:
    """With the total that lies beside it; more can be added then."""
    encoded = Durations.of(elapsed_ms).encode()
    decoded = Durations.decode(sum(elapsed_ms), encoded)

    assert Durations.of(elapsed_ms) == decoded
    decoded.add([7])
    assert Durations.of([*elapsed_ms, 7]) == decoded


@pytest.mark.parametrize(
    ("elapsed_ms", "encoded"),
    [
        ([], b"\0"),
        ([0], b"\0\0\1"),
        ([31], b"\xc1\x07\x1f\1"),  # 961 squared milliseconds; bucket 31, once.
        ([1, 1, 40], b"\xc2\x0c\1\2\x23\1"),  # 1,602; bucket 1 twice, and 35 further on bucket 36 once.
        ([5] * 300, b"\xcc\x3a\5\xac\2"),  # 7,500; bucket 5, 300 times.
    ],
)
def test_the_encoding_is_fixed(elapsed_ms: list[int], encoded: bytes) -> None:
    """Databases are full of it."""
    assert encoded == Durations.of(elapsed_ms).encode()


@given(st.lists(MILLISECONDS, min_size=1, max_size=30))
def test_broken_bytes_are_refused(elapsed_ms: list[int]) -> None:
    """Bytes that end in the middle of a number or of a pair are no durations."""
    encoded = Durations.of(elapsed_ms).encode()

    with pytest.raises(ValueError, match="end in the middle"):
        Durations.decode(0, encoded[:-1])
    with pytest.raises(ValueError, match="end in the middle"):
        Durations.decode(0, encoded + b"\x80")


def test_durations_differ_by_what_they_are() -> None:
    """They are equal to nothing else, and are no keys."""
    assert Durations.of([1]) != Durations.of([2])
    assert Durations.of([1]) != 1
    with pytest.raises(TypeError):
        hash(Durations())


def test_durations_say_what_they_are() -> None:
    """In a failing test's words."""
    assert "<Durations: 2 of 30 ms in all>" == repr(Durations.of([10, 20]))
