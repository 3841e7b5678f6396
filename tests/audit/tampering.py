"""Totals changed by hand, behind the servers' backs."""

import sqlite3
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from cassandra.cluster import Session

from eventmanager.facts import TotalsTable
from eventmanager.store.cassandra.address import SCHEME, parse_address
from eventmanager.store.cassandra.connection import connect
from tests.audit.model import TODAY, YESTERDAY

_ON_FILE: Final[Mapping[str, str]] = {
    "times removed": "DELETE FROM time_by_stage",
    "hovers removed": "DELETE FROM actions_by_button",
    "traffic doubled": "UPDATE traffic SET clicks = clicks * 2, funnel_changes = funnel_changes * 2",
    "views made up": "UPDATE views_by_page SET views = views + 3",
    "clicks made up": "UPDATE clicks_by_target SET clicks = clicks * 2",
}


def _removed(table: TotalsTable) -> Callable[[Session, str, int], None]:
    def remove(session: Session, app: str, shard: int) -> None:
        for date in (YESTERDAY, TODAY):
            session.execute(
                f"DELETE FROM {table.value} WHERE app = %s AND date = %s AND shard = %s", (app, date, shard)
            )

    return remove


def _made_up(table: TotalsTable) -> Callable[[Session, str, int], None]:
    def copy(session: Session, app: str, shard: int) -> None:
        """Write each row once more, as a ledger that no server has."""
        for date in (YESTERDAY, TODAY):
            key = (app, date, shard)
            rows = session.execute(f"SELECT * FROM {table.value} WHERE app = %s AND date = %s AND shard = %s", key)
            columns = rows.column_names
            for row in list(rows):
                values = [uuid.uuid4() if name == "ledger" else value for name, value in zip(columns, row, strict=True)]
                marks = ", ".join(["%s"] * len(columns))
                session.execute(f"INSERT INTO {table.value} ({', '.join(columns)}) VALUES ({marks})", values)

    return copy


# Not the rows of `traffic`: there they hold the marks, and whoever removes those must count the day again.
_ON_CASSANDRA: Final = {
    "times removed": _removed(TotalsTable.TIME_BY_STAGE),
    "hovers removed": _removed(TotalsTable.ACTIONS_BY_BUTTON),
    "traffic doubled": _made_up(TotalsTable.TRAFFIC),
    "views made up": _made_up(TotalsTable.VIEWS_BY_PAGE),
    "clicks made up": _made_up(TotalsTable.CLICKS_BY_TARGET),
}
TAMPERINGS: Final = tuple(_ON_FILE)


def tamper(store: str, app: str, shard_count: int, tampering: str) -> None:
    """Change an app's totals: on a file, those of all apps."""
    if store.startswith(SCHEME):
        address = parse_address(store)
        with closing(connect(address, "")) as cassandra:
            cassandra.session.set_keyspace(address.keyspace)
            for shard in range(shard_count):
                _ON_CASSANDRA[tampering](cassandra.session, app, shard)
    else:
        with closing(sqlite3.connect(store.removeprefix("sqlite:"), timeout=5)) as database, database:
            database.execute(_ON_FILE[tampering])
