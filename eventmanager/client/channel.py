"""A connection to a server, with options that suit its calls."""

from typing import Final

import grpc

_MIB: Final = 1024 * 1024

_OPTIONS: Final = (
    # Reports of thousands of rows are longer than gRPC's 4 MiB.
    ("grpc.max_receive_message_length", 64 * _MIB),
    # The server says how much it takes; the sender looks before it sends.
    ("grpc.max_send_message_length", -1),
    # A server that went without a word is noticed while a call is open.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that was started again is found soon: gRPC alone would wait up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


def connect(target: str) -> grpc.aio.Channel:
    """Return a channel to `HOST:PORT`. It connects when first used; close it, or use it in `async with`."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)
