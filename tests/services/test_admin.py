"""AdminService: apps are made, shown, changed and listed."""

import asyncio
from typing import Any, Final

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from live.eventmanager.v1.admin_service_pb2 import (
    App,
    CreateApiKeyRequest,
    CreateAppRequest,
    CreateAppResponse,
    EraseDeviceRequest,
    ExportEventsRequest,
    GetAppRequest,
    GetAppResponse,
    ListApiKeysRequest,
    ListAppsRequest,
    ListAppsResponse,
    RevokeApiKeyRequest,
    Stage,
    UpdateAppRequest,
    UpdateAppResponse,
)
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub

from eventmanager.app_settings import MAX_STAGES
from eventmanager.config import Config
from eventmanager.server import start
from tests.failures import Failure, failure_of

INVALID: Final = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND: Final = Failure(grpc.StatusCode.NOT_FOUND, "UNKNOWN_APP")
SHOP: Final = App(
    app="My-shop_1.0",
    display_name="Mein Laden 🛒",
    time_zone="Europe/Vienna",
    retention_days=400,
    shard_count=8,
    stages=[Stage(stage=0, name="/home"), Stage(stage=2_147_483_647)],
    keep_url_queries=True,
)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> AdminServiceStub:
    return AdminServiceStub(channel)


async def create(admin: AdminServiceStub, **fields: Any) -> App:
    """Make an app, and return it as stored."""
    return (await admin.CreateApp(CreateAppRequest(app=App(**fields)))).app


async def update(admin: AdminServiceStub, mask: str | None = None, **fields: Any) -> App:
    """Change the app `shop`, and return it as stored; a mask names its paths with commas between."""
    update_mask = None if mask is None else FieldMask(paths=mask.split(","))
    request = UpdateAppRequest(app=App(**{"app": "shop", **fields}), update_mask=update_mask)
    return (await admin.UpdateApp(request)).app


async def failure(call: Any) -> Failure:
    """Return how a call fails, which it is asserted to do."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failure_of(failed.value)


def invalid(field: str) -> Failure:
    """Return the status for a field that is wrong."""
    return Failure(INVALID, "INVALID_REQUEST", (field,))


async def test_an_app_is_kept_as_made(admin: AdminServiceStub) -> None:
    """All its settings come back, at once and later."""
    assert CreateAppResponse(app=SHOP) == await admin.CreateApp(CreateAppRequest(app=SHOP))
    assert GetAppResponse(app=SHOP) == await admin.GetApp(GetAppRequest(app=SHOP.app))


async def test_an_app_has_defaults(admin: AdminServiceStub) -> None:
    """Its days are those of UTC, and one shard holds a day."""
    assert App(app="shop", time_zone="UTC", shard_count=1) == await create(admin, app="shop")


async def test_apps_outlive_the_server(database: str) -> None:
    """A server started again on the same file knows them."""
    config = Config(listen="127.0.0.1:0", store=database)
    server = await start(config)
    async with grpc.aio.insecure_channel(server.address) as channel:
        await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=SHOP))
    await server.stop(1)
    server = await start(config)
    async with grpc.aio.insecure_channel(server.address) as channel:
        kept = await AdminServiceStub(channel).GetApp(GetAppRequest(app=SHOP.app))
    await server.stop(1)

    assert GetAppResponse(app=SHOP) == kept


async def test_an_id_is_taken_once(admin: AdminServiceStub) -> None:
    """The second app of an id is refused, and the first stays as it is."""
    first = await create(admin, app="shop")

    assert Failure(grpc.StatusCode.ALREADY_EXISTS, "APP_EXISTS") == await failure(
        admin.CreateApp(CreateAppRequest(app=App(app="shop", retention_days=1)))
    )
    assert GetAppResponse(app=first) == await admin.GetApp(GetAppRequest(app="shop"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"app": ""}, "app.app"),
        ({"app": "a/b"}, "app.app"),
        ({"app": "a" * 65}, "app.app"),
        ({"app": "ä"}, "app.app"),
        ({"app": "a\n"}, "app.app"),
        ({"display_name": "x" * 201}, "app.display_name"),
        ({"time_zone": "Europe/Atlantis"}, "app.time_zone"),
        ({"time_zone": "../UTC"}, "app.time_zone"),
        ({"retention_days": -1}, "app.retention_days"),
        ({"retention_days": 7_001}, "app.retention_days"),
        ({"shard_count": -1}, "app.shard_count"),
        ({"shard_count": 3}, "app.shard_count"),
        ({"shard_count": 512}, "app.shard_count"),
        ({"stages": [Stage(stage=1), Stage(stage=-1)]}, "app.stages[1].stage"),
        ({"stages": [Stage(stage=1), Stage(stage=2), Stage(stage=1)]}, "app.stages[2].stage"),
        ({"stages": [Stage(name="x" * 201)]}, "app.stages[0].name"),
        ({"stages": [Stage(stage=number) for number in range(MAX_STAGES + 1)]}, "app.stages"),
    ],
)
async def test_settings_that_cannot_be_are_refused(admin: AdminServiceStub, fields: dict[str, Any], field: str) -> None:
    """The field at fault is named, and nothing is made or changed."""
    wanted = App(**{"app": "shop", **fields})

    assert invalid(field) == await failure(admin.CreateApp(CreateAppRequest(app=wanted)))
    assert ListAppsResponse() == await admin.ListApps(ListAppsRequest())
    if "app" not in fields:
        made = await create(admin, app="shop")

        assert invalid(field) == await failure(admin.UpdateApp(UpdateAppRequest(app=wanted)))
        assert GetAppResponse(app=made) == await admin.GetApp(GetAppRequest(app="shop"))


@pytest.mark.parametrize(
    "fields",
    [
        {
            "app": "a" * 64,
            "display_name": "🛒" * 200,
            "retention_days": 7_000,
            "shard_count": 256,
            "time_zone": "Asia/Kathmandu",
        },
        {
            "app": "x",
            "stages": [Stage(stage=number, name="🛒" * 200) for number in range(MAX_STAGES)],
            "time_zone": "UTC",
            "shard_count": 1,
        },
    ],
)
async def test_settings_at_their_limits_are_taken(admin: AdminServiceStub, fields: dict[str, Any]) -> None:
    """Lengths are counted in code points."""
    assert App(**fields) == await create(admin, **fields)


async def test_an_app_is_required(admin: AdminServiceStub) -> None:
    """What names no app is refused, and what names one that is not there is not found."""
    assert invalid("app.app") == await failure(admin.CreateApp(CreateAppRequest()))
    assert invalid("app") == await failure(admin.GetApp(GetAppRequest()))
    assert invalid("app.app") == await failure(admin.UpdateApp(UpdateAppRequest()))
    for app in ("nowhere", "no/app"):
        assert NOT_FOUND == await failure(admin.GetApp(GetAppRequest(app=app)))
        assert NOT_FOUND == await failure(admin.UpdateApp(UpdateAppRequest(app=App(app=app, shard_count=2))))


@pytest.mark.parametrize(
    ("mask", "fields", "changes"),
    [
        (None, {"display_name": "New", "shard_count": 4}, {"display_name": "New", "shard_count": 4}),
        (None, {"stages": [Stage(stage=7)]}, {"stages": [Stage(stage=7)]}),
        (None, {"time_zone": "Europe/Vienna"}, {}),
        (None, {}, {}),
        ("display_name", {"display_name": "New", "shard_count": 4}, {"display_name": "New"}),
        (
            "display_name,retention_days,keep_url_queries",
            {},
            {"display_name": "", "retention_days": 0, "keep_url_queries": False},
        ),
        ("shard_count,stages", {}, {"shard_count": 1, "stages": []}),
        ("app,time_zone", {"time_zone": "Europe/Vienna", "shard_count": 4}, {}),
        (
            "*",
            {"time_zone": "Europe/Vienna"},
            {"display_name": "", "retention_days": 0, "keep_url_queries": False, "shard_count": 1, "stages": []},
        ),
    ],
)
async def test_just_the_fields_named_change(
    admin: AdminServiceStub, mask: str | None, fields: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Without a mask, those that are set; fields named but not set go back to their defaults."""
    settings: dict[str, Any] = {
        "app": "shop",
        "display_name": "Shop",
        "time_zone": "Europe/Vienna",
        "retention_days": 400,
        "shard_count": 8,
        "stages": [Stage(stage=1, name="/home"), Stage(stage=2)],
        "keep_url_queries": True,
    }
    await create(admin, **settings)
    wanted = App(**{**settings, **changes})

    assert wanted == await update(admin, mask, **fields)
    assert GetAppResponse(app=wanted) == await admin.GetApp(GetAppRequest(app="shop"))


async def test_an_empty_mask_is_none(admin: AdminServiceStub) -> None:
    """A mask without paths stands for the fields that are set, as if it were absent."""
    await create(admin, app="shop")
    request = UpdateAppRequest(app=App(app="shop", display_name="New"), update_mask=FieldMask())

    assert UpdateAppResponse(
        app=App(app="shop", display_name="New", time_zone="UTC", shard_count=1)
    ) == await admin.UpdateApp(request)


@pytest.mark.parametrize(
    ("mask", "fields", "field"),
    [
        ("name", {}, "update_mask.paths[0]"),
        ("stages,stages.name", {}, "update_mask.paths[1]"),
        ("", {}, "update_mask.paths[0]"),
        (None, {"time_zone": "Asia/Tokyo"}, "app.time_zone"),
        ("time_zone", {}, "app.time_zone"),
        ("*", {"display_name": "New"}, "app.time_zone"),
    ],
)
async def test_changes_that_cannot_be_are_refused(
    admin: AdminServiceStub, mask: str | None, fields: dict[str, Any], field: str
) -> None:
    """A path must name a field; a time zone stays, and one that is empty stands for UTC."""
    made = await create(admin, app="shop", time_zone="Europe/Vienna")

    assert invalid(field) == await failure(update(admin, mask, **fields))
    assert GetAppResponse(app=made) == await admin.GetApp(GetAppRequest(app="shop"))


async def test_changes_at_once_are_all_kept(admin: AdminServiceStub) -> None:
    """None of them undoes another that came between its reading and its writing."""
    await create(admin, app="shop")
    changes: list[dict[str, Any]] = [
        {"display_name": "Shop"},
        {"retention_days": 9},
        {"shard_count": 4},
        {"stages": [Stage(stage=1)]},
        {"keep_url_queries": True},
    ]
    await asyncio.gather(*(update(admin, **fields) for fields in changes))

    assert GetAppResponse(
        app=App(
            app="shop",
            display_name="Shop",
            time_zone="UTC",
            retention_days=9,
            shard_count=4,
            stages=[Stage(stage=1)],
            keep_url_queries=True,
        )
    ) == await admin.GetApp(GetAppRequest(app="shop"))


@pytest.mark.parametrize("page_size", [1, 2, 3, 0])
async def test_apps_are_listed_by_id(admin: AdminServiceStub, page_size: int) -> None:
    """Page by page, each once."""
    made = [await create(admin, app=app_id) for app_id in ("b", "a", "B", "a.1", "10", "9")]
    request = ListAppsRequest(page_size=page_size)
    listed: list[App] = []
    while True:
        response = await admin.ListApps(request)
        listed += response.apps
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token

    assert sorted(made, key=lambda app: app.app) == listed


async def test_a_page_of_large_apps_can_be_received(admin: AdminServiceStub) -> None:
    """A page ends early rather than pass what a client takes by default."""
    stages = [Stage(stage=number, name="🛒" * 200) for number in range(MAX_STAGES)]
    for number in range(5):
        await create(admin, app=f"app-{number}", stages=stages)
    first = await admin.ListApps(ListAppsRequest())
    second = await admin.ListApps(ListAppsRequest(page_token=first.next_page_token))

    assert ["app-0", "app-1", "app-2"] == [app.app for app in first.apps]
    assert ["app-3", "app-4"] == [app.app for app in second.apps]
    assert not second.next_page_token


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ListAppsRequest(page_size=-1), "page_size"),
        (ListAppsRequest(page_size=1_001), "page_size"),
        (ListAppsRequest(page_token="shop"), "page_token"),
    ],
)
async def test_a_wrong_page_is_refused(admin: AdminServiceStub, request_: ListAppsRequest, field: str) -> None:
    """A page has from 1 to 1,000 apps, and begins where the page before ended."""
    assert invalid(field) == await failure(admin.ListApps(request_))


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("CreateApiKey", CreateApiKeyRequest()),
        ("ListApiKeys", ListApiKeysRequest()),
        ("RevokeApiKey", RevokeApiKeyRequest()),
    ],
)
async def test_what_is_not_offered_says_so(admin: AdminServiceStub, method: str, request_: Message) -> None:
    """Methods of the contract that this server does not have are UNIMPLEMENTED, in a sentence."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await getattr(admin, method)(request_)

    assert grpc.StatusCode.UNIMPLEMENTED == failed.value.code()
    assert f"This server does not offer {method}." == failed.value.details()


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("EraseDevice", EraseDeviceRequest()),
        ("ExportEvents", ExportEventsRequest()),
    ],
)
async def test_a_stream_that_is_not_offered_says_so(admin: AdminServiceStub, method: str, request_: Message) -> None:
    """So are methods that would stream."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        [response async for response in getattr(admin, method)(request_)]

    assert grpc.StatusCode.UNIMPLEMENTED == failed.value.code()
    assert f"This server does not offer {method}." == failed.value.details()
