"""Recounts make way for ingest."""

import pytest

from eventmanager.audit.pace import LEAST_SHARE, LEAST_SHARE_ON_REQUEST, LONGEST_REST_S, IngestLoad, Pace


class Timer:
    """A clock that only sleeping and working move on."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Ingest:
    """Stores a commit in every interval."""

    def __init__(self, timer: Timer, interval_s: float, waited_s: float) -> None:
        self.load = IngestLoad(timer)
        self.waited_s = waited_s
        self._timer = timer
        self._interval_s = interval_s
        self._next_s = timer.now_s

    async def go_on(self, seconds: float) -> None:
        """Let time go by."""
        end_s = self._timer.now_s + seconds
        while self._next_s + self._interval_s <= end_s:
            self._next_s += self._interval_s
            self._timer.now_s = self._next_s
            self.load.note(self.waited_s)
        self._timer.now_s = end_s


async def open_gate() -> None:
    """Keep nobody."""


async def rested_s(ingest: Ingest, timer: Timer, least_share: float, worked_s: float) -> float:
    """Return how long a recount rests after a step."""
    leave = Pace(ingest.load, least_share, ingest.go_on).leave(open_gate)
    await ingest.go_on(worked_s)
    begun_s = timer.now_s
    await leave()
    return timer.now_s - begun_s


@pytest.mark.parametrize(
    ("waited_s", "share"),
    [(0.0, 1.0), (0.01, 0.729), (0.05, 0.125), (0.06, 0.064), (0.1, LEAST_SHARE), (0.5, LEAST_SHARE)],
)
async def test_it_works_while_nothing_waits(waited_s: float, share: float) -> None:
    """For the cube of that share of the time. Of ten commits a second each takes some of its interval, or waits for
    others.
    """
    timer = Timer()
    ingest = Ingest(timer, 0.1, waited_s)
    await ingest.go_on(60)
    works_s = 0.2
    rested = await rested_s(ingest, timer, LEAST_SHARE, works_s)
    rested_on_request = await rested_s(ingest, timer, LEAST_SHARE_ON_REQUEST, works_s)

    assert works_s / share - works_s == pytest.approx(rested, rel=0.15, abs=0.001)
    assert works_s / max(share, 0.5) - works_s == pytest.approx(rested_on_request, rel=0.15, abs=0.001)


async def test_no_rest_is_longer_than_a_minute() -> None:
    """So that it ends, however slow its steps are."""
    timer = Timer()
    ingest = Ingest(timer, 0.1, 0.1)
    await ingest.go_on(60)

    assert LONGEST_REST_S == pytest.approx(await rested_s(ingest, timer, LEAST_SHARE, 10.0))


async def test_it_goes_on_soon_when_ingest_ends() -> None:
    """While it rests it looks again and again."""
    timer = Timer()
    ingest = Ingest(timer, 0.1, 0.1)
    await ingest.go_on(60)
    leave = Pace(ingest.load, LEAST_SHARE, ingest.go_on).leave(open_gate)
    await ingest.go_on(1.0)
    ingest.waited_s = 0.0
    begun_s = timer.now_s
    await leave()

    assert 1.0 < timer.now_s - begun_s < 10.0


async def test_a_slow_commit_counts_when_it_ends() -> None:
    """All of the time that its events waited."""
    timer = Timer()
    load = IngestLoad(timer)
    timer.now_s += 60
    before = load.share()
    load.note(60.0)

    assert 0 == before
    assert 1 == pytest.approx(load.share(), abs=0.001)
