"""Apps' settings."""

import asyncio
from collections.abc import Sequence

from live.eventmanager.storage.v1.settings_pb2 import AppSettings, SettingFrom
from live.eventmanager.v1.admin_service_pb2 import App, Stage

from eventmanager.store.protocol import Store
from tests.store.conftest import OpenStore
from tests.store.made_facts import ODD_TEXTS


def settings_of(app: str, version: int = 1, display_name: str = "") -> AppSettings:
    """Make settings of an app."""
    return AppSettings(
        app=App(app=app, display_name=display_name, time_zone="Europe/Vienna", stages=[Stage(stage=1, name="/home")]),
        shard_counts=[SettingFrom(value=1), SettingFrom(from_date="2026-11-26", value=4)],
        retentions=[SettingFrom(value=30)],
        version=version,
    )


async def list_all(store: Store, prefix: str, limit: int) -> list[list[AppSettings]]:
    """List the apps whose ids begin alike, page by page."""
    pages: list[list[AppSettings]] = []
    after = prefix
    while True:
        page: Sequence[AppSettings] = await store.list_apps(after, limit)
        ours = [settings for settings in page if settings.app.app.startswith(prefix)]
        if not ours:
            return pages
        pages.append(ours)
        after = page[-1].app.app


async def test_a_new_app(store: Store, app: str) -> None:
    """Its settings are kept as they are, and its id is taken from then on."""
    before = await store.read_app(app)
    is_new = await store.create_app(settings_of(app))
    is_new_again = await store.create_app(settings_of(app, version=7))

    assert (None, True, False) == (before, is_new, is_new_again)
    assert settings_of(app) == await store.read_app(app)


async def test_settings_with_odd_texts(store: Store, app: str) -> None:
    """No text is cut or changed."""
    for number, text in enumerate(ODD_TEXTS):
        await store.create_app(settings_of(f"{app}-{number:02}", display_name=text))

    assert list(ODD_TEXTS) == [
        settings.app.display_name for page in await list_all(store, f"{app}-", 100) for settings in page
    ]


async def test_one_of_many_makes_the_app(store: Store, app: str) -> None:
    """Of those who try at the same time."""
    made = await asyncio.gather(*(store.create_app(settings_of(app, version)) for version in range(1, 9)))
    kept = await store.read_app(app)

    assert 1 == sum(made)
    assert settings_of(app, made.index(True) + 1) == kept


async def test_settings_are_replaced_where_the_version_is_as_read(store: Store, app: str) -> None:
    """Otherwise they stay: somebody else was first."""
    await store.create_app(settings_of(app))
    outcomes = [
        await store.replace_app(settings_of(app, 2, "second"), 1),
        await store.replace_app(settings_of(app, 2, "late"), 1),
        await store.replace_app(settings_of(app, 9, "early"), 3),
        await store.replace_app(settings_of(app, 3, "third"), 2),
        await store.replace_app(settings_of(f"{app}-nobody"), 1),
    ]

    assert [True, False, False, True, False] == outcomes
    assert settings_of(app, 3, "third") == await store.read_app(app)
    assert await store.read_app(f"{app}-nobody") is None


async def test_one_of_many_replaces(store: Store, app: str) -> None:
    """Of those who read the same version."""
    await store.create_app(settings_of(app))
    replaced = await asyncio.gather(*(store.replace_app(settings_of(app, 2, f"{place}"), 1) for place in range(8)))

    assert 1 == sum(replaced)
    assert settings_of(app, 2, f"{replaced.index(True)}") == await store.read_app(app)


async def test_apps_are_listed_by_id(store: Store, app: str) -> None:
    """By pages, each going on after the id that the last ended with."""
    names = [f"{app}{end}" for end in ("-1", "-10", "-2", ".a", "B", "_", "a")]
    for name in (*names[::2], *names[1::2]):
        await store.create_app(settings_of(name))
    pages = await list_all(store, app, 3)

    assert sorted(names) == [settings.app.app for page in pages for settings in page]
    assert all(len(page) == 3 for page in pages[:-1])
    assert [names[1]] == [settings.app.app for settings in await store.list_apps(names[0], 1)]


async def test_opened_again(reopen: OpenStore, app: str) -> None:
    """Settings are there, as last replaced."""
    store = await reopen()
    await store.create_app(settings_of(app))
    await store.replace_app(settings_of(app, 2, "second"), 1)
    store = await reopen()

    assert settings_of(app, 2, "second") == await store.read_app(app)
