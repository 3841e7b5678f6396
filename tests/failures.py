"""Reads what a failed call tells."""

from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS_KEY: Final = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Failure:
    """A status as a program reads it; `fields` are those at fault."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...] = ()
    message_index: str = ""
    may_be_sent_again: bool = False


def failure_of(error: Any) -> Failure:
    """Read a status and its details, all of which are asserted to go together."""
    metadata = dict(error.trailing_metadata())

    assert _DETAILS_KEY in metadata, error
    details = metadata[_DETAILS_KEY]
    status = Status.FromString(details if isinstance(details, bytes) else details.encode())
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    found = [detail.Unpack(message) for detail in status.details for message in (info, bad_request, retry)]

    assert len(status.details) == sum(found)
    assert (error.code().value[0], error.details()) == (status.code, status.message)
    assert status.message
    assert info.domain == "eventmanager.live"
    return Failure(
        error.code(),
        info.reason,
        tuple(violation.field for violation in bad_request.field_violations),
        info.metadata.get("message_index", ""),
        may_be_sent_again=retry.retry_delay.ToNanoseconds() > 0,
    )
