"""The schema in numbered steps, recorded in the keyspace; several servers may bring it up to date at once."""

import importlib.resources
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cassandra.cluster import NoHostAvailable
from cassandra.pool import Host

from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.store.cassandra.address import CassandraAddress
from eventmanager.store.cassandra.connection import ONCE, Connection
from eventmanager.store.cassandra.faults import Fault, explain

_STEP_FILE: Final = re.compile(r"(?P<number>[0-9]{4})-(?P<name>[a-z0-9-]+)\.cql")
_COMMENT: Final = re.compile(r"^\s*--.*\n?", re.MULTILINE)
_MOST_DEFAULT_REPLICAS: Final = 3
_LEASE_S: Final = 60
"""Longer than a step takes; one who dies in the middle keeps the others waiting for so long."""
_LONGEST_WAIT_S: Final = 180
_LONGEST_LISTED_UNREADABLE_S: Final = 2
_PAUSE_S: Final = 0.2

# The lease is a static column beside the steps, so that it lives in the one table that exists before the first step.
CREATE_STEPS: Final = (
    "CREATE TABLE IF NOT EXISTS schema_steps (scope text, step int, name text, applied_at timestamp, "
    "holder uuid static, PRIMARY KEY ((scope), step)) WITH compaction = {'class': 'LeveledCompactionStrategy'}"
)
_READ_STEPS: Final = "SELECT step FROM schema_steps WHERE scope = 'all'"
_RECORD_STEP: Final = (
    "INSERT INTO schema_steps (scope, step, name, applied_at) VALUES ('all', %s, %s, toTimestamp(now()))"
)
_TAKE_LEASE: Final = "UPDATE schema_steps USING TTL %s SET holder = %s WHERE scope = 'all' IF holder = null"
_KEEP_LEASE: Final = "UPDATE schema_steps USING TTL %s SET holder = %s WHERE scope = 'all' IF holder = %s"
_END_LEASE: Final = "UPDATE schema_steps SET holder = null WHERE scope = 'all' IF holder = %s"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the schema. Run twice, it does no harm."""

    number: int
    name: str
    statements: tuple[str, ...]


def steps_of_code() -> Sequence[Step]:
    """Return all steps that this code knows, in their order, from the package's files."""
    folder = importlib.resources.files("eventmanager.store") / "schema" / "cassandra"
    steps = []
    for file in folder.iterdir():
        matched = _STEP_FILE.fullmatch(file.name)
        if matched:
            text = file.read_text(encoding="utf-8")
            steps.append(Step(int(matched["number"]), matched["name"], split_statements(text)))
    return sorted(steps, key=lambda step: step.number)


def split_statements(text: str) -> tuple[str, ...]:
    """Return the statements of a CQL file, without comments."""
    return tuple(filter(None, (part.strip() for part in _COMMENT.sub("", text).split(";"))))


class Keyspace:
    """A keyspace and its schema. Its methods block, and raise StoreUnavailableError where nobody answers."""

    def __init__(self, connection: Connection, address: CassandraAddress, new_id: Callable[[], uuid.UUID]) -> None:
        self._connection = connection
        self._address = address
        self._name = address.keyspace
        self._holder = new_id()
        self._steps = steps_of_code()

    def pending(self) -> Sequence[Step]:
        """Return the steps that the keyspace lacks. Raises StartError where it has some that this code knows not."""
        recorded = self._recorded()
        known = {step.number for step in self._steps}
        newer = recorded - known
        if newer:
            raise StartError(
                f"{self._address} has step {max(newer)} of the schema, and this program knows {max(known)} steps: "
                "a newer one has been here. Run that, or use another keyspace."
            )
        return [step for step in self._steps if step.number not in recorded]

    def open(self, *, migrate: bool) -> None:
        """Make the session use the keyspace, up to date. Raises StartError where it is not, and may not be made so."""
        pending = self.pending()
        if pending and not migrate:
            names = ", ".join(f"{step.number:04} {step.name}" for step in pending)
            raise StartError(
                f"{self._address} lacks steps of the schema: {names}. Run `eventmanager schema migrate`, "
                "or start without --no-migrate."
            )
        if pending:
            self.migrate()
        self._connection.session.set_keyspace(self._name)

    def script(self) -> str:
        """Return what `migrate` would run, in CQL that cqlsh runs, too; empty where nothing is missing."""
        pending = self.pending()
        if not pending:
            return ""
        statements = [self._create_keyspace(), f"USE {self._name}", CREATE_STEPS]
        for step in pending:
            statements += [f"-- Step {step.number:04}: {step.name}\n{step.statements[0]}", *step.statements[1:]]
            statements.append(_RECORD_STEP % (step.number, f"'{step.name}'"))
        return "".join(f"{statement};\n\n" for statement in statements)

    def migrate(self) -> None:
        """Make the keyspace if it is missing, and run the steps that it lacks unless others do. Raises StartError."""
        self._change(self._create_keyspace())
        self._connection.session.set_keyspace(self._name)
        self._change(CREATE_STEPS)
        give_up_s = time.monotonic() + _LONGEST_WAIT_S
        while self.pending():
            if self._run(_TAKE_LEASE, (_LEASE_S, self._holder)).was_applied:
                try:
                    self._run_pending()
                finally:
                    self._run(_END_LEASE, (self._holder,))
            elif time.monotonic() > give_up_s:
                raise StoreUnavailableError(
                    f"another server has been changing the schema of {self._address} for too long"
                )
            else:
                time.sleep(_PAUSE_S)

    def _run_pending(self) -> None:
        for step in self.pending():
            for statement in step.statements:
                self._change(statement)
            self._run(_KEEP_LEASE, (_LEASE_S, self._holder, self._holder))
            self._run(_RECORD_STEP, (step.number, step.name))

    def _recorded(self) -> set[int]:
        # A node lists a table that it is making some milliseconds before it can read it.
        give_up_s = time.monotonic() + _LONGEST_LISTED_UNREADABLE_S
        while self._is_listed():
            try:
                rows = self._run(_READ_STEPS.replace("schema_steps", f"{self._name}.schema_steps"))
            except (StartError, StoreUnavailableError):
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(_PAUSE_S)
            else:
                # Before the first step there is a row all the same once somebody has held the lease.
                return {number for (number,) in rows if number is not None}
        return set()

    def _is_listed(self) -> bool:
        tables = self._run(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s AND table_name = 'schema_steps'",
            (self._name,),
        )
        return tables.one() is not None

    def _create_keyspace(self) -> str:
        replicas = f"'{self._connection.data_centre}': {self._replicas()}"
        return (
            f"CREATE KEYSPACE IF NOT EXISTS {self._name} "
            f"WITH replication = {{'class': 'NetworkTopologyStrategy', {replicas}}}"
        )

    def _replicas(self) -> int:
        nodes = [host for host in self._hosts() if host.datacenter == self._connection.data_centre]
        return self._address.replication or min(_MOST_DEFAULT_REPLICAS, len(nodes))

    def _hosts(self) -> Sequence[Host]:
        return list(self._connection.cluster.metadata.all_hosts())

    def _change(self, statement: str) -> None:
        """Change the schema, and wait until the nodes agree.

        Two nodes of Cassandra 5.0 that make one table at once make two tables. So all servers ask the same node, which
        makes it once: the one with the smallest id among those that answer.
        """
        nearby = [host for host in self._hosts() if host.is_up and host.datacenter == self._connection.data_centre]
        asked = min(nearby, key=lambda host: str(host.host_id), default=None)
        result = self._run(statement, host=asked)
        if not result.response_future.is_schema_agreed:
            raise StoreUnavailableError("its nodes do not agree about the schema")

    def _run(self, statement: str, values: tuple[Any, ...] | None = None, host: Host | None = None) -> Any:
        try:
            return self._connection.session.execute(statement, values, execution_profile=ONCE, host=host)
        except NoHostAvailable as error:
            causes = [explain(cause) for cause in error.errors.values() if isinstance(cause, Exception)]
            told = "; ".join(sorted({cause.cause for cause in causes})) or str(error)
            raise StoreUnavailableError(told) from error
        except Exception as error:
            failure = explain(error)
            if failure.fault is Fault.MISTAKE:
                raise StartError(f"Cassandra refuses a change that {self._address} needs: {failure.cause}.") from error
            raise StoreUnavailableError(failure.cause) from error
