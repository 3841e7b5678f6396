"""Which failed calls may be made again, and how long to wait before."""

import random
from collections.abc import Callable
from typing import Final

import grpc

from eventmanager.client.errors import CallError, ServerFaultError

_FINAL: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
_MOST_FAULTS: Final = 3


class Retries:
    """Decides about the failures of one sender, from the first since its last success on."""

    def __init__(self, first_s: float = 0.1, longest_s: float = 5.0, draw: Callable[[], float] = random.random) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._draw = draw
        self._failures = 0
        self._faults = 0

    def succeeded(self) -> None:
        """Begin again."""
        self._failures = 0
        self._faults = 0

    def allow(self, error: CallError) -> bool:
        """Count a failure, and tell whether the same call may be made again."""
        status = error.status
        self._failures += 1
        if isinstance(error, ServerFaultError):
            self._faults += 1
            return self._faults <= _MOST_FAULTS
        if status is None:  # The stream ended without a word.
            return True
        if status.code is grpc.StatusCode.RESOURCE_EXHAUSTED:  # Without a delay: a message that is too long.
            return status.retry_delay_s is not None
        return status.code not in _FINAL

    def delay_s(self, error: CallError) -> float:
        """Return how long to wait: twice as long each time, as long as the server says at least, never all alike."""
        doubled_s = min(self._longest_s, self._first_s * 2.0 ** min(self._failures - 1, 30))
        told_s = (error.status.retry_delay_s if error.status else None) or 0
        return max(told_s, doubled_s / 2) + doubled_s / 2 * self._draw()
