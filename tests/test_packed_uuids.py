"""UUIDs in 16 bytes: they come back as they were, and what would not is not taken."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmanager.packed_uuids import pack, unpack

ID = "0d3f8a52-5c1e-4b7a-9f00-8e2d6c4b1a3f"
OTHER_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@given(st.lists(st.uuids().map(str), min_size=1, max_size=50))
def test_uuids_come_back(texts: Sequence[str]) -> None:
    """In their order, of whatever version."""
    packed = pack(texts)

    assert packed is not None
    assert 16 * len(texts) == len(packed)
    assert texts == unpack(packed)


@given(st.lists(st.text("0123456789abcdefABCDEF- é", max_size=40) | st.uuids().map(str), max_size=5))
def test_other_texts_are_left(texts: Sequence[str]) -> None:
    """Whatever is packed comes back."""
    packed = pack(texts)

    assert packed is None or texts == unpack(packed)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["event 1"],
        [ID.upper()],
        ["{" + ID[1:-1] + "}"],
        ["-" * 36],
        [" " + ID[1:]],
        ["g" + ID[1:]],
        [ID.replace("-", "0")],
        [ID.replace("-", "") + "----"],
        [ID + "0", OTHER_ID[:-1]],
        [ID, ""],
    ],
)
def test_what_is_no_uuid_is_not_packed(texts: Sequence[str]) -> None:
    """Nor are those beside it."""
    assert pack(texts) is None
    assert pack([*texts, OTHER_ID]) == (None if texts else b"\xff" * 16)
