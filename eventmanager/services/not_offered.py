"""What this server does not do, although the contract names it."""

from typing import NoReturn

import grpc

from eventmanager.services.statuses import Context


async def not_offered(context: Context, method: str) -> NoReturn:
    """End a call with UNIMPLEMENTED."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"This server does not offer {method}.")
    raise AssertionError("abort always raises")
