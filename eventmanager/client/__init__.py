"""Sends events from Python and reads reports: loads no code of the server.

Events and reports are messages of `live.eventmanager.v1`; `connect` returns the channel that its stubs want.
"""

from eventmanager.client.channel import connect
from eventmanager.client.errors import (
    AppExistsError,
    BrokenOffError,
    CallError,
    InvalidRequestError,
    NotServedError,
    RequestTooLargeError,
    ServerFaultError,
    ServerOverloadedError,
    ServerStoppingError,
    ServerUnreachableError,
    StoreUnavailableError,
    UnansweredError,
    UnknownAppError,
    error_of,
)
from eventmanager.client.limits import IngestLimits, read_limits
from eventmanager.client.sender import EventSender

__all__ = [
    "AppExistsError",
    "BrokenOffError",
    "CallError",
    "EventSender",
    "IngestLimits",
    "InvalidRequestError",
    "NotServedError",
    "RequestTooLargeError",
    "ServerFaultError",
    "ServerOverloadedError",
    "ServerStoppingError",
    "ServerUnreachableError",
    "StoreUnavailableError",
    "UnansweredError",
    "UnknownAppError",
    "connect",
    "error_of",
    "read_limits",
]
