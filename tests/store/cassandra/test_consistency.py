"""Which statements ask all data centres. That is told without any: a session that answers for the cluster is enough."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from cassandra import ConsistencyLevel

from eventmanager.store.cassandra.statements import Statements

ABOUT_MARKS = {"list_dates", "read_ledgers", "read_marks"}


class SessionOf:
    """Prepares anything in a keyspace that is spread over some data centres."""

    keyspace = "events"

    def __init__(self, *data_centres: str) -> None:
        self._replication = {"class": "NetworkTopologyStrategy", **dict.fromkeys(data_centres, "3")}

    def prepare(self, cql: str) -> SimpleNamespace:
        return SimpleNamespace(query_string=cql, consistency_level=None)

    def execute(self, _: str, __: Sequence[str]) -> list[tuple[Any, ...]]:
        return [(self._replication,)]


def asking_everywhere(statements: Statements) -> set[str]:
    """Name the statements that ask a majority in each data centre; the others are as the profile of reads has it."""
    levels = {
        name: statement.consistency_level
        for name, statement in vars(statements).items()
        if isinstance(statement, SimpleNamespace)
    }

    assert {None, ConsistencyLevel.EACH_QUORUM} >= set(levels.values())
    return {name for name, level in levels.items() if level is not None}


@pytest.mark.parametrize(("for_recounts", "also"), [(False, set()), (True, {"read_log"})])
def test_truth_is_asked_for_everywhere(for_recounts: bool, also: set[str]) -> None:
    """Which days there are, and their marks; and the log, where it is counted again."""
    statements = Statements(SessionOf("vienna", "graz"), for_recounts=for_recounts)

    assert ABOUT_MARKS | also == asking_everywhere(statements)


def test_one_data_centre_is_not_asked_otherwise() -> None:
    """A majority in it is one everywhere."""
    assert set() == asking_everywhere(Statements(SessionOf("vienna"), for_recounts=True))
