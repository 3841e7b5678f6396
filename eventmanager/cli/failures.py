"""Why a command fails, in words for the person who typed it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from eventmanager.config import parse_address


class FailedError(Exception):
    """A command failed, for the reason that its sentence tells."""


@asynccontextmanager
async def connected(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Connect to a server; failures of its calls become FailedError. Raises InvalidSettingError for a wrong target."""
    from eventmanager.client import CallError, connect, error_of

    parse_address("--target", target)
    async with connect(target) as channel:
        try:
            yield channel
        except grpc.aio.AioRpcError as failure:
            raise FailedError(sentence_of(error_of(failure, target))) from None
        except CallError as error:
            raise FailedError(sentence_of(error)) from None


def sentence_of(error: Exception) -> str:
    """Say what a failed call means, and what to do where that is known."""
    from eventmanager.client import CallError, ServerUnreachableError

    if isinstance(error, ServerUnreachableError):
        start = f"eventmanager serve --listen {error.target}"
        return f"{error} Start one with `{start}`, or name another with --target."
    status = error.status if isinstance(error, CallError) else None
    if status is None or len(status.violations) < 2:
        return str(error)
    return "\n".join([str(error), *(f"  {wrong.field}: {wrong.description}" for wrong in status.violations)])
