"""Recounts make way for ingest, as far as it minds them."""

import pytest

from eventmanager.audit.pace import (
    FIRST_SHARE,
    IDLE_S,
    LEAST_SHARE,
    LEAST_SHARE_ON_REQUEST,
    LONGEST_REST_S,
    MOST_SHARE,
    IngestWaits,
    Pace,
)

COMMITS = 50


class Timer:
    """A clock that only sleeping and working move on."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


async def open_gate() -> None:
    """Keep nobody."""


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def waits(timer: Timer) -> IngestWaits:
    return IngestWaits(timer)


def measure(waits: IngestWaits, rest_s: float, work_s: float, commits: int = COMMITS) -> None:
    """Have commits come in beside rest and beside work."""
    for _ in range(commits):
        waits.note(rest_s)
    waits.at_work += 1
    for _ in range(commits):
        waits.note(work_s)
    waits.at_work -= 1


@pytest.mark.parametrize(
    ("work_s", "share"),
    [
        (0.1, MOST_SHARE),
        (0.08, MOST_SHARE),
        (0.11, 0.5),
        (0.125, 0.2),
        (0.2, 0.05),
        (0.6, 0.01),
        (5.0, LEAST_SHARE),
    ],
)
def test_the_share_is_what_ingest_does_not_mind(waits: IngestWaits, work_s: float, share: float) -> None:
    """So that events wait a twentieth longer on average; in a fifth of the time the recount rests in any case."""
    measure(waits, 0.1, work_s)

    assert share == pytest.approx(Pace(waits, LEAST_SHARE).share())
    assert max(share, LEAST_SHARE_ON_REQUEST) == pytest.approx(Pace(waits, LEAST_SHARE_ON_REQUEST).share())


def test_one_slow_commit_says_little(waits: IngestWaits) -> None:
    """A disk that stops for a moment does so without recounts, too."""
    measure(waits, 0.1, 0.1)
    waits.at_work += 1
    waits.note(1.0)

    assert MOST_SHARE == Pace(waits, LEAST_SHARE).share()


def test_what_was_long_ago_is_forgotten(waits: IngestWaits) -> None:
    """Ingest that has become busier is not taken for one that suffers."""
    measure(waits, 0.001, 0.001)
    measure(waits, 0.1, 0.1, 10 * COMMITS)

    assert MOST_SHARE == Pace(waits, LEAST_SHARE).share()


def test_until_something_is_known_it_works_little(waits: IngestWaits) -> None:
    """A few commits tell nothing."""
    measure(waits, 0.1, 0.1, 4)

    assert FIRST_SHARE == Pace(waits, LEAST_SHARE).share()


async def test_it_rests_for_the_rest_of_the_time(waits: IngestWaits, timer: Timer) -> None:
    """In proportion to the step before; and commits meanwhile count as beside rest."""
    measure(waits, 0.1, 0.125)

    async def sleep(seconds: float) -> None:
        await timer.sleep(seconds)
        assert not waits.at_work
        waits.note(0.1)

    pace = Pace(waits, LEAST_SHARE, sleep)
    async with pace.recount(open_gate) as leave:
        assert waits.at_work
        timer.now_s += 0.5
        waits.note(0.125)
        begun_s = timer.now_s
        await leave()
        rested_s = timer.now_s - begun_s
        assert waits.at_work

    assert 2.0 == pytest.approx(rested_s)
    assert not waits.at_work


async def test_it_does_not_rest_while_nothing_comes_in(waits: IngestWaits, timer: Timer) -> None:
    """Also where that ends while it rests."""
    measure(waits, 0.1, 5.0)
    pace = Pace(waits, LEAST_SHARE, timer.sleep)
    async with pace.recount(open_gate) as leave:
        timer.now_s += 1.0
        rested_s = []
        for _ in range(2):
            begun_s = timer.now_s
            await leave()
            rested_s.append(timer.now_s - begun_s)

    assert [IDLE_S - 1.0, 0.0] == rested_s


async def test_no_rest_is_longer_than_a_minute(waits: IngestWaits, timer: Timer) -> None:
    """So that it ends, however busy ingest is."""
    measure(waits, 0.1, 5.0)

    async def sleep(seconds: float) -> None:
        await timer.sleep(seconds)
        waits.note(0.1)

    async with Pace(waits, LEAST_SHARE, sleep).recount(open_gate) as leave:
        timer.now_s += 10
        waits.note(5.0)
        begun_s = timer.now_s
        await leave()

    assert LONGEST_REST_S == timer.now_s - begun_s
