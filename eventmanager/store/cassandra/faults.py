"""What a failure of the driver means for the statement that failed."""

from enum import Enum
from typing import Final

from cassandra import (
    AuthenticationFailed,
    RequestValidationException,
    Unavailable,
    UnsupportedOperation,
)
from cassandra.protocol import SyntaxException


class Fault(Enum):
    """What is known about a statement that failed."""

    UNKNOWN = "unknown"
    """It may have been done, or be done yet."""
    NOT_DONE = "not done"
    """It was not done, and may be later."""
    MISTAKE = "mistake"
    """It was not done and never will be as it is."""


_FAULTS: Final = (
    (Unavailable, Fault.NOT_DONE),
    # These say invalid, unauthorized, misconfigured, not CQL.
    (RequestValidationException, Fault.MISTAKE),
    (SyntaxException, Fault.MISTAKE),
    (AuthenticationFailed, Fault.MISTAKE),
    (UnsupportedOperation, Fault.MISTAKE),
)


class StatementError(Exception):
    """A statement failed."""

    def __init__(self, fault: Fault, cause: str) -> None:
        super().__init__(cause)
        self.fault = fault
        self.cause = cause


def explain(error: BaseException) -> StatementError:
    """Return what an error of the driver's means. Whatever says nothing certain leaves the statement unknown."""
    fault = next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.UNKNOWN)
    return StatementError(fault, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
