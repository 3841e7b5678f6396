"""The visitors of recounted days, united.

Their hashes are united a slice of all hashes at a time, so that memory holds some of them however many there are.
"""

import asyncio
import datetime
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from eventmanager.audit.cells import Hashes, report_of
from eventmanager.audit.visitor_sets import new_hashes
from eventmanager.facts import Key, SetTable
from eventmanager.reports.counted_by import CountedBy
from eventmanager.reports.figures import Figures
from eventmanager.reports.recounts import VISITORS

MOST_UNITED: Final = 4_000_000
"""Hashes of one slice, about: some 32 MB."""
UNITED_AT_ONCE: Final = 16_000
"""Hashes that are united at once: a set of them stays in a processor's caches, and takes a fifth of the time for each
that one of a million takes.
"""
FEWEST_OF_EACH: Final = 50
"""Fewer of each array are not worth the search for where they end."""
_AT_ONCE: Final = 50_000
"""Hashes that are left out before another thread may have its turn, some 3 ms."""
_ALL_HASHES: Final = 1 << 64
_COUNT_BYTES: Final = 300

_Sets: TypeAlias = Sequence[tuple[Key, Hashes]]


@dataclass(frozen=True, slots=True)
class RecountedVisitors:
    """The visitors of a table in some shards of some days, whose recounts held when `marks` were read."""

    figures: Figures
    table: SetTable
    by: CountedBy
    marks: Mapping[datetime.date, bytes]
    shards: Mapping[datetime.date, Sequence[int]]

    async def counts(self) -> Mapping[Key, int] | None:
        """Count them, or return None where some could not be had any more."""
        name = (*self._name, "counts")
        counts: Counter[Key] | None = self.figures.kept.get(name)
        if counts is None:
            united = self._kept_united()
            counts = await self._count() if united is None else Counter({key: len(united[key]) for key in united})
            if counts is not None:
                self.figures.kept.keep(name, counts, _COUNT_BYTES * len(counts))
        return counts

    async def leave_out(self, visitors: Mapping[Key, set[int]]) -> bool:
        """Take those who are among them out of sets of hashes, and return whether all could be had."""
        united = self._kept_united()
        if united is None:
            async for one in self._slices():
                if one is None:
                    return False
                united = await asyncio.to_thread(one.united)
                await asyncio.to_thread(_leave_out, visitors, united)
                if one.is_all:
                    size_bytes = sum(_COUNT_BYTES + hashes.itemsize * len(hashes) for hashes in united.values())
                    self.figures.kept.keep((*self._name, "united"), united, size_bytes)
        else:
            await asyncio.to_thread(_leave_out, visitors, united)
        return True

    def _kept_united(self) -> Mapping[Key, Hashes] | None:
        united: Mapping[Key, Hashes] | None = self.figures.kept.get((*self._name, "united"))
        return united

    @property
    def _name(self) -> tuple[Hashable, ...]:
        parts = tuple((date, marks, tuple(self.shards[date])) for date, marks in self.marks.items())
        return self.figures.app, self.table, self.by.name, parts

    async def _count(self) -> Counter[Key] | None:
        counts = Counter[Key]()
        async for one in self._slices():
            if one is None:
                return None
            counts.update(await asyncio.to_thread(one.counts))
        return counts

    async def _slices(self) -> "AsyncIterator[_Slice | None]":
        """Read them, a slice of all hashes at a time; None where they could not be had any more."""
        many = 0
        async for cells in self._cells():
            if cells is None:
                yield None
                return
            many += sum(len(hashes) * len(self.by.keys_of(columns)) for columns, hashes in cells)
        slices = -(-many // MOST_UNITED)
        for number in range(slices):
            first, end = (_ALL_HASHES * part // slices for part in (number, number + 1))
            sets: defaultdict[Key, list[Hashes]] = defaultdict(list)
            async for cells in self._cells():
                if cells is None:
                    yield None
                    return
                for columns, hashes in cells:
                    part = hashes[bisect_left(hashes, first) : bisect_left(hashes, end)]
                    for key in self.by.keys_of(columns):
                        sets[key].append(part)
            yield _Slice(first, end, sets)

    async def _cells(self) -> AsyncIterator[_Sets | None]:
        """Read them, some days at a time; None where a day's are not those any more."""
        for shard in sorted({shard for date in self.marks for shard in self.shards[date]}):
            first = report_of(self.table, shard)
            dates_of: dict[str, list[datetime.date]] = {}
            further = {date: self.figures.further(first, date) for date in self.marks if shard in self.shards[date]}
            for date, reports in further.items():
                for report in (first, *reports):
                    dates_of.setdefault(report, []).append(date)
            for report, dates in dates_of.items():
                left = len(dates)
                async for cells in self.figures.cells(VISITORS, report, {date: self.marks[date] for date in dates}):
                    # One that was written meanwhile may be spread over others.
                    if report == first and any(cell.cells != len(further[date]) + 1 for date, cell in cells.items()):
                        yield None
                    left -= len(cells)
                    yield [one for cell in cells.values() for one in cell.visitors]
                if left:
                    yield None


@dataclass(frozen=True, slots=True)
class _Slice:
    """Sets of sorted hashes, all of them from `first` to before `end`."""

    first: int
    end: int
    sets: Mapping[Key, Sequence[Hashes]]

    @property
    def is_all(self) -> bool:
        """Whether no hash can be in another."""
        return self.end - self.first == _ALL_HASHES

    def counts(self) -> Mapping[Key, int]:
        """Count the hashes under each key that are in any of its sets."""
        return {key: sum(map(len, self._unions(sets))) for key, sets in self.sets.items()}

    def united(self) -> Mapping[Key, Hashes]:
        """Return those under each key that are in any of its sets, each once and in no order: to sort them takes
        longer than all else.
        """
        united = {}
        for key, sets in self.sets.items():
            united[key] = hashes = new_hashes()
            for union in self._unions(sets):
                hashes.extend(union)
        return united

    def _unions(self, sets: Sequence[Hashes]) -> Iterator[set[int]]:
        """Unite some sets, a range of hashes after the other."""
        hashes = sum(map(len, sets))
        steps = min(hashes // UNITED_AT_ONCE, hashes // (FEWEST_OF_EACH * len(sets) + 1)) + 1
        starts = [0] * len(sets)
        for step in range(1, steps + 1):
            bound = self.first + (self.end - self.first) * step // steps
            union: set[int] = set()
            for place, (of_set, start) in enumerate(zip(sets, starts, strict=True)):
                stop = starts[place] = bisect_left(of_set, bound, start)
                union.update(of_set[start:stop])
            yield union


def _leave_out(visitors: Mapping[Key, set[int]], united: Mapping[Key, Hashes]) -> None:
    for key, hashes in united.items():
        if key in visitors:
            for start in range(0, len(hashes), _AT_ONCE):
                visitors[key].difference_update(hashes[start : start + _AT_ONCE])
