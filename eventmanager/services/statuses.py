"""gRPC statuses: the one place that turns errors into them."""

import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from live.eventmanager.v1 import error_pb2

from eventmanager.errors import (
    NO_REQUEST,
    AppExistsError,
    InvalidRequestError,
    OverloadedError,
    ShuttingDownError,
    StoreUnavailableError,
    UnknownAppError,
)
from eventmanager.services.watches import WATCH_METHOD, Watches

DOMAIN: Final = "eventmanager.live"
DETAILS_KEY: Final = "grpc-status-details-bin"
"""Where gRPC keeps a google.rpc.Status: https://grpc.io/docs/guides/error/#richer-error-model."""
REQUEST_ID_KEY: Final = "request-id"
_REASON_PREFIX: Final = "ERROR_REASON_"

_log = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_T = TypeVar("_T")
_Message = TypeVar("_Message", bound=Message)


class MessageError(Exception):
    """A stream ends at one of its messages, numbered from 0, for a cause of its own."""

    def __init__(self, message_index: int, cause: Exception) -> None:
        super().__init__(f"Message {message_index} of the stream: {cause}")
        self.message_index = message_index
        self.cause = cause


class _Meaning(NamedTuple):
    code: grpc.StatusCode
    reason: error_pb2.ErrorReason.ValueType
    retry_after: timedelta | None = None


_MEANINGS: Final[dict[type[Exception], _Meaning]] = {
    InvalidRequestError: _Meaning(grpc.StatusCode.INVALID_ARGUMENT, error_pb2.ERROR_REASON_INVALID_REQUEST),
    UnknownAppError: _Meaning(grpc.StatusCode.NOT_FOUND, error_pb2.ERROR_REASON_UNKNOWN_APP),
    AppExistsError: _Meaning(grpc.StatusCode.ALREADY_EXISTS, error_pb2.ERROR_REASON_APP_EXISTS),
    OverloadedError: _Meaning(
        grpc.StatusCode.RESOURCE_EXHAUSTED, error_pb2.ERROR_REASON_OVERLOADED, timedelta(milliseconds=500)
    ),
    StoreUnavailableError: _Meaning(
        grpc.StatusCode.UNAVAILABLE, error_pb2.ERROR_REASON_STORE_UNAVAILABLE, timedelta(seconds=1)
    ),
    ShuttingDownError: _Meaning(
        grpc.StatusCode.UNAVAILABLE, error_pb2.ERROR_REASON_SHUTTING_DOWN, timedelta(seconds=1)
    ),
}
_UNFORESEEN: Final = _Meaning(grpc.StatusCode.INTERNAL, error_pb2.ERROR_REASON_INTERNAL)


async def abort(context: Context, error: Exception) -> None:
    """End a call with the status that an error means. Always raises."""
    metadata: dict[str, str] = {}
    cause = error
    if isinstance(error, MessageError):
        metadata["message_index"] = str(error.message_index)
        cause = error.cause
    meaning = _MEANINGS.get(type(cause), _UNFORESEEN)
    sentence = str(error)
    trailing: list[tuple[str, str | bytes]] = []
    if meaning is _UNFORESEEN:
        request_id = uuid.uuid4().hex
        _log.error("Request %s failed in a way that was not foreseen.", request_id, exc_info=cause)
        sentence = f"A fault of the server. Its log tells more under request id {request_id}."
        metadata["request_id"] = request_id
        trailing.append((REQUEST_ID_KEY, request_id))
    reason = error_pb2.ErrorReason.Name(meaning.reason).removeprefix(_REASON_PREFIX)
    details: list[Message] = [ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)]
    if isinstance(cause, InvalidRequestError):
        violation = BadRequest.FieldViolation(field=cause.violation.field, description=cause.violation.description)
        details.append(BadRequest(field_violations=[violation]))
    if meaning.retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromTimedelta(meaning.retry_after)
        details.append(retry)
    status = Status(code=meaning.code.value[0], message=sentence, details=[_packed(detail) for detail in details])
    trailing.append((DETAILS_KEY, status.SerializeToString()))
    await context.abort(meaning.code, sentence, tuple(trailing))


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def read_message(message_type: type[_Message], encoded: bytes) -> _Message:
    """Read a request. Raises InvalidRequestError for bytes that are none."""
    return _read(message_type.FromString, encoded)


def _read(deserialize: Callable[[bytes], _T], encoded: bytes) -> _T:
    try:
        return deserialize(encoded)
    except DecodeError:
        raise InvalidRequestError("", NO_REQUEST) from None


class StatusInterceptor(grpc.aio.ServerInterceptor):
    """Ends calls whose handlers raise with the status that the error means, and watches when all are to end."""

    def __init__(self, watches: Watches, note_call: Callable[[], None]) -> None:
        """`note_call` hears of every call."""
        self._watches = watches
        self._note_call = note_call
        self._wrapped: dict[str, Handler] = {}
        """By method. There is one handler for each, and a call must not cost the making of another."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[Handler | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Wrap the handler of a call."""
        self._note_call()
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:  # No such method: gRPC answers UNIMPLEMENTED itself.
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        for shape, make_handler in _SHAPES.items():
            behaviour = getattr(handler, shape)
            # Handlers that are generators belong to the libraries, and end their calls themselves.
            if behaviour is not None and inspect.iscoroutinefunction(behaviour):
                if method == WATCH_METHOD:
                    behaviour = self._watches.ending(behaviour)
                if handler.request_streaming:
                    return make_handler(_ended(behaviour), handler.request_deserializer, handler.response_serializer)
                # Read here and not by gRPC, which would answer bytes that are no request with UNKNOWN.
                read = _reading(behaviour, handler.request_deserializer) if handler.request_deserializer else behaviour
                return make_handler(_ended(read), None, handler.response_serializer)
        return handler


_SHAPES: Final[dict[str, Callable[..., Handler]]] = {
    "unary_unary": grpc.unary_unary_rpc_method_handler,
    "unary_stream": grpc.unary_stream_rpc_method_handler,
    "stream_stream": grpc.stream_stream_rpc_method_handler,
}


def _reading(
    behaviour: Callable[[Any, Context], Awaitable[Any]], deserialize: Callable[[bytes], Any]
) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(encoded: bytes, context: Context) -> Any:
        return await behaviour(_read(deserialize, encoded), context)

    return call


def _ended(behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the border: what is unforeseen becomes INTERNAL.
            await abort(context, error)

    return call
