"""The store alone: the commits that a server would make, of facts that were folded before."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from benchmark.errors import BenchmarkError
from benchmark.figures import CommitFigures
from benchmark.plan import Plan
from benchmark.steps import make_blocks, without_collector
from benchmark.stores import MeasuredStores
from eventmanager.blocks import Block
from eventmanager.facts import Facts, SetTable, TotalsTable
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.store.address import open_store
from eventmanager.store.protocol import BlockOutcome, Store

_EVENTS_A_BLOCK: Final = 1_000
_REMEMBERED_IDS: Final = 1_000_000


async def measure_commits(stores: MeasuredStores, plan: Plan, progress: Callable[[str], None]) -> list[CommitFigures]:
    """Measure commits of each size, each on a store of its own."""
    figures = []
    for number, commit_events in enumerate(plan.commit_events):
        progress(f"store alone: commits of {commit_events:,} events")
        blocks = make_blocks(plan.committed_events, min(commit_events, _EVENTS_A_BLOCK), plan.seed + 500_000 + number)
        store = await open_store(stores.new_address())
        try:
            figures.append(await _measure(store, stores, blocks, commit_events))
        finally:
            await store.close()
    return figures


async def _measure(store: Store, stores: MeasuredStores, blocks: Sequence[Block], commit_events: int) -> CommitFigures:
    commits = list(_commits(blocks, commit_events))
    with without_collector():
        start_s, cpu_s, node_cpu_s = time.monotonic(), time.process_time(), stores.node_cpu_s
        for group, facts in commits:
            # Made for exactly these blocks: all of them are new.
            outcomes = await store.commit(group, set(), partial(as_folded, facts))
            if set(outcomes) != {BlockOutcome.STORED}:
                raise BenchmarkError(f"The store alone did not store: {outcomes}.")
        await _settle(store, blocks)
        seconds, cpu_s = time.monotonic() - start_s, time.process_time() - cpu_s
    events = sum(block.count for block in blocks)
    node_us = (
        None if node_cpu_s is None or stores.node_cpu_s is None else (stores.node_cpu_s - node_cpu_s) / events * 1e6
    )
    return CommitFigures(
        commit_events=commit_events,
        events_per_s=events / seconds,
        cpu_us_an_event=cpu_s / events * 1e6,
        node_cpu_us_an_event=node_us,
    )


def _commits(blocks: Sequence[Block], commit_events: int) -> Iterator[tuple[Sequence[Block], Facts]]:
    """Group blocks into commits, each with its facts."""
    memory = Memory(_REMEMBERED_IDS)
    group: list[Block] = []
    for block in blocks:
        group.append(block)
        if sum(one.count for one in group) >= commit_events or block is blocks[-1]:
            yield group, fold(group, memory)
            memory.keep()
            group = []


def as_folded(facts: Facts, _new: Sequence[Block]) -> Facts:
    """Give a commit the facts that were folded before."""
    return facts


async def _settle(store: Store, blocks: Sequence[Block]) -> None:
    """Read every table, which settles what waits to be added to it."""
    for partition in {block.partition for block in blocks}:
        for totals in TotalsTable:
            await store.totals(totals, partition.day)
        for members in SetTable:
            await store.member_counts(members, partition)
