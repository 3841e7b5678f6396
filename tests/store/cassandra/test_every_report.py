"""Whatever is sent to a server on Cassandra, every answer and every report is what a naive recount says."""

import asyncio
from itertools import count
from random import Random

import pytest
from cassandra.cluster import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmanager.store.cassandra.address import CassandraAddress
from tests.cassandra_nodes import CassandraNodes
from tests.test_every_report import EXAMPLES, Asked, differences
from tests.traffic import SEASONS, Season, draw_traffic

_numbers = count()


@settings(max_examples=max(4, EXAMPLES // 4), deadline=None)
@given(
    random=st.randoms(use_true_random=False),
    season=st.sampled_from(SEASONS),
    asked=st.builds(Asked, st.integers(0, 12), st.integers(0, 8), st.integers(1, 5)),
)
def test_a_little_traffic(
    cassandra: CassandraNodes, superintendent: Session, random: Random, season: Season, asked: Asked
) -> None:
    """Few requests of few events are answered and reported as the recount says."""
    traffic = draw_traffic(random, season, lanes=2, most_requests=4, most_events=5)
    keyspace = f"little_{next(_numbers)}"

    assert [] == asyncio.run(differences(cassandra.address(keyspace), traffic, asked))

    superintendent.execute(f"DROP KEYSPACE {keyspace}")


@pytest.mark.parametrize("seed", range(max(1, EXAMPLES // 16)))
async def test_much_traffic(own_address: CassandraAddress, seed: int) -> None:
    """Many requests of many events, side by side, are answered and reported as the recount says."""
    random = Random(seed)
    traffic = draw_traffic(random, random.choice(SEASONS), lanes=5, most_requests=15, most_events=30)

    assert [] == await differences(str(own_address), traffic, Asked(random.randrange(12), random.randrange(8), 100))
