"""The directory of apps: what it keeps, for how long, and what it makes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from live.eventmanager.v1.admin_service_pb2 import App as AppMessage

from eventmanager.app_directory import FRESH_S, AppDirectory
from eventmanager.config import SQLITE_IN_MEMORY
from eventmanager.errors import InvalidRequestError, UnknownAppError
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Store
from eventmanager.zones import Zone
from tests.conftest import Clock


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = await open_store(SQLITE_IN_MEMORY)
    yield store
    await store.close()


@pytest.fixture
def directory(store: Store, clock: Clock) -> AppDirectory:
    return AppDirectory(store, now=clock, new_app_zone=Zone("Europe/Vienna"))


@pytest.fixture
def other_server(store: Store, clock: Clock) -> AppDirectory:
    """The directory of another server on the same store, which makes no apps by itself."""
    return AppDirectory(store, now=clock, new_app_zone=None)


async def test_settings_are_kept_for_some_seconds(
    directory: AppDirectory, other_server: AppDirectory, clock: Clock
) -> None:
    """What another server changed is seen when they are read again."""
    app = await directory.create(AppMessage(app="shop"))
    await other_server.update(AppMessage(app="shop", keep_url_queries=True), None)
    clock.time_s += FRESH_S - 0.1

    assert app is directory.cached("shop")
    assert app is await directory.app("shop")
    assert app is await directory.app_for_ingest("shop")

    clock.time_s += 0.1

    assert directory.cached("shop") is None
    assert (await directory.app("shop")).keep_url_queries
    assert directory.cached("shop") is not None


async def test_a_clock_set_back_keeps_nothing_for_longer(directory: AppDirectory, clock: Clock) -> None:
    """What seems to have been read in the future is read again."""
    await directory.create(AppMessage(app="shop"))
    clock.time_s -= 3_600

    assert directory.cached("shop") is None


async def test_an_unknown_app_is_looked_for_each_time(directory: AppDirectory, other_server: AppDirectory) -> None:
    """It is there as soon as somebody made it."""
    with pytest.raises(UnknownAppError):
        await other_server.app("shop")
    await directory.create(AppMessage(app="shop"))

    assert "shop" == (await other_server.app("shop")).app


async def test_a_change_counts_at_once_where_it_was_made(directory: AppDirectory) -> None:
    """The server that changed an app does not wait to read it again."""
    await directory.create(AppMessage(app="shop"))
    changed = await directory.update(AppMessage(app="shop", keep_url_queries=True), None)

    assert changed is directory.cached("shop")


async def test_an_unknown_app_is_made_for_its_first_events(directory: AppDirectory, other_server: AppDirectory) -> None:
    """In the zone for new apps, once, however many ask at the same time; or not at all."""
    with pytest.raises(UnknownAppError):
        await other_server.app_for_ingest("shop")
    apps = await asyncio.gather(*(directory.app_for_ingest("shop") for _ in range(20)))
    made = AppMessage(app="shop", time_zone="Europe/Vienna", shard_count=1)

    assert [made] * 20 == [app.settings.app for app in apps]
    assert made == (await other_server.app_for_ingest("shop")).settings.app
    assert [made] == list(await directory.list_apps("", 9))


async def test_an_app_may_be_thought_of_without_making_it(directory: AppDirectory, other_server: AppDirectory) -> None:
    """It is as it would be made, where it may be made."""
    made = AppMessage(app="shop", time_zone="Europe/Vienna", shard_count=1)

    assert made == directory.default_app("shop").settings.app
    assert [] == list(await directory.list_apps("", 9))
    with pytest.raises(UnknownAppError):
        other_server.default_app("shop")


@pytest.mark.parametrize("app_id", ["", "no/app", "a" * 65])
async def test_no_app_is_made_of_what_is_no_id(
    directory: AppDirectory, other_server: AppDirectory, app_id: str
) -> None:
    """It is refused by name, whether apps are made or not."""
    for each in (directory, other_server):
        with pytest.raises(InvalidRequestError) as refused:
            await each.app_for_ingest(app_id)
        assert "app" == refused.value.violation.field
        with pytest.raises(InvalidRequestError):
            each.default_app(app_id)


async def test_apps_of_a_zone_share_it(directory: AppDirectory) -> None:
    """A zone remembers the minutes it placed: all its apps profit."""
    first = await directory.create(AppMessage(app="a", time_zone="Asia/Tokyo"))
    second = await directory.create(AppMessage(app="b", time_zone="Asia/Tokyo"))
    vienna = await directory.create(AppMessage(app="c", time_zone="Europe/Vienna"))

    assert first.zone is second.zone
    assert vienna.zone is directory.default_app("d").zone
