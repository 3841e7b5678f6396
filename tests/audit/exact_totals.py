"""When live totals must be exact: what servers remember of what they were sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from live.eventmanager.v1.event_pb2 import Event

from tests.audit.model import Identity, identity_of


@dataclass(slots=True)
class ExactTotals:
    """Says whether no crash, no second process and no forgotten copy has made live totals differ so far."""

    are_due: bool = True
    """Whether they must be exact."""
    _servers: dict[Identity, set[int]] = field(default_factory=dict)
    """By event, the servers that remember it."""

    def hear(self, server: int, events: Sequence[Event], *, is_looked_up: bool) -> None:
        """Hear that events are sent to a server; it finds those in the log that come in a request as it was before."""
        for event in events:
            servers = self._servers.setdefault(identity_of(event), {server})
            if server not in servers and not is_looked_up:
                self.are_due = False

    def remember(self, server: int, events: Sequence[Event]) -> None:
        """Hear that a server has answered for events, and so remembers them."""
        for event in events:
            self._servers[identity_of(event)].add(server)

    def undo(self, server: int, events: Sequence[Event]) -> None:
        """Hear that a server has forgotten some events, which may be stored."""
        for event in events:
            self._servers[identity_of(event)].discard(server)

    def forget(self, server: int) -> None:
        """Hear that a server has forgotten everything."""
        for servers in self._servers.values():
            servers.discard(server)
