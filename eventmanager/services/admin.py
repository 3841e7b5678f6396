# ruff: noqa: ARG002, N802 - gRPC names the methods and hands a context to each.
"""AdminService: looks after apps, and has days counted again."""

from live.eventmanager.v1.admin_service_pb2 import (
    AuditDaysRequest,
    AuditDaysResponse,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    CreateAppRequest,
    CreateAppResponse,
    EraseDeviceRequest,
    ExportEventsRequest,
    GetAppRequest,
    GetAppResponse,
    ListApiKeysRequest,
    ListApiKeysResponse,
    ListAppsRequest,
    ListAppsResponse,
    RevokeApiKeyRequest,
    RevokeApiKeyResponse,
    UpdateAppRequest,
    UpdateAppResponse,
)
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceServicer

from eventmanager.app_directory import AppDirectory
from eventmanager.audit.auditor import NO_EVENTS, Auditor
from eventmanager.date_ranges import span_of
from eventmanager.paging import Place, fitting, page_of
from eventmanager.services.not_offered import not_offered
from eventmanager.services.statuses import Context
from eventmanager.store.protocol import Store


class AdminServicer(AdminServiceServicer):
    """Makes, shows, changes and lists apps; counts days again."""

    def __init__(self, directory: AppDirectory, store: Store, auditor: Auditor) -> None:
        self._directory = directory
        self._store = store
        self._auditor = auditor

    async def CreateApp(self, request: CreateAppRequest, context: Context) -> CreateAppResponse:
        """Make an app."""
        return CreateAppResponse(app=(await self._directory.create(request.app)).settings.app)

    async def GetApp(self, request: GetAppRequest, context: Context) -> GetAppResponse:
        """Return one app."""
        return GetAppResponse(app=(await self._directory.read(request.app)).settings.app)

    async def UpdateApp(self, request: UpdateAppRequest, context: Context) -> UpdateAppResponse:
        """Change some of an app's settings."""
        app = await self._directory.update(request.app, request.update_mask)
        return UpdateAppResponse(app=app.settings.app)

    async def ListApps(self, request: ListAppsRequest, context: Context) -> ListAppsResponse:
        """List the apps by id."""
        page = page_of(request, numbers=0, texts=1)
        found = await self._directory.list_apps(page.after.texts[0] if page.after else "", page.size + 1)
        apps = fitting(found, page.size)
        token = page.token(Place((), (apps[-1].app,))) if len(apps) < len(found) else ""
        return ListAppsResponse(apps=apps, next_page_token=token)

    async def CreateApiKey(self, request: CreateApiKeyRequest, context: Context) -> CreateApiKeyResponse:
        """Refuse: this server has no keys."""
        return await not_offered(context, "CreateApiKey")

    async def ListApiKeys(self, request: ListApiKeysRequest, context: Context) -> ListApiKeysResponse:
        """Refuse: this server has no keys."""
        return await not_offered(context, "ListApiKeys")

    async def RevokeApiKey(self, request: RevokeApiKeyRequest, context: Context) -> RevokeApiKeyResponse:
        """Refuse: this server has no keys."""
        return await not_offered(context, "RevokeApiKey")

    async def AuditDays(  # type: ignore[override]  # A coroutine may write the stream as well.
        self, request: AuditDaysRequest, context: Context
    ) -> None:
        """Count days again, and tell of each as soon as it is counted. A day without events needs no count."""
        app = await self._directory.app(request.app)
        span = span_of(request.date_range, self._directory.today(app))
        with_events = set(await self._store.dates(app.app, span.first, span.last))
        for date in span.dates():
            is_empty = date not in with_events and not self._auditor.is_past(app, date)
            audit = NO_EVENTS if is_empty else await self._auditor.audit(app, date)
            await context.write(
                AuditDaysResponse(
                    date=date.isoformat(),
                    events=audit.events,
                    duplicate_events=audit.duplicate_events,
                    differing_figures=audit.differing_figures,
                    audited=audit.audited,
                )
            )

    async def EraseDevice(  # type: ignore[override]  # A coroutine may write the stream as well.
        self, request: EraseDeviceRequest, context: Context
    ) -> None:
        """Refuse: this server does not erase visitors."""
        await not_offered(context, "EraseDevice")

    async def ExportEvents(  # type: ignore[override]  # A coroutine may write the stream as well.
        self, request: ExportEventsRequest, context: Context
    ) -> None:
        """Refuse: this server does not export events."""
        await not_offered(context, "ExportEvents")
