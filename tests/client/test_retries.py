"""When a failed call may be made again, and how soon."""

import grpc
import pytest

from eventmanager.client.errors import CallError, CallStatus, ServerFaultError
from eventmanager.client.retries import Retries


def failure(code: grpc.StatusCode, retry_delay_s: float | None = None) -> CallError:
    """Make the error of a call that ended with a code."""
    kind = ServerFaultError if code is grpc.StatusCode.INTERNAL else CallError
    return kind("It failed.", CallStatus(code, "It failed.", "", (), retry_delay_s, None, ""))


@pytest.mark.parametrize(
    ("code", "is_allowed"),
    [
        (grpc.StatusCode.UNAVAILABLE, True),
        (grpc.StatusCode.CANCELLED, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, True),
        (grpc.StatusCode.INVALID_ARGUMENT, False),
        (grpc.StatusCode.NOT_FOUND, False),
        (grpc.StatusCode.UNIMPLEMENTED, False),
        (grpc.StatusCode.PERMISSION_DENIED, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, False),
    ],
)
def test_some_failures_are_final(code: grpc.StatusCode, is_allowed: bool) -> None:
    """What fails again each time is not tried again; too long a message is one of these."""
    assert is_allowed == Retries().allow(failure(code))


def test_overload_is_not_final() -> None:
    """With a delay, RESOURCE_EXHAUSTED means later."""
    assert Retries().allow(failure(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_delay_s=1))


def test_a_fault_of_the_server_is_tried_three_times_more() -> None:
    """The same again is sent at most a few times, counted from the last success."""
    retries = Retries()
    fault = failure(grpc.StatusCode.INTERNAL)

    assert [True, True, True, False] == [retries.allow(fault) for _ in range(4)]

    retries.succeeded()

    assert retries.allow(fault)


@pytest.mark.parametrize(
    ("drawn", "told_s", "expected"),
    [
        (0.0, None, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5]),
        (1.0, None, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]),
        (0.0, 1.0, [1.0, 1.0, 1.0, 1.0, 1.0, 1.6, 2.5, 2.5]),
    ],
)
def test_delays_double_up_to_a_limit(drawn: float, told_s: float | None, expected: list[float]) -> None:
    """Delays double from 0.1 s to 5 s, are spread, and never shorter than the server said."""
    retries = Retries(draw=lambda: drawn)
    error = failure(grpc.StatusCode.UNAVAILABLE, told_s)
    delays_s = []
    for _ in expected:
        retries.allow(error)
        delays_s.append(retries.delay_s(error))

    assert expected == pytest.approx(delays_s)
