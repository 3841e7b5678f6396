"""Whatever is sent, sent again, broken and tampered with: `audited` is never said wrongly, and a recount is exact."""

import asyncio
import itertools
import os
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final
from unittest.mock import patch

from cassandra.cluster import Session
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

from eventmanager.store.sqlite.database import Database
from tests.audit.machine import TODAY, YESTERDAY, Shop, Told
from tests.audit.machine_faults import Faults, FaultyConnection, failing_session
from tests.cassandra_nodes import CassandraNodes

EXAMPLES: Final = int(os.environ.get("EVENTMANAGER_TEST_EXAMPLES", "16"))
RANGES: Final = ((TODAY, TODAY), (YESTERDAY, YESTERDAY), (YESTERDAY, TODAY))
TAMPERING: Final = (
    "DELETE FROM time_by_stage",
    "UPDATE views_by_page SET views = views + 3",
    "DELETE FROM traffic WHERE hour = 11",
    "UPDATE clicks_by_target SET clicks = clicks * 2",
    "DELETE FROM actions_by_button",
)

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

    @initialize()
    def open(self) -> None:
        """Start everything."""
        store = self.where.store
        if not store:
            store = f"sqlite:{Path(self._stack.enter_context(TemporaryDirectory())) / 'events.db'}"
        connect = Database.connect_writer
        self._stack.enter_context(
            patch.object(Database, "connect_writer", lambda database: FaultyConnection(connect(database), self.faults))
        )
        self._stack.enter_context(
            patch.object(Session, "execute_async", failing_session(Session.execute_async, self.faults))
        )
        self.shop = Shop(store, f"shop-{next(_app_numbers)}", self.faults, self.where.servers)
        self.run(self.shop.open())

    @rule(events=REQUESTS, server=SERVERS, resent=st.booleans())
    def send(self, events: Sequence[Any], server: int, *, resent: bool) -> None:
        """Send a request, its events late or not, some perhaps copies that differ."""
        self.run(self.shop.send(server, events, resent=resent))

    @precondition(lambda self: self.shop.sent)
    @rule(data=st.data(), server=SERVERS, resent=st.booleans())
    def send_again(self, data: st.DataObject, server: int, *, resent: bool) -> None:
        """Send a request again, with the flag or without."""
        self.run(self.shop.send(server, data.draw(st.sampled_from(self.shop.sent)), resent=resent))

    @precondition(lambda self: self.shop.sent)
    @rule(data=st.data(), server=SERVERS, new=st.lists(EVENTS, max_size=2))
    def batch_again(self, data: st.DataObject, server: int, new: list[Any]) -> None:
        """Send events again in another request, with new ones among them."""
        known = [event for events in self.shop.sent for event in events]
        chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6))
        self.run(self.shop.send(server, [*chosen, *new], resent=False))

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
        self.run(self.shop.send(server, events, resent=False))
        self.faults.end()

    @rule(requests=st.lists(REQUESTS, min_size=1, max_size=4), server=SERVERS, dates=st.sampled_from(RANGES))
    def audit_while_sending(self, requests: Any, server: int, dates: Any) -> None:
        """Count days again while events come in: what follows says whether that is told."""
        self.run(self.shop.audit_while_sending(server, requests, *dates))

    @rule(server=SERVERS)
    def restart(self, server: int) -> None:
        """Have a server forget everything."""
        self.run(self.shop.restart(server))

    @precondition(lambda self: not self.where.store)
    @rule(statement=st.sampled_from(TAMPERING))
    def tamper(self, statement: str) -> None:
        """Change live totals by hand."""
        self.shop.tamper(statement)

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
        assert all(info.audited for info in self.run(self.shop.infos(server, *dates)).values())
        assert [] == self.run(self.shop.wrong_reports(server, *dates))

    @invariant()
    def audited_is_never_said_wrongly(self) -> None:
        """Where a report says it, the figures hold every acknowledged event once."""
        if self.shop.unanswered:
            return
        for dates in RANGES:
            infos = self.run(self.shop.infos(0, *dates))
            if all(info.audited for info in infos.values()):
                assert [] == self.run(self.shop.wrong_reports(0, *dates))
            assert 1 == len({info.audited for info in infos.values()})

    @invariant()
    def sets_are_right_at_once(self) -> None:
        """Visitors are counted as they come, where copies do not differ."""
        if not self.shop.unanswered and self.shop.model.have_equal_copies:
            for dates in RANGES:
                assert [] == self.run(self.shop.wrong_sets(0, *dates))

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
