"""The apps there are: read from the store, kept for some seconds, made and changed."""

import datetime
from collections.abc import Callable, Sequence
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from live.eventmanager.storage.v1.settings_pb2 import AppSettings
from live.eventmanager.v1.admin_service_pb2 import App as AppMessage

from eventmanager.app_settings import changed_settings, check_app_id, is_app_id, new_settings, normal_app
from eventmanager.apps import App
from eventmanager.errors import AppExistsError, InvalidRequestError, UnknownAppError
from eventmanager.store.protocol import Store
from eventmanager.zones import UnknownZoneError, Zone

FRESH_S: Final = 5.0
"""How long settings are used before they are read again."""
_MOST_KEPT: Final = 10_000


class AppDirectory:
    """Finds apps. One for a server, as apps of one time zone share its cache of minutes."""

    def __init__(self, store: Store, *, now: Callable[[], float], new_app_zone: Zone | None) -> None:
        self._store = store
        self._now = now
        self._new_app_zone = new_app_zone
        self._kept: dict[str, tuple[float, App]] = {}
        self._zones = {new_app_zone.name: new_app_zone} if new_app_zone else {}

    def cached(self, app_id: str) -> App | None:
        """Return an app whose settings were read lately, without waiting for anything."""
        kept = self._kept.get(app_id)
        if kept is not None and 0 <= self._now() - kept[0] < FRESH_S:
            return kept[1]
        return None

    async def app(self, app_id: str) -> App:
        """Return an app as read lately. Raises UnknownAppError, and InvalidRequestError for an empty id."""
        return self.cached(app_id) or await self.read(app_id)

    async def read(self, app_id: str) -> App:
        """Return an app as it is now. Raises as `app`."""
        if not app_id:
            check_app_id(app_id, "app")
        settings = await self._store.read_app(app_id) if is_app_id(app_id) else None
        if settings is None:
            raise UnknownAppError(app_id)
        return self._keep(settings)

    async def app_for_ingest(self, app_id: str) -> App:
        """Return an app as read lately, made where it is unknown and may be. Raises UnknownAppError where it may not,
        and InvalidRequestError for what cannot be an id.
        """
        app = self.cached(app_id)
        if app is not None:
            return app
        check_app_id(app_id, "app")
        settings = await self._store.read_app(app_id)
        if settings is not None:
            return self._keep(settings)
        new = self.default_app(app_id)
        if await self._store.create_app(new.settings):
            return self._keep(new.settings)
        return await self.read(app_id)  # Made by another request meanwhile.

    def default_app(self, app_id: str) -> App:
        """Return the app that would be made for an unknown id, without making it. Raises as `app_for_ingest`."""
        check_app_id(app_id, "app")
        if self._new_app_zone is None:
            raise UnknownAppError(app_id)
        app = normal_app(AppMessage(app=app_id, time_zone=self._new_app_zone.name))
        return App(new_settings(app), self._new_app_zone)

    async def create(self, wanted: AppMessage) -> App:
        """Make an app. Raises InvalidRequestError and AppExistsError."""
        app = normal_app(wanted)
        try:
            self._zone(app.time_zone)
        except UnknownZoneError:
            raise InvalidRequestError(
                "app.time_zone", f"{app.time_zone!r} is no time zone of the IANA database, such as Europe/Vienna."
            ) from None
        settings = new_settings(app)
        if not await self._store.create_app(settings):
            raise AppExistsError(app.app)
        return self._keep(settings)

    async def update(self, wanted: AppMessage, update_mask: FieldMask | None) -> App:
        """Change an app's settings, as `changed_settings` says. Raises InvalidRequestError and UnknownAppError."""
        if not wanted.app:
            check_app_id(wanted.app, "app.app")
        while True:
            app = await self.read(wanted.app)
            changed = changed_settings(app.settings, wanted, update_mask, self.today(app))
            if changed is app.settings:
                return app
            if await self._store.replace_app(changed, app.settings.version):
                return self._keep(changed)
            # Another change came between: look again, so that neither is lost.

    async def list_apps(self, after: str, limit: int) -> Sequence[AppMessage]:
        """List apps by id, those after an id, at most so many."""
        return [settings.app for settings in await self._store.list_apps(after, limit)]

    def today(self, app: App) -> datetime.date:
        """Return today's date in an app's zone."""
        return app.zone.date_of(int(self._now()))

    def _zone(self, name: str) -> Zone:
        zone = self._zones.get(name)
        if zone is None:
            zone = self._zones[name] = Zone(name)
        return zone

    def _keep(self, settings: AppSettings) -> App:
        app_id = settings.app.app
        kept = self._kept.get(app_id)
        if kept is not None and kept[1].settings.version > settings.version:
            return kept[1]  # What was read has been changed since.
        if kept is None and len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        app = App(settings, self._zone(settings.app.time_zone))
        self._kept[app_id] = (self._now(), app)
        return app
