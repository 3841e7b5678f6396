"""The statements of the store, prepared. All of them may be executed twice, but for the two that compare and set."""

from typing import Any, Final

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import PreparedStatement

from eventmanager.facts import SetTable, TotalsTable
from eventmanager.store.cassandra.columns import SET_COLUMNS, TOTALS_COLUMNS

PARTITION: Final = ("app", "date", "shard")
DAY_TABLES: Final = (
    "events",
    *(table.value for table in SetTable),
    *(table.value for table in TotalsTable),
    "waiting_totals",
)
"""The tables that hold a day, partitioned alike."""

# A block has up to 1 MiB before compression, and some 50 KB after.
_BLOCKS_A_PAGE: Final = 64
# Up to 512 KiB each, and nothing in most.
_WAITING_A_PAGE: Final = 32
_ROWS_A_PAGE: Final = 5_000
_IN_PARTITION: Final = "WHERE app = ? AND date = ? AND shard = ?"

WRITE_BLOCK: Final = (
    "INSERT INTO events (app, date, shard, block, count, payload) VALUES (?, ?, ?, ?, ?, ?) USING TTL ?"
)
FIND_BLOCK: Final = f"SELECT block FROM events {_IN_PARTITION} AND block = ?"
READ_LOG: Final = f"SELECT block, payload FROM events {_IN_PARTITION}"
FIND_VISITOR: Final = f"SELECT user FROM users_by_platform {_IN_PARTITION} AND user = ? LIMIT 1"
COUNT_STAGE_USERS: Final = (
    f"SELECT stage, COUNT(user) FROM users_by_stage {_IN_PARTITION} GROUP BY app, date, shard, stage"
)
COUNT_EDGES: Final = (
    f"SELECT from_stage, to_stage, COUNT(user) FROM stage_graph {_IN_PARTITION} "
    "GROUP BY app, date, shard, from_stage, to_stage"
)
# A visitor with two platforms has two rows and is counted once, which COUNT cannot: the rows are counted here.
LIST_VISITORS: Final = f"SELECT user FROM users_by_platform {_IN_PARTITION} GROUP BY app, date, shard, user"
WRITE_WAITING: Final = (
    "INSERT INTO waiting_totals (app, date, shard, totals_table, ledger, slot, number, additions) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?"
)
READ_WAITING: Final = f"SELECT ledger, number, additions FROM waiting_totals {_IN_PARTITION} AND totals_table = ?"
WRITE_DAY: Final = "INSERT INTO days (app, date, ledger, shard) VALUES (?, ?, ?, ?) USING TTL ?"
READ_DAY: Final = "SELECT shard FROM days WHERE app = ? AND date = ?"
LIST_DATES: Final = "SELECT date FROM days WHERE app = ? AND date >= ? AND date <= ? GROUP BY app, date"
DROP_DAY: Final = "DELETE FROM days WHERE app = ? AND date = ?"
READ_LEDGERS: Final = "SELECT date, ledger, shard FROM days WHERE app = ? AND date >= ? AND date <= ?"
READ_MARKS: Final = f"SELECT hour, ledger, blocks FROM traffic {_IN_PARTITION}"
# Newer than what is kept, whatever the clock says; and expires with its day.
WRITE_RECOUNT: Final = (
    "INSERT INTO recounts (app, date, report, recount) VALUES (?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?"
)
READ_RECOUNT: Final = "SELECT recount, WRITETIME(recount) FROM recounts WHERE app = ? AND date = ? AND report = ?"
DROP_RECOUNTS: Final = "DELETE FROM recounts WHERE app = ? AND date = ?"
READ_APP: Final = "SELECT settings FROM apps WHERE scope = 'all' AND app = ?"
LIST_APPS: Final = "SELECT settings FROM apps WHERE scope = 'all' AND app > ? LIMIT ?"
CREATE_APP: Final = "INSERT INTO apps (scope, app, version, settings) VALUES ('all', ?, ?, ?) IF NOT EXISTS"
REPLACE_APP: Final = "UPDATE apps SET version = ?, settings = ? WHERE scope = 'all' AND app = ? IF version = ?"


class Statements:
    """The prepared statements of one session."""

    def __init__(self, session: Session, *, for_recounts: bool = False) -> None:
        """Prepare them all. Blocks.

        Marks count in whatever data centre a block was acknowledged, so all of them are asked, and so they are about
        which days there are. So is the log where it is read for recounts, but not where somebody waits for the events
        of one visitor.
        """
        everywhere = ConsistencyLevel.EACH_QUORUM if _data_centres(session) > 1 else None

        def prepare(cql: str, page_rows: int = _ROWS_A_PAGE) -> PreparedStatement:
            statement = session.prepare(cql)
            statement.is_idempotent = True
            statement.fetch_size = page_rows
            return statement

        def prepare_once(cql: str) -> PreparedStatement:
            return session.prepare(cql)

        self.write_block = prepare(WRITE_BLOCK)
        self.find_block = prepare(FIND_BLOCK)
        self.read_log = prepare(READ_LOG, _BLOCKS_A_PAGE)
        self.find_visitor = prepare(FIND_VISITOR)
        self.count_stage_users = prepare(COUNT_STAGE_USERS)
        self.count_edges = prepare(COUNT_EDGES)
        self.list_visitors = prepare(LIST_VISITORS)
        self.write_waiting = prepare(WRITE_WAITING)
        self.read_waiting = prepare(READ_WAITING, _WAITING_A_PAGE)
        self.write_day = prepare(WRITE_DAY)
        self.read_day = prepare(READ_DAY)
        self.list_dates = prepare(LIST_DATES)
        self.list_nearby_dates = prepare(LIST_DATES)
        self.drop_day = prepare(DROP_DAY)
        self.read_ledgers = prepare(READ_LEDGERS)
        self.read_marks = prepare(READ_MARKS)
        self.write_recount = prepare(WRITE_RECOUNT)
        self.read_recount = prepare(READ_RECOUNT)
        self.list_dates.consistency_level = everywhere
        self.read_ledgers.consistency_level = everywhere
        self.read_marks.consistency_level = everywhere
        if for_recounts:
            self.read_log.consistency_level = everywhere
        self.drop_recounts = prepare(DROP_RECOUNTS)
        self.read_app = prepare(READ_APP)
        self.list_apps = prepare(LIST_APPS)
        self.create_app = prepare_once(CREATE_APP)
        self.replace_app = prepare_once(REPLACE_APP)
        self.drop_partition = [prepare(f"DELETE FROM {table} {_IN_PARTITION}") for table in DAY_TABLES]
        self.write_members: dict[SetTable, Any] = {
            table: prepare(_insert(table.value, columns)) for table, columns in SET_COLUMNS.items()
        }
        self.read_members: dict[SetTable, Any] = {
            table: prepare(_select(table.value, columns)) for table, columns in SET_COLUMNS.items()
        }
        self.write_totals: dict[TotalsTable, Any] = {
            table: prepare(_insert(table.value, columns.written)) for table, columns in TOTALS_COLUMNS.items()
        }
        self.read_totals: dict[TotalsTable, Any] = {
            table: prepare(_select(table.value, columns.read)) for table, columns in TOTALS_COLUMNS.items()
        }
        self.read_added_totals: dict[TotalsTable, Any] = {
            table: prepare(_select(table.value, (*columns.read, "ledger", *columns.added)))
            for table, columns in TOTALS_COLUMNS.items()
            if columns.added
        }


def _data_centres(session: Session) -> int:
    """Return over how many data centres the session's keyspace is spread.

    The node is asked: the driver's own picture may lag behind a keyspace that was made a moment ago.
    """
    ((replication,),) = session.execute(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", (session.keyspace,)
    )
    return len(replication.keys() - {"class", "replication_factor"})


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = PARTITION + columns
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) USING TTL ?"


def _select(table: str, columns: tuple[str, ...]) -> str:
    return f"SELECT {', '.join(columns)} FROM {table} {_IN_PARTITION}"
