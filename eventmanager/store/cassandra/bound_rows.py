"""Binds many rows of one partition at once: what they share is encoded once, as the driver does it for every row."""

import struct
from collections.abc import Sequence
from typing import Final

from cassandra.query import BoundStatement, PreparedStatement

from eventmanager.facts import Key
from eventmanager.store.cassandra.columns import Values

_INT: Final = struct.Struct(">i").pack


def bind_rows(statement: PreparedStatement, partition: Values, keys: Sequence[Key], ttl: int) -> list[BoundStatement]:
    """Bind rows whose keys are texts and 32-bit integers. There is at least one."""
    first = statement.bind((*partition, *keys[0], ttl))
    encoded_partition, encoded_ttl = first.values[: len(partition)], first.values[-1]
    bound = [first]
    for key in keys[1:]:
        row = BoundStatement(statement)
        encoded_key = [value.encode() if isinstance(value, str) else _INT(value) for value in key]
        row.values = [*encoded_partition, *encoded_key, encoded_ttl]
        bound.append(row)
    return bound
