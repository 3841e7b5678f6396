"""A sender, in a process of its own: `python -m benchmark.sender_process`, spoken to as `job` says."""

import asyncio
import gc
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import grpc
import orjson

from benchmark.job import Job, Order, Ready, Sent
from benchmark.renewal import RenewedRequests
from benchmark.requests import serialize
from benchmark.sending import Answers, Load, Pace, connect, send
from benchmark.traffic import Hours, Traffic
from eventmanager.pipes import output


async def obey(job: Job, requests: RenewedRequests, order: Order) -> Sent:
    """Connect, wait for the next line, send, and tell what came of it."""
    answers = Answers()
    try:
        async with AsyncExitStack() as connections:
            channels = [await connections.enter_async_context(connect(order.target)) for _ in range(job.connections)]
            _say({"connected": order.target})
            await asyncio.to_thread(sys.stdin.readline)
            start_s, start_cpu_s = time.monotonic(), time.process_time()
            async with asyncio.TaskGroup() as sending:
                for place, channel in enumerate(channels):
                    own = requests.rounds(order.first_round, order.rounds, place, job.connections)
                    load = Load(own, job.unanswered, _pace(job, order, place))
                    sending.create_task(send(job.method, channel, load, answers))
            end_s, end_cpu_s = time.monotonic(), time.process_time()
    except ExceptionGroup as failures:
        refused = failures.subgroup(grpc.aio.AioRpcError)
        if refused is None:
            raise
        return Sent(failure=f"{order.target} answered: {_first(refused)}", answered_ms=[])
    return Sent(
        stored=answers.stored,
        start_s=start_s,
        end_s=end_s,
        cpu_s=end_cpu_s - start_cpu_s,
        answered_ms=answers.answered_ms,
    )


def _first(failures: BaseException) -> BaseException:
    """Return the first failure of a group of groups."""
    return _first(failures.exceptions[0]) if isinstance(failures, BaseExceptionGroup) else failures


def _pace(job: Job, order: Order, place: int) -> Pace | None:
    """Spread the process's pace evenly over its connections, one after the other."""
    if not order.events_per_s:
        return None
    interval_s = job.events_a_request / order.events_per_s
    return Pace(delay_s=place * interval_s, interval_s=interval_s * job.connections)


def main() -> None:
    """Serialize the job's requests, and send them as often as ordered."""
    job = Job(**orjson.loads(sys.stdin.readline()))
    traffic = Traffic(job.seed, job.events, Hours(job.start_s, job.seconds))
    requests = serialize(job.method, job.app, traffic, job.events_a_request)
    # Many small objects that stay: the collector need not look through them again and again.
    gc.freeze()
    bytes_an_event = sum(map(len, requests)) / job.events
    renewed = RenewedRequests(requests)
    _say(Ready(expected=traffic.expected, visitor=traffic.visitors[0], bytes_an_event=bytes_an_event))
    while line := sys.stdin.readline():
        _say(asyncio.run(obey(job, renewed, Order(**orjson.loads(line)))))


def _say(what: Any) -> None:
    with output() as answers:
        answers.write(orjson.dumps(what) + b"\n")


if __name__ == "__main__":
    main()
