"""Says in the log which nodes come and go, in a sentence each; the driver itself would tell it in tracebacks."""

import logging
from typing import Final

from cassandra.pool import Host

_DRIVER: Final = "cassandra"

_log = logging.getLogger(__name__)


class NodeWatch:
    """Listens to the driver. Its methods are called from the driver's threads."""

    def on_up(self, host: Host) -> None:
        """Say that a node answers again."""
        _log.info("Node %s answers.", host.endpoint)

    def on_down(self, host: Host) -> None:
        """Say that a node is gone."""
        _log.warning("Node %s does not answer; it is tried again every few seconds.", host.endpoint)

    def on_add(self, host: Host) -> None:
        """Say that there is a node more."""
        _log.info("Node %s is new.", host.endpoint)

    def on_remove(self, host: Host) -> None:
        """Say that there is a node less."""
        _log.info("Node %s left the cluster.", host.endpoint)


def hush_driver() -> None:
    """Keep the driver's own words out of the log, unless somebody has chosen a level for them: what matters comes as
    errors of statements, and here.
    """
    driver = logging.getLogger(_DRIVER)
    if driver.level == logging.NOTSET:
        driver.setLevel(logging.CRITICAL)
