"""The rules for an app's settings, and the history of those that count from some day on."""

import datetime
import re
from collections.abc import Collection, Sequence
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from live.eventmanager.storage.v1.settings_pb2 import AppSettings, SettingFrom
from live.eventmanager.v1.admin_service_pb2 import App

from eventmanager.errors import InvalidRequestError

MAX_STAGES: Final = 1_000
MAX_SHARD_COUNT: Final = 256
MAX_RETENTION_DAYS: Final = 7_000
DEFAULT_TIME_ZONE: Final = "UTC"

_APP_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MAX_NAME_LENGTH: Final = 200
_ONE_DAY: Final = datetime.timedelta(days=1)
_TWO_DAYS: Final = datetime.timedelta(days=2)
_FIELDS: Final = frozenset(App.DESCRIPTOR.fields_by_name)
_FIXED_FIELDS: Final = frozenset(("app", "time_zone"))


def is_app_id(app_id: str) -> bool:
    """Tell whether a text may be an app's id: letters, digits, `.`, `_` and `-`, from 1 to 64."""
    return _APP_ID.fullmatch(app_id) is not None


def check_app_id(app_id: str, field: str) -> None:
    """Raise InvalidRequestError where a text cannot be an app's id."""
    if not app_id:
        raise InvalidRequestError(field, "An app's id is required.")
    if not is_app_id(app_id):
        raise InvalidRequestError(
            field, f"{app_id!r} is no app's id: those are 1 to 64 letters, digits, dots, underscores and hyphens."
        )


def normal_app(wanted: App) -> App:
    """Return an app with defaults filled in. Raises InvalidRequestError; the time zone is not looked up."""
    check_app_id(wanted.app, "app.app")
    _check_name(wanted.display_name, "app.display_name")
    if not 0 <= wanted.retention_days <= MAX_RETENTION_DAYS:
        raise InvalidRequestError(
            "app.retention_days",
            f"{wanted.retention_days} is not from 1 to {MAX_RETENTION_DAYS:,} days, or 0 to keep for good.",
        )
    shard_count = wanted.shard_count or 1
    if not (1 <= shard_count <= MAX_SHARD_COUNT and shard_count.bit_count() == 1):
        raise InvalidRequestError(
            "app.shard_count", f"{shard_count} is not a power of two from 1 to {MAX_SHARD_COUNT}, or 0 for 1."
        )
    _check_stages(wanted)
    app = App()
    app.CopyFrom(wanted)
    app.shard_count = shard_count
    app.time_zone = wanted.time_zone or DEFAULT_TIME_ZONE
    return app


def new_settings(app: App) -> AppSettings:
    """Begin the settings of an app that `normal_app` made: they count from ever."""
    return AppSettings(
        app=app,
        shard_counts=[SettingFrom(value=app.shard_count)],
        retentions=[SettingFrom(value=app.retention_days)],
        version=1,
    )


def changed_settings(
    settings: AppSettings, wanted: App, update_mask: FieldMask | None, today: datetime.date
) -> AppSettings:
    """Return settings with the masked fields as wanted, or the same where nothing differs. Raises InvalidRequestError.

    A mask that is absent or empty stands for the fields that are set in `wanted`. `today` is the app's.
    """
    app = App()
    app.CopyFrom(settings.app)
    mask = FieldMask(paths=_masked_fields(wanted, update_mask))
    mask.MergeMessage(wanted, app, replace_message_field=True, replace_repeated_field=True)
    app = normal_app(app)
    if app.time_zone != settings.app.time_zone:
        raise InvalidRequestError(
            "app.time_zone",
            f"A time zone cannot change, as days would be counted anew: it is {settings.app.time_zone!r}, "
            f"not {app.time_zone!r}.",
        )
    if app == settings.app:
        return settings
    changed = AppSettings()
    changed.CopyFrom(settings)
    changed.app.CopyFrom(app)
    changed.version += 1
    _change_shard_count(changed, today)
    _change_retention(changed, today)
    return changed


def _masked_fields(wanted: App, update_mask: FieldMask | None) -> Collection[str]:
    if update_mask is None or not update_mask.paths:
        return [field.name for field, _ in wanted.ListFields()]
    if "*" in update_mask.paths:
        return _FIELDS
    for position, path in enumerate(update_mask.paths):
        if path not in _FIELDS:
            raise InvalidRequestError(
                f"update_mask.paths[{position}]",
                f"{path!r} is no field of an app: name {', '.join(sorted(_FIELDS - _FIXED_FIELDS))}, or * for all.",
            )
    return update_mask.paths


def _check_name(name: str, field: str) -> None:
    if len(name) > _MAX_NAME_LENGTH:
        raise InvalidRequestError(field, f"{len(name)} characters are more than {_MAX_NAME_LENGTH}.")


def _check_stages(wanted: App) -> None:
    if len(wanted.stages) > MAX_STAGES:
        raise InvalidRequestError("app.stages", f"{len(wanted.stages):,} stages are more than {MAX_STAGES:,}.")
    seen: set[int] = set()
    for position, stage in enumerate(wanted.stages):
        path = f"app.stages[{position}]"
        if stage.stage < 0:
            raise InvalidRequestError(f"{path}.stage", f"{stage.stage} is no stage's id: those are zero or more.")
        if stage.stage in seen:
            raise InvalidRequestError(f"{path}.stage", f"Stage {stage.stage} is there twice.")
        seen.add(stage.stage)
        _check_name(stage.name, f"{path}.name")


def _change_shard_count(settings: AppSettings, today: datetime.date) -> None:
    """Count from the day after next on: servers that learn of it a day late still agree."""
    history = settings.shard_counts
    from_date = (today + _TWO_DAYS).isoformat()
    while history[-1].from_date >= from_date:
        history.pop()
    if history[-1].value != settings.app.shard_count:
        history.append(SettingFrom(from_date=from_date, value=settings.app.shard_count))


def _change_retention(settings: AppSettings, today: datetime.date) -> None:
    """Count a shorter time at once, so also for days gone by, and a longer one from tomorrow on."""
    history = settings.retentions
    days = settings.app.retention_days
    if days == history[-1].value:
        return
    in_force = next(entry.value for entry in reversed(history) if entry.from_date <= today.isoformat())
    from_date = today if _is_shorter(days, in_force) else today + _ONE_DAY
    while history[-1].from_date >= from_date.isoformat() and _is_replaced(history, days):
        history.pop()
    if history[-1].from_date >= from_date.isoformat():
        from_date = datetime.date.fromisoformat(history[-1].from_date) + _ONE_DAY
    if days != history[-1].value:
        history.append(SettingFrom(from_date=from_date.isoformat(), value=days))


def _is_replaced(history: Sequence[SettingFrom], days: int) -> bool:
    """Tell whether the last entry may go: one that cut the time short may not, as rows may be gone by it, unless the
    new time cuts as short.
    """
    last = history[-1].value
    return not _is_shorter(last, days) or not _is_shorter(last, history[-2].value)


def _is_shorter(days: int, others: int) -> bool:
    """Compare retentions, of which 0 is the longest."""
    return days != 0 and (others == 0 or days < others)
