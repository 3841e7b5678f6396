"""Why a call failed, as its caller sees it: one class for each cause, translated from gRPC's statuses in one table."""

import datetime
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from eventmanager.errors import FieldViolation

_DOMAIN: Final = "eventmanager.live"
_REQUEST_ID: Final = "request-id"


class CallError(Exception):
    """A call failed. Its subclasses tell the causes that have names."""

    def __init__(self, sentence: str, status: "CallStatus | None" = None) -> None:
        super().__init__(sentence)
        self.status = status


class InvalidRequestError(CallError):
    """Fields of the request are wrong: the same again fails again."""


class UnknownAppError(CallError):
    """There is no such app."""


class AppExistsError(CallError):
    """The id of a new app is taken."""


class RequestTooLargeError(CallError):
    """The request has more events or bytes than the server takes."""


class ServerOverloadedError(CallError):
    """The server has too much to store: the same later may be taken."""


class StoreUnavailableError(CallError):
    """The server's store did not answer: the same later may work, with `resent` set."""


class ServerStoppingError(CallError):
    """The server is stopping: the same may work with another, or later."""


class ServerFaultError(CallError):
    """The server has a fault, which its log tells."""


class BrokenOffError(CallError):
    """The call broke off, and nobody said why."""


class NotServedError(CallError):
    """The server does not know the call: it is an older one, or another service altogether."""


class ServerUnreachableError(CallError):
    """No server answers there."""

    def __init__(self, target: str, status: "CallStatus | None" = None) -> None:
        super().__init__(f"No server answers at {target}.", status)
        self.target = target


class UnansweredError(CallError):
    """A request was given up: its events may be stored or not, and may be sent again."""

    def __init__(self, give_up_after_s: float, cause: CallError | None) -> None:
        why = f" The last failure: {cause}" if cause else ""
        super().__init__(f"No answer came within {give_up_after_s:g} s.{why}")


_BY_REASON: Final[dict[str, type[CallError]]] = {
    "INVALID_REQUEST": InvalidRequestError,
    "UNKNOWN_APP": UnknownAppError,
    "APP_EXISTS": AppExistsError,
    "OVERLOADED": ServerOverloadedError,
    "RATE_LIMITED": ServerOverloadedError,
    "STORE_UNAVAILABLE": StoreUnavailableError,
    "SHUTTING_DOWN": ServerStoppingError,
    "INTERNAL": ServerFaultError,
}

_BY_CODE: Final[dict[grpc.StatusCode, type[CallError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.UNIMPLEMENTED: NotServedError,
    # A fault of the server has a reason. Without one it is gRPC's own, which also puts INTERNAL in the place of the
    # server's status where a message is written while that arrives: https://github.com/grpc/grpc/issues/36066.
    grpc.StatusCode.INTERNAL: BrokenOffError,
    grpc.StatusCode.UNKNOWN: ServerFaultError,
}


@dataclass(frozen=True, slots=True)
class CallStatus:
    """What a failed call told: its code and the details that came with it."""

    code: grpc.StatusCode
    sentence: str
    reason: str
    """An ErrorReason without its prefix, or empty."""
    violations: tuple[FieldViolation, ...]
    retry_delay_s: float | None
    """How long to wait before the same is sent again; None where nothing was said."""
    message_index: int | None
    """Which message of a stream was at fault, from 0."""
    request_id: str


def status_of(failure: grpc.aio.AioRpcError) -> CallStatus:
    """Unpack what came with a failed call."""
    reason = ""
    violations: list[FieldViolation] = []
    retry_delay_s = message_index = None
    for detail in _details(failure):
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info) and info.domain == _DOMAIN:
            reason = info.reason
            index = info.metadata.get("message_index", "")
            message_index = int(index) if index.isascii() and index.isdigit() else None
        elif detail.Unpack(bad):
            violations += [FieldViolation(wrong.field, wrong.description) for wrong in bad.field_violations]
        elif detail.Unpack(retry):
            retry_delay_s = retry.retry_delay.ToTimedelta() / datetime.timedelta(seconds=1)
    metadata = dict(failure.trailing_metadata() or ())
    sentence = failure.details() or failure.code().name
    return CallStatus(
        code=failure.code(),
        # Which message it was is no use to whoever sent just one.
        sentence=sentence.removeprefix(f"Message {message_index} of the stream: "),
        reason=reason,
        violations=tuple(violations),
        retry_delay_s=retry_delay_s,
        message_index=message_index,
        request_id=str(metadata.get(_REQUEST_ID, "")),
    )


def error_of(failure: grpc.aio.AioRpcError, target: str) -> CallError:
    """Turn a failed call into the error of its cause."""
    status = status_of(failure)
    if status.code is grpc.StatusCode.UNAVAILABLE and not status.reason:
        return ServerUnreachableError(target, status)
    error = _BY_REASON.get(status.reason) or _BY_CODE.get(status.code) or CallError
    return error(status.sentence, status)


def _details(failure: grpc.aio.AioRpcError) -> list[AnyMessage]:
    try:
        status = rpc_status.from_call(failure)  # type: ignore[arg-type]  # It has what is asked of a Call.
    except ValueError:  # Details that contradict the status tell nothing.
        return []
    return list(status.details) if status else []
