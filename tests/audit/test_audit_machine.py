"""Whatever is sent, sent again, broken and tampered with: `audited` is never said wrongly, and a recount is exact."""

import asyncio
import itertools
import math
import os
import zlib
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from live.eventmanager.v1.event_pb2 import Event

from eventmanager.store.cassandra import store as cassandra_store
from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.repeater import Repeater
from tests.audit.machine_faults import Faults, faulty_stores
from tests.audit.model import TODAY, YESTERDAY, Told
from tests.audit.shop import Shop
from tests.audit.tampering import TAMPERINGS, tamper
from tests.cassandra_nodes import CassandraNodes

EXAMPLES: Final = int(os.environ.get("EVENTMANAGER_TEST_EXAMPLES", "16"))
RANGES: Final = ((TODAY, TODAY), (YESTERDAY, YESTERDAY), (YESTERDAY, TODAY))
_PATIENCE_S: Final = 1.0
"""How long a write is tried on Cassandra: five times."""

EVENTS = st.builds(
    Told,
    visitor=st.integers(0, 4),
    number=st.integers(0, 11),
    is_today=st.booleans(),
    minute=st.integers(0, 7),
    kind=st.sampled_from((0, 1, 2, 3, 3, 3)),
    stage=st.integers(0, 3),
    left=st.integers(-1, 2),
).map(Told.event)
REQUESTS = st.lists(EVENTS, min_size=1, max_size=8)
SERVERS = st.integers(0, 1)
_app_numbers = itertools.count()


def hasty_repeater(bridge: Bridge, most_at_once: int, _: float) -> Repeater:
    """Return what gives up a write sooner than servers do."""
    return Repeater(bridge, most_at_once, _PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Where:
    """Where the machine runs."""

    store: str
    """An address, or empty for a new file each time."""
    servers: int


class AuditMachine(RuleBasedStateMachine):
    """Sends, disturbs and audits."""

    where: ClassVar[Where]

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = ExitStack()
        self.faults = Faults()
        self.shop: Shop

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the machine's loop."""
        return self._runner.run(coroutine)

    @initialize(copies_differ=st.booleans(), tells_stages_left=st.booleans())
    def open(self, *, copies_differ: bool, tells_stages_left: bool) -> None:
        """Start everything."""
        store = self.where.store
        if not store:
            store = f"sqlite:{Path(self._stack.enter_context(TemporaryDirectory())) / 'events.db'}"
        self._stack.enter_context(faulty_stores(self.faults))
        self._stack.enter_context(patch.object(cassandra_store, "Repeater", hasty_repeater))
        self.copies_differ, self.tells_stages_left = copies_differ, tells_stages_left
        self.shop = Shop(store, self.faults, self.where.servers)
        self.run(self.shop.open())
        self.run(self.shop.begin(f"shop-{next(_app_numbers)}"))

    def told(self, events: Sequence[Event]) -> list[Event]:
        """Return events as this run tells them."""
        told = []
        for event in events:
            copy = Event()
            copy.CopyFrom(event)
            if self.tells_stages_left and event.HasField("funnel_change"):
                copy.funnel_change.left = event.funnel_change.left
            if not self.copies_differ:
                copy.event_id += f" {zlib.crc32(copy.SerializeToString(deterministic=True))}"
            told.append(copy)
        return told

    @rule(events=REQUESTS, server=SERVERS, resent=st.booleans())
    def send(self, events: Sequence[Event], server: int, *, resent: bool) -> None:
        """Send a request, its events in any order, some perhaps copies that differ."""
        self.run(self.shop.send(server, self.told(events), resent=resent))

    @rule(events=REQUESTS, server=SERVERS)
    def send_late(self, events: Sequence[Event], server: int) -> None:
        """Send what has happened one by one, the last first: each is late, most are of the day before."""
        for event in sorted(self.told(events), key=lambda event: -event.timestamp.seconds):
            self.run(self.shop.send(server, [event], resent=False))

    @precondition(lambda self: self.shop.sent)
    @rule(data=st.data(), server=SERVERS, resent=st.booleans())
    def send_again(self, data: st.DataObject, server: int, *, resent: bool) -> None:
        """Send a request again, with the flag or without."""
        self.run(self.shop.send(server, data.draw(st.sampled_from(self.shop.sent)), resent=resent))

    @precondition(lambda self: self.shop.sent or self.shop.unanswered)
    @rule(data=st.data(), server=SERVERS, new=st.lists(EVENTS, max_size=2))
    def batch_again(self, data: st.DataObject, server: int, new: list[Any]) -> None:
        """Send events again in another request, with new ones among them."""
        requests = [*self.shop.sent, *(events for _, events in self.shop.unanswered)]
        known = [event for events in requests for event in events]
        chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6))
        self.run(self.shop.send(server, [*chosen, *self.told(new)], resent=False))

    @rule(
        events=REQUESTS,
        server=SERVERS,
        statements=st.integers(0, 14),
        how_many=st.sampled_from((1, 1, 2, 40)),
        is_done=st.booleans(),
    )
    def send_over_faults(
        self, events: Sequence[Any], server: int, statements: int, how_many: int, *, is_done: bool
    ) -> None:
        """Send while some statement fails, or its answer is lost."""
        self.faults.plan(statements, how_many, is_done=is_done)
        self.run(self.shop.send(server, self.told(events), resent=False))
        self.faults.end()

    @rule(events=REQUESTS, server=SERVERS, statements=st.integers(0, 14))
    def crash_while_sending(self, events: Sequence[Event], server: int, statements: int) -> None:
        """End a server in the middle of a commit."""
        self.faults.plan(statements, math.inf, is_done=False)
        self.run(self.shop.send(server, self.told(events), resent=False))
        self.run(self.shop.crash(server))

    @rule(server=SERVERS)
    def crash(self, server: int) -> None:
        """End a server that has nothing in hand."""
        self.run(self.shop.crash(server))

    @rule(requests=st.lists(REQUESTS, min_size=1, max_size=4), server=SERVERS, dates=st.sampled_from(RANGES))
    def audit_while_sending(self, requests: Any, server: int, dates: Any) -> None:
        """Count days again while events come in: what follows says whether that is told."""
        self.run(self.shop.audit_while_sending(server, [self.told(events) for events in requests], *dates))

    @rule(server=SERVERS)
    def restart(self, server: int) -> None:
        """Have a server end as it should and forget everything."""
        self.run(self.shop.restart(server))

    @rule(tampering=st.sampled_from(TAMPERINGS))
    def tamper(self, tampering: str) -> None:
        """Remove live totals by hand, or make some up."""
        self.shop.totals.are_due = False
        tamper(self.shop.store, self.shop.app.app, self.shop.app.shard_count, tampering)

    @rule(server=SERVERS, dates=st.sampled_from(RANGES))
    def audit(self, server: int, dates: Any) -> None:
        """Count days again in quiet: every report is as the model has it."""
        self.run(self.shop.resend_unanswered())
        found = self.run(self.shop.audit(server, *dates))

        assert [True] * len(found) == [day.audited for day in found]
        assert {
            date.isoformat(): self.shop.model.events_of(date)
            for date in (TODAY, YESTERDAY)
            if dates[0] <= date <= dates[1]
        } == {day.date: day.events for day in found}
        assert all(self.run(self.shop.audited(server, *dates)).values())
        assert [] == self.run(self.shop.wrong_reports(server, *dates))

    @invariant()
    def audited_is_never_said_wrongly(self) -> None:
        """Where a report says it, the figures hold every acknowledged event once."""
        if self.shop.unanswered:
            return
        for dates in RANGES:
            audited = set(self.run(self.shop.audited(0, *dates)).values())
            if audited == {True}:
                assert [] == self.run(self.shop.wrong_reports(0, *dates))
            assert 1 == len(audited)

    @invariant()
    def sets_are_right_at_once(self) -> None:
        """Visitors of stages, platforms and moves are counted as they come, where copies do not differ."""
        if not self.shop.unanswered and self.shop.model.have_equal_copies:
            for dates in RANGES:
                assert [] == self.run(self.shop.wrong_sets(0, *dates))

    @invariant()
    def totals_are_right_at_once(self) -> None:
        """All reports are, where there was no crash, no second process and no forgotten copy, faults or not."""
        if self.shop.unanswered or not self.shop.model.have_equal_copies or not self.shop.totals.are_due:
            return
        for date in (YESTERDAY, TODAY):
            if not any(self.run(self.shop.audited(0, date, date)).values()):
                assert [] == self.run(self.shop.wrong_live_reports(0, date, date))

    def teardown(self) -> None:
        """Stop everything."""
        self.run(self.shop.close())
        self._runner.close()
        self._stack.close()


def run_machine(where: Where, examples: int, steps: int) -> None:
    """Run the machine so many times."""

    class Machine(AuditMachine):
        pass

    Machine.where = where
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize="EVENTMANAGER_TEST_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_server_on_a_file() -> None:
    """Every order of these steps on SQLite that was tried."""
    run_machine(Where("", 1), max(4, EXAMPLES // 2), 12)


def test_two_servers_on_cassandra(cassandra: CassandraNodes) -> None:
    """The same on Cassandra, with requests to either server."""
    run_machine(Where(cassandra.address("audit"), 2), max(2, EXAMPLES // 8), 12)
