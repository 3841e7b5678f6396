"""Real Cassandra nodes for tests, run by scripts/cassandra. A plugin of pytest: tests/conftest.py names it."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Final

import pytest

_SCRIPT: Final = Path(__file__).parent.parent / "scripts" / "cassandra"
_SOMETHING_IS_MISSING: Final = 4
_LONGEST_START_S: Final = 300
# Neither data nor schema goes to disk at once: for nodes that are never killed, and much quicker.
_CARELESS: Final = "-Dcassandra.unsafesystem=true -Dcassandra.skip_sync=true"
_LONG_LIVED: Final = {"CASSANDRA_OPTS": "-XX:TieredStopAtLevel=4 -Xmn128M", "CASSANDRA_HEAP": "3G"}

_NOT_RUN: Final = pytest.StashKey[list[str]]()


class CassandraMissingError(Exception):
    """Java or Maven is not there."""


class CassandraNodes:
    """One node or a ring of them, on loopback addresses and in a folder of its own."""

    def __init__(  # noqa: PLR0913 - each is named where it is given.
        self,
        directory: Path,
        *,
        nodes: int = 1,
        announced_network: str = "",
        has_logins: bool = False,
        careless: bool = False,
        is_long_lived: bool = False,
        read_delay_ms: int = 0,
    ) -> None:
        """A long-lived node has a heap and a compiler as in production: slow to begin with, quick afterwards. Its young
        generation is small, so that pauses are short. To read a row takes `read_delay_ms` longer than it has to.
        """
        self.directory = directory
        self._network = free_network()
        self._announced_network = announced_network or self._network
        self._nodes = range(1, nodes + 1)
        self._has_logins = has_logins
        self._careless = careless
        self._is_long_lived = is_long_lived
        self._options = f"-Dcassandra.test.read_iteration_delay_ms={read_delay_ms}" if read_delay_ms else ""

    @property
    def hosts(self) -> list[str]:
        """The nodes' addresses."""
        return [f"{self._network}.{node}" for node in self._nodes]

    @property
    def announced_hosts(self) -> list[str]:
        """The addresses that the nodes tell drivers to use."""
        return [f"{self._announced_network}.{node}" for node in self._nodes]

    def address(self, keyspace: str, parameters: str = "") -> str:
        """Return the address of a keyspace on these nodes."""
        return f"cassandra://{','.join(self.hosts)}:9042/{keyspace}{parameters}"

    def start(self) -> None:
        """Start the nodes that do not run, and wait until they are ready. Raises CassandraMissingError."""
        options = ["--nodes", str(len(self._nodes)), "--announce", self._announced_network]
        options += ["--auth"] if self._has_logins else []
        environment = {"CASSANDRA_OPTS": f"{_CARELESS if self._careless else ''} {self._options}"}
        if self._is_long_lived:
            environment = _LONG_LIVED
        started = self._run("start", *options, **environment)
        if started.returncode == _SOMETHING_IS_MISSING:
            raise CassandraMissingError(started.stderr.strip())
        assert 0 == started.returncode, started.stderr

    def stop(self) -> None:
        """Stop all nodes: cleanly, but for those that keep nothing anyway."""
        if self._careless:
            for node in self._nodes:
                self.kill(node)
        stopped = self._run("stop")

        assert 0 == stopped.returncode, stopped.stderr

    def kill(self, node: int = 1) -> None:
        """End a node as a crash does."""
        os.kill(self._pid(node), signal.SIGKILL)

    def pause(self, node: int = 1) -> None:
        """Have a node do nothing, with its connections open."""
        os.kill(self._pid(node), signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        """Let a paused node go on."""
        os.kill(self._pid(node), signal.SIGCONT)

    def _pid(self, node: int) -> int:
        return int((self.directory / f"node{node}" / "cassandra.pid").read_text())

    def _run(self, command: str, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [_SCRIPT, command, "--directory", self.directory, "--network", self._network, *options],
            capture_output=True,
            text=True,
            timeout=_LONGEST_START_S,
            check=False,
            env=os.environ | environment,
        )


def free_network() -> str:
    """Return the first three numbers of loopback addresses at which nobody listens."""
    draw = SystemRandom()
    while True:
        network = f"127.{draw.randrange(1, 255)}.{draw.randrange(1, 255)}"
        with socket.socket() as drivers, socket.socket() as nodes:
            try:
                drivers.bind((f"{network}.1", 9042))
                nodes.bind((f"{network}.1", 7000))
            except OSError:
                continue
            return network


def started(nodes: CassandraNodes, request: pytest.FixtureRequest) -> CassandraNodes:
    """Start nodes; where Java or Maven is missing, fail if CI is set, else leave out the tests and have it said."""
    try:
        nodes.start()
    except CassandraMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        request.config.stash.setdefault(_NOT_RUN, []).append(str(error))
        pytest.skip(str(error))
    return nodes


@pytest.fixture(scope="session")
def cassandra(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[CassandraNodes]:
    """Give one node for the whole run, which no test may harm."""
    nodes = started(CassandraNodes(tmp_path_factory.mktemp("cassandra"), careless=True), request)
    yield nodes
    nodes.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly that the tests on Cassandra did not run."""
    reasons: list[str] = config.stash.get(_NOT_RUN, [])
    if reasons:
        skipped = len(terminalreporter.stats.get("skipped", []))
        terminalreporter.section("NOT RUN: tests on Cassandra", red=True, bold=True)
        terminalreporter.line(f"{skipped} tests were left out, those on a real Cassandra among them.")
        for sentence in sorted(set(reasons)):
            terminalreporter.line(sentence)
