"""Binds many rows of one partition at once: what they share is encoded once, as the driver does it for every row."""

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from cassandra.query import BoundStatement, PreparedStatement

from eventmanager.facts import Key
from eventmanager.store.cassandra.columns import TOTALS_COLUMNS, Values, partition_values
from eventmanager.store.cassandra.ledger import Ledger, UnwrittenRow

_INT: Final = struct.Struct(">i").pack
_BIGINT: Final = struct.Struct(">q").pack


def bind_rows(statement: PreparedStatement, partition: Values, keys: Sequence[Key], ttl: int) -> list[BoundStatement]:
    """Bind rows whose keys are texts and 32-bit integers. There is at least one."""
    first = statement.bind((*partition, *keys[0], ttl))
    encoded_partition, encoded_ttl = first.values[: len(partition)], first.values[-1]
    bound = [first]
    for key in keys[1:]:
        row = BoundStatement(statement)
        row.values = [*encoded_partition, *_encoded(key), encoded_ttl]
        bound.append(row)
    return bound


def bind_totals(
    statement: PreparedStatement, ledger: Ledger, rows: Sequence[UnwrittenRow], ttl: int
) -> list[BoundStatement]:
    """Bind rows of a ledger's totals, all of one table. There is at least one."""
    columns = TOTALS_COLUMNS[rows[0].table]
    partition = partition_values(ledger.partition)
    first = statement.bind((*partition, *columns.values_of(rows[0].key, ledger.ledger_id, rows[0].totals), ttl))
    encoded_partition, encoded_ttl = first.values[: len(partition)], first.values[-1]
    bound = [first]
    for _, key, totals in rows[1:]:
        row = BoundStatement(statement)
        _, *figures = columns.values_of(key, ledger.ledger_id, totals)[len(key) :]
        encoded = [value if isinstance(value, bytes) else _BIGINT(value) for value in figures]
        row.values = [*encoded_partition, *_encoded(key), ledger.ledger_id.bytes, *encoded, encoded_ttl]
        bound.append(row)
    return bound


def _encoded(key: Key) -> Iterable[bytes]:
    return [value.encode() if isinstance(value, str) else _INT(value) for value in key]
