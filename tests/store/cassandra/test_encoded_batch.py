"""Batches encoded here are, byte for byte, those that the driver would send."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from cassandra import ConsistencyLevel, ProtocolVersion
from cassandra.cluster import Session
from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import BatchStatement

from eventmanager.blocks import Day
from eventmanager.durations import Durations
from eventmanager.facts import Addition, Key, SetTable, Totals, TotalsTable
from eventmanager.store.cassandra.columns import TOTALS_COLUMNS, cql_date
from eventmanager.store.cassandra.encoded_batch import EncodedBatches, batch_of_encoded
from eventmanager.store.cassandra.encoded_rows import encode_members, encode_totals, encode_waiting
from eventmanager.store.cassandra.ledger import Ledger, UnwrittenRow
from eventmanager.store.cassandra.repeater import batch_of
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.waiting_totals import WaitingRow
from tests.store.cassandra.made_blocks import DATE

_SHARD: Final = 3
_TTL_S: Final = 86_400
_TIMES: Final = [Durations.of([0, 1, 2**40]), Durations.of([])]

_MEMBERS: Final[Mapping[SetTable, Sequence[Key]]] = {
    SetTable.USERS_BY_STAGE: [(0, "a"), (2**31 - 1, "Jürgen 🦊")],
    SetTable.USERS_BY_PLATFORM: [("a", "", "", ""), ("b" * 128, "Firefox", "Linux", "PC")],
    SetTable.STAGE_GRAPH: [(1, 2, "a"), (2, 1, "é" * 64)],
}
_TOTALS: Final[Mapping[TotalsTable, Sequence[tuple[Key, Totals]]]] = {
    TotalsTable.TIME_BY_STAGE: [((1,), Totals((2**40,), _TIMES[:1])), ((2,), Totals((0,), _TIMES[1:]))],
    TotalsTable.ACTIONS_BY_BUTTON: [(("//ä",), Totals((1, 2), _TIMES)), (("",), Totals((0, 0), _TIMES[::-1]))],
    TotalsTable.VIEWS_BY_PAGE: [(("/page",), Totals((3,), _TIMES[:1]))],
    TotalsTable.CLICKS_BY_TARGET: [(("/page", "//a"), Totals((3,), _TIMES[:1])), (("", ""), Totals((0,), _TIMES[1:]))],
    TotalsTable.TRAFFIC: [((23,), Totals((1, 2, 3, 4, 5), [])), ((0,), Totals((0, 0, 0, 0, 2**62), []))],
}


def test_rows_of_sets(session: Session, day: Day) -> None:
    """Of several tables in one batch."""
    statements = Statements(session)
    partition = (day.app, cql_date(DATE), _SHARD)
    bound = [
        statements.write_members[table].bind((*partition, *key, _TTL_S))
        for table, keys in _MEMBERS.items()
        for key in keys
    ]

    encoded = [
        encode_members(statements.write_members[table], partition, keys, _TTL_S) for table, keys in _MEMBERS.items()
    ]

    assert sent(batch_of(bound)) == sent(batch_of_encoded(encoded))


@pytest.mark.parametrize("table", TotalsTable, ids=lambda table: table.value)
def test_rows_of_totals(session: Session, day: Day, table: TotalsTable) -> None:
    """With a ledger, counts and durations, and the number of the last additions that are in them."""
    write = Statements(session).write_totals[table]
    ledger = Ledger(day, uuid.UUID(int=7), _SHARD)
    ledger.take({table: {_TOTALS[table][0][0]: Addition((1,) * len(_TOTALS[table][0][1].counts), ((),) * 2)}})
    added = [1] if TOTALS_COLUMNS[table].added and ledger.add_waiting(table) else []
    partition = (day.app, cql_date(DATE), _SHARD)
    rows = [UnwrittenRow(table, key, totals) for key, totals in _TOTALS[table]]
    bound = [
        write.bind((*partition, *key, ledger.ledger_id, *TOTALS_COLUMNS[table].figures_of(totals), *added, 0))
        for _, key, totals in rows
    ]

    encoded = encode_totals(write, ledger, rows, 0)

    assert sent(batch_of(bound)) == sent(batch_of_encoded([encoded]))


def test_rows_that_keep_additions(session: Session, day: Day) -> None:
    """Or keep nothing any more."""
    write = Statements(session).write_waiting
    ledger = Ledger(day, uuid.UUID(int=7), _SHARD)
    partition = (day.app, cql_date(DATE), _SHARD)
    rows = [
        WaitingRow(TotalsTable.VIEWS_BY_PAGE, 0, 2**40, b"some"),
        WaitingRow(TotalsTable.CLICKS_BY_TARGET, 70_000, 1, b""),
    ]
    bound = [
        write.bind((*partition, row.table.value, ledger.ledger_id, row.slot, row.number, row.additions, _TTL_S))
        for row in rows
    ]

    encoded = encode_waiting(write, ledger, rows, _TTL_S)

    assert sent(batch_of(bound)) == sent(batch_of_encoded([encoded]))


def test_other_messages_are_the_drivers(session: Session, day: Day) -> None:
    """A batch of its own statements, as the log's are."""
    partition = (day.app, cql_date(DATE), _SHARD)
    write = Statements(session).write_block
    batch = batch_of([write.bind((*partition, b"id", 1, b"payload", 0))] * 2)

    assert sent(batch, ProtocolHandler) == sent(batch)


def sent(batch: BatchStatement, handler: Any = EncodedBatches) -> tuple[bytes | None, str | None, bytes]:
    """Return where a batch goes, and what is sent."""
    message = BatchMessage(
        batch.batch_type,
        batch._statements_and_parameters,  # noqa: SLF001 - as the driver's session makes it.
        ConsistencyLevel.LOCAL_QUORUM,
        None,
        1_700_000_000_000_000,
        batch.keyspace,
    )
    encoded: bytes = handler.encode_message(message, 1, ProtocolVersion.V5, None, allow_beta_protocol_version=False)
    return batch.routing_key, batch.keyspace, encoded
