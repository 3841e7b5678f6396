"""UUIDs in the 16 bytes that they stand for, in place of their 36 characters: many at once.

A text is taken for a UUID where it can be made again from these bytes: in the form of RFC 9562, section 4, and in lower
case. https://www.rfc-editor.org/rfc/rfc9562#section-4
"""

from collections.abc import Sequence
from typing import Final

_BYTES: Final = 16
_CHARACTERS: Final = 36
_DIGITS: Final = 32
_HYPHENS_AT: Final = (8, 13, 18, 23)
_DIGITS_AT: Final = tuple(place for place in range(_CHARACTERS) if place not in _HYPHENS_AT)


def pack(texts: Sequence[str]) -> bytes | None:
    """Return the bytes of UUIDs one after the other, or None where some text is none."""
    count = len(texts)
    joined = "".join(texts)
    if len(joined) != count * _CHARACTERS or set(map(len, texts)) != {_CHARACTERS}:
        return None
    hyphens = "-" * count
    if any(joined[place::_CHARACTERS] != hyphens for place in _HYPHENS_AT):
        return None
    digits = joined.replace("-", "")
    if len(digits) != count * _DIGITS:
        return None
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        return None
    # Capitals and spaces are read, too, but not written again.
    return packed if packed.hex() == digits else None


def unpack(packed: bytes) -> list[str]:
    """Return the texts of UUIDs that `pack` made bytes of."""
    digits = packed.hex().encode()
    count = len(packed) // _BYTES
    characters = bytearray(b"-" * (count * _CHARACTERS))
    for place, character_place in enumerate(_DIGITS_AT):
        characters[character_place::_CHARACTERS] = digits[place::_DIGITS]
    joined = characters.decode()
    return [joined[start : start + _CHARACTERS] for start in range(0, len(joined), _CHARACTERS)]
