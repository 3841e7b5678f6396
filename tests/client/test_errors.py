"""Failed calls as errors of their causes."""

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, GetAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub

from eventmanager.client import AppExistsError, CallError, InvalidRequestError, UnknownAppError, error_of
from eventmanager.errors import FieldViolation


async def failure_of(channel: grpc.aio.Channel, app: App | None) -> CallError:
    """Make an app, or ask for one that is not there, and return the error that comes of it."""
    admin = AdminServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await (admin.CreateApp(CreateAppRequest(app=app)) if app else admin.GetApp(GetAppRequest(app="shop")))
    return error_of(failure.value, "here")


async def test_each_cause_has_an_error_of_its_own(channel: grpc.aio.Channel) -> None:
    """An app that is not there, one that is there twice, and one that cannot be are told apart."""
    unknown = await failure_of(channel, None)
    await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=App(app="shop")))
    taken = await failure_of(channel, App(app="shop"))
    invalid = await failure_of(channel, App(app="shop", time_zone="Mars/Base"))

    assert [UnknownAppError, AppExistsError, InvalidRequestError] == [
        type(error) for error in (unknown, taken, invalid)
    ]


async def test_an_invalid_request_names_its_field(channel: grpc.aio.Channel) -> None:
    """The error of a wrong field has its path, and a sentence about it."""
    error = await failure_of(channel, App(app="not an id"))

    assert error.status is not None
    (violation,) = error.status.violations

    assert "INVALID_REQUEST" == error.status.reason
    assert FieldViolation("app.app", violation.description) == violation
    assert str(error).endswith(violation.description)
