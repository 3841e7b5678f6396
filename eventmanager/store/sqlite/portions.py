"""Portions: in which a row's facts wait to go to their table, and how they are written until then.

They wait as text, but for few: as objects they would take six times as much memory, and by the time they are wanted, or
let go of, each would have to come from far away.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import orjson
import zstandard

from eventmanager.facts import SetTable
from eventmanager.store.sqlite.table_facts import TableFacts
from eventmanager.store.sqlite.tables import SET_COLUMNS, Table

PORTIONS: Final = 64
"""Databases tell by it how far facts have been settled: with another number, those that wait would be other ones. So
would they be with other functions of rows, below.
"""
MOST_SET_ROWS: Final = 2_000
"""Most rows of a set in one piece. Where visitors' names begin alike, a portion has more."""
FEW_ROWS: Final = 500
"""Fewer are sorted by portion together with those of later commits: else most pieces would have a single row."""
_COMPRESSION_LEVEL: Final = 1

_PLACE_OF: Final[Mapping[SetTable, Callable[[Any], int]]] = {
    SetTable.USERS_BY_STAGE: lambda row: row[0] * 7 + (ord(row[1][0]) >> 2),
    SetTable.USERS_BY_PLATFORM: lambda row: ord(row[0][0]),
    SetTable.STAGE_GRAPH: lambda row: row[0] * 31 + row[1] * 7 + (ord(row[2][0]) >> 2),
}
"""Of a row of a set its portion, modulo their number: by the first columns of its key, and how the visitor begins."""


class Piece(NamedTuple):
    """Some facts of one portion: what is between the brackets of a JSON array.

    For a table of sets it has the values of its rows, one after the other, each row's begun by its partition's number;
    for one of totals it has [day's number, key, counts, elapsed_ms], as in Addition, for each row.
    """

    rows: int
    encoded: bytes


PortionedFacts: TypeAlias = Mapping[int, Sequence[Piece]]
"""Facts of one table by portion. No piece has more than MOST_SET_ROWS rows of a set."""


def sorted_if_many(table: Table, facts: TableFacts) -> PortionedFacts | TableFacts:
    """Sort facts of a table by portion where there are enough of them: each piece takes its time."""
    return sorted_by_portion(table, facts) if count_rows(facts) >= FEW_ROWS else facts


def count_rows(facts: TableFacts) -> int:
    """Return how many rows there are."""
    return sum(len(rows) for _, rows in facts)


def sorted_by_portion(table: Table, facts: TableFacts) -> PortionedFacts:
    """Sort facts of a table by portion."""
    if isinstance(table, SetTable):
        return {place: list(_set_pieces(table, values)) for place, values in _set_values(table, facts).items()}
    return {place: [_piece(rows, len(rows))] for place, rows in _totals_rows(facts).items()}


def facts_compressor() -> zstandard.ZstdCompressor:
    """Return what makes encoded facts a fifth as large. Not to be shared between threads."""
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)


def encode_facts(facts: PortionedFacts | TableFacts) -> bytes:
    """Write the facts of a table as JSON: by portion an array of pieces or, where they are not sorted, as they are."""
    if not isinstance(facts, Mapping):
        return orjson.dumps(facts, default=list)
    portions = (
        b'"%d":[%b]' % (place, b",".join(b"[%b]" % piece.encoded for piece in pieces))
        for place, pieces in facts.items()
    )
    return b"{%b}" % b",".join(portions)


def decode_facts(table: Table, compressed: bytes) -> PortionedFacts:
    """Read what `encode_facts` wrote and a compressor made of it."""
    facts = orjson.loads(zstandard.ZstdDecompressor().decompress(compressed))
    if isinstance(facts, list):
        return sorted_by_portion(table, facts)
    columns = len(SET_COLUMNS[table]) + 1 if isinstance(table, SetTable) else 1
    return {
        int(place): [_piece(values, len(values) // columns) for values in pieces] for place, pieces in facts.items()
    }


def values_of(pieces: Iterable[bytes]) -> Sequence[Any]:
    """Return what is in some pieces."""
    values: Sequence[Any] = orjson.loads(b"[%b]" % b",".join(pieces))
    return values


def _piece(values: Sequence[Any], rows: int) -> Piece:
    # Without brackets it is a copy of the right size: what orjson returns began with 1,024 bytes, and keeps others from
    # having what is left of them.
    return Piece(rows, orjson.dumps(values, default=list)[1:-1])


def _set_values(table: SetTable, facts: TableFacts) -> Mapping[int, list[Any]]:
    place_of = _PLACE_OF[table]
    by_place: defaultdict[int, list[Any]] = defaultdict(list)
    for number, rows in facts:
        for row in rows:
            values = by_place[place_of(row) % PORTIONS]
            values.append(number)
            values += row
    return by_place


def _set_pieces(table: SetTable, values: Sequence[Any]) -> Iterator[Piece]:
    columns = len(SET_COLUMNS[table]) + 1
    step = MOST_SET_ROWS * columns
    for start in range(0, len(values), step):
        some = values[start : start + step]
        yield _piece(some, len(some) // columns)


def _totals_rows(facts: TableFacts) -> Mapping[int, list[Any]]:
    by_place: defaultdict[int, list[Any]] = defaultdict(list)
    for number, rows in facts:
        for row in rows:
            text = row[0][0]
            # By the text that its key begins with: numbers are few.
            place = zlib.crc32(text.encode()) % PORTIONS if isinstance(text, str) else 0
            by_place[place].append((number, *row))
    return by_place
