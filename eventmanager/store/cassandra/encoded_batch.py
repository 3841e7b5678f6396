"""Batches of rows that are encoded already, and how the driver sends them."""

import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import BatchStatement, BatchType

from eventmanager.store.cassandra.encoded_rows import EncodedRows

_TYPE_BYTES: Final = 1
_COUNT_BYTES: Final = 2


def batch_of_encoded(rows: Sequence[EncodedRows]) -> BatchStatement:
    """Put writes to one partition into one mutation: all of them are applied, or none. There is at least one."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = True
    batch.routing_key = rows[0].first.routing_key
    batch.keyspace = rows[0].first.keyspace
    # Nothing public takes them. The driver hands them on to `EncodedBatches`, and asks for no more than their number.
    batch._statements_and_parameters = _Statements(rows)  # noqa: SLF001
    return batch


class EncodedBatches:
    """Encodes and decodes for a session, as its `client_protocol_handler`: batches of encoded rows by itself, and all
    else as the driver does.
    """

    decode_message = ProtocolHandler.decode_message

    @classmethod
    def encode_message(cls, message: Any, *arguments: Any, **options: Any) -> bytes:
        """Encode a message with its header."""
        if isinstance(message, BatchMessage) and isinstance(message.queries, _Statements):
            message = _EncodedBatchMessage(message, message.queries)
        encoded: bytes = ProtocolHandler.encode_message(message, *arguments, **options)
        return encoded


class _Statements:
    """Stands for a batch's statements."""

    def __init__(self, rows: Sequence[EncodedRows]) -> None:
        self._count = sum(part.count for part in rows)
        self.encoded = b"".join(part.encoded for part in rows)

    def __len__(self) -> int:
        return self._count


class _EncodedBatchMessage:
    """A BatchMessage of which only the statements are written otherwise."""

    opcode: Final = BatchMessage.opcode

    def __init__(self, message: Any, statements: _Statements) -> None:
        self.custom_payload = message.custom_payload
        self.tracing = message.tracing
        self._statements = statements
        self._without_statements = BatchMessage(
            message.batch_type,
            (),
            message.consistency_level,
            message.serial_consistency_level,
            message.timestamp,
            message.keyspace,
        )

    def send_body(self, body: BinaryIO, protocol_version: int) -> None:
        buffer = io.BytesIO()
        self._without_statements.send_body(buffer, protocol_version)
        around = buffer.getvalue()
        body.write(around[:_TYPE_BYTES])
        body.write(len(self._statements).to_bytes(_COUNT_BYTES))
        body.write(self._statements.encoded)
        body.write(around[_TYPE_BYTES + _COUNT_BYTES :])
