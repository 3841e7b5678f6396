"""Apps: the history of those settings that count from some day on."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st
from live.eventmanager.storage.v1.settings_pb2 import AppSettings, SettingFrom
from live.eventmanager.v1.admin_service_pb2 import App as AppMessage

from eventmanager.app_settings import changed_settings, new_settings, normal_app
from eventmanager.apps import App
from eventmanager.zones import Zone

UTC = Zone("UTC")
TODAY = date(2026, 6, 17)
DAY = timedelta(days=1)
FOR_GOOD = 1_000_000


def settings_with(**fields: int) -> AppSettings:
    """Return the settings of a new app."""
    return new_settings(normal_app(AppMessage(app="shop", **fields)))  # type: ignore[arg-type]  # All of them numbers.


def changed(settings: AppSettings, today: date, **fields: int) -> AppSettings:
    """Change some settings on a day, as an update that names just these."""
    wanted = AppMessage(app="shop", **fields)  # type: ignore[arg-type]  # As above.
    return changed_settings(settings, wanted, FieldMask(paths=fields), today)


def history(entries: Sequence[SettingFrom]) -> list[tuple[str, int]]:
    """Return a history as pairs."""
    return [(entry.from_date, entry.value) for entry in entries]


def test_a_new_shard_count_counts_from_the_day_after_next() -> None:
    """Servers that learn of it a day late still agree with the others."""
    settings = changed(settings_with(shard_count=2), TODAY, shard_count=8)
    app = App(settings, UTC)

    assert [("", 2), ("2026-06-19", 8)] == history(settings.shard_counts)
    assert [2, 2, 8] == [app.shard_count(TODAY + days * DAY) for days in range(3)]
    assert 2 == app.shard_count(date.min)
    assert 2 == settings.version


def test_a_shard_count_changed_again_the_same_day_counts_once() -> None:
    """The last word of a day counts; taken back, it leaves no trace."""
    settings = changed(settings_with(shard_count=2), TODAY, shard_count=8)

    assert [("", 2), ("2026-06-19", 4)] == history(changed(settings, TODAY, shard_count=4).shard_counts)
    assert [("", 2)] == history(changed(settings, TODAY, shard_count=2).shard_counts)
    assert [("", 2), ("2026-06-19", 8), ("2026-06-20", 2)] == history(
        changed(settings, TODAY + DAY, shard_count=2).shard_counts
    )


def test_a_longer_retention_counts_from_tomorrow() -> None:
    """Rows of the days so far expire as it was settled when they were written."""
    settings = changed(settings_with(retention_days=7), TODAY, retention_days=30)
    app = App(settings, UTC)

    assert [("", 7), ("2026-06-18", 30)] == history(settings.retentions)
    assert [7, 7, 30] == [app.retention_days(TODAY + days * DAY) for days in (-1, 0, 1)]
    assert date(2026, 6, 25) == app.reports_end(TODAY)


def test_a_shorter_retention_counts_at_once_and_for_days_gone_by() -> None:
    """What is to be kept no longer is reported no longer."""
    settings = changed(settings_with(), TODAY, retention_days=7)
    app = App(settings, UTC)

    assert [("", 0), ("2026-06-17", 7)] == history(settings.retentions)
    assert [7, 7, 7] == [app.retention_days(TODAY + days * DAY) for days in (-100, 0, 1)]
    assert date(2026, 6, 25) == app.reports_end(TODAY)
    assert 1_782_518_400 == app.expire_time_s(TODAY)  # 2026-06-27T00:00Z, two days after.


def test_days_cut_short_stay_so() -> None:
    """A longer time after a shorter one does not bring days back whose rows may be gone."""
    settings = changed(changed(settings_with(retention_days=30), TODAY, retention_days=7), TODAY, retention_days=60)
    app = App(settings, UTC)

    assert [("", 30), ("2026-06-17", 7), ("2026-06-18", 60)] == history(settings.retentions)
    assert [7, 7, 60] == [app.retention_days(TODAY + days * DAY) for days in (-1, 0, 1)]


def test_a_cut_by_a_clock_ahead_is_kept() -> None:
    """A shorter time settled by a server on which it is tomorrow already is not undone by one that is behind."""
    settings = changed(
        changed(settings_with(retention_days=30), TODAY + DAY, retention_days=7), TODAY, retention_days=60
    )

    assert [("", 30), ("2026-06-18", 7), ("2026-06-19", 60)] == history(settings.retentions)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 7, 30, 7_000])), max_size=8))
def test_retention_keeps_its_rules(changes: list[tuple[int, int]]) -> None:
    """After any changes, no day is kept longer than it ever was settled once it had come, and later days as settled
    last.
    """
    settings = settings_with(retention_days=30)
    today = TODAY
    ever_shortest = App(settings, UTC).retention_days(TODAY) or FOR_GOOD
    wanted = 30
    for later_days, wanted in changes:
        today += later_days * DAY
        settings = changed(settings, today, retention_days=wanted)
        app = App(settings, UTC)
        kept = app.retention_days(TODAY) or FOR_GOOD
        ever_shortest = min(ever_shortest, wanted or FOR_GOOD)

        assert ever_shortest == kept
        assert wanted == app.retention_days(today + 2 * DAY)
        assert [entry.from_date for entry in settings.retentions] == sorted({e.from_date for e in settings.retentions})


def test_a_change_of_nothing_is_none() -> None:
    """Settings that are wanted as they are stay the very same."""
    settings = settings_with(shard_count=2, retention_days=7)

    assert settings is changed(settings, TODAY, shard_count=2, retention_days=7)


@pytest.mark.parametrize("days", [0, 1, 6_999])
def test_the_first_retention_counts_from_ever(days: int) -> None:
    """A new app keeps every day alike, and events of all days before."""
    app = App(settings_with(retention_days=days), UTC)

    assert [days, days] == [app.retention_days(date.min), app.retention_days(date.max)]
