"""Why a call fails: one class for each cause, each with a sentence for the caller.

`services.statuses` turns them into gRPC statuses, and nothing else does.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of a request, by its path, and what is wrong with it, in a sentence."""

    field: str
    description: str


class InvalidRequestError(Exception):
    """A field of the request is wrong: the same again fails again."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}" if field else description)
        self.violation = FieldViolation(field, description)


NO_REQUEST: Final = "The bytes are no request of this method: they end too soon, or a text in them is not UTF-8."
"""What is wrong with bytes that protobuf cannot read. What it says itself names types that callers do not know."""


class UnknownAppError(Exception):
    """There is no such app."""

    def __init__(self, app: str) -> None:
        super().__init__(f"There is no app {app!r}. Make it with AdminService.CreateApp or `eventmanager apps create`.")


class AppExistsError(Exception):
    """The id of a new app is taken."""

    def __init__(self, app: str) -> None:
        super().__init__(f"There is an app {app!r} already. Change it with AdminService.UpdateApp.")


class OverloadedError(Exception):
    """Too much is being stored at once: the same later may be taken."""

    def __init__(self, waiting_events: int) -> None:
        super().__init__(f"{waiting_events:,} events wait to be stored, as many as the server takes. Send again later.")


class StoreUnavailableError(Exception):
    """The store did not do what it was asked: the same later may work."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The store did not answer as it should: {cause}. Send again later.")
        self.cause = cause


class ShuttingDownError(Exception):
    """The server is stopping and takes no new work."""

    def __init__(self) -> None:
        super().__init__("The server is stopping. Send again, to another server or later.")


class StartError(Exception):
    """The server cannot start, for a reason that its operator can mend."""
