"""A connection to a cluster: how the driver is set up, and what it means when it does not connect."""

import socket
import ssl
from dataclasses import dataclass
from typing import Final

from cassandra import AuthenticationFailed, ConsistencyLevel, ProtocolVersion, UnresolvableContactPoints
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    FallthroughRetryPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)
from cassandra.query import tuple_factory

from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.store.cassandra.address import CassandraAddress
from eventmanager.store.cassandra.encoded_batch import EncodedBatches
from eventmanager.store.cassandra.node_watch import NodeWatch, hush_driver

WRITES: Final = "writes"
"""Statements that may be executed again; the driver itself sends them to the next node where one fails."""
READS: Final = "reads"
ONCE: Final = "once"
"""Compare-and-set and changes of the schema, which the driver must not send again by itself."""

# Unless told otherwise, a node gives up a write after 2 s and a read after 5 s: wait longer, to hear it say so.
_WRITE_TIMEOUT_S: Final = 2.5
_READ_TIMEOUT_S: Final = 10.0
_ONCE_TIMEOUT_S: Final = 20.0
_CONNECT_TIMEOUT_S: Final = 5.0
# A node that came back is found within this time.
_LONGEST_RECONNECT_S: Final = 4.0
# A node that is silent for their sum is taken for gone.
_HEARTBEAT_INTERVAL_S: Final = 10
_HEARTBEAT_TIMEOUT_S: Final = 5


@dataclass(frozen=True, slots=True)
class Connection:
    """The driver's two halves. What they hold open stays so until `close`."""

    cluster: Cluster
    session: Session
    data_centre: str

    def close(self) -> None:
        """Close all connections. Blocks."""
        self.cluster.shutdown()


def connect(address: CassandraAddress, password: str) -> Connection:
    """Connect to a cluster, without choosing the keyspace. Blocks.

    Raises StoreUnavailableError where no node answers, and StartError where one does but will never let this in.
    """
    hush_driver()
    try:
        cluster = _cluster(address, password)
    except UnresolvableContactPoints:
        names = ", ".join(node.host for node in address.nodes)
        raise StartError(f"None of the hosts of {address} has an address: {names}. Are the names right?") from None
    try:
        session = cluster.connect()
    except NoHostAvailable as error:
        cluster.shutdown()
        raise _refusal(address, cluster, error) from None
    except BaseException:
        cluster.shutdown()
        raise
    session.client_protocol_handler = EncodedBatches
    cluster.register_listener(NodeWatch())
    return Connection(cluster, session, address.data_centre or _nearest(cluster))


def _cluster(address: CassandraAddress, password: str) -> Cluster:
    nearby = TokenAwarePolicy(DCAwareRoundRobinPolicy(address.data_centre))

    def profile(timeout_s: float, retries: RetryPolicy) -> ExecutionProfile:
        return ExecutionProfile(
            load_balancing_policy=nearby,
            retry_policy=retries,
            consistency_level=ConsistencyLevel.LOCAL_QUORUM,
            # Apps are for the whole cluster, and seldom changed.
            serial_consistency_level=ConsistencyLevel.SERIAL,
            request_timeout=timeout_s,
            row_factory=tuple_factory,
        )

    once = profile(_ONCE_TIMEOUT_S, FallthroughRetryPolicy())
    return Cluster(
        contact_points=[(node.host, node.port) for node in address.nodes],
        port=address.nodes[-1].port,
        auth_provider=PlainTextAuthProvider(address.user, password) if address.user else None,
        ssl_context=_ssl_context(address) if address.tls else None,
        protocol_version=ProtocolVersion.V5,
        compression=False,  # Payloads are compressed already.
        # The driver hands a message over in pieces. Nagle's algorithm would keep the last one back until the node's
        # system acknowledges those before, for which it takes its time: up to 40 ms.
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        execution_profiles={
            EXEC_PROFILE_DEFAULT: once,
            ONCE: once,
            WRITES: profile(_WRITE_TIMEOUT_S, RetryPolicy()),
            READS: profile(_READ_TIMEOUT_S, RetryPolicy()),
        },
        reconnection_policy=ExponentialReconnectionPolicy(0.25, _LONGEST_RECONNECT_S),
        connect_timeout=_CONNECT_TIMEOUT_S,
        control_connection_timeout=_CONNECT_TIMEOUT_S,
        idle_heartbeat_interval=_HEARTBEAT_INTERVAL_S,
        idle_heartbeat_timeout=_HEARTBEAT_TIMEOUT_S,
        application_name="eventmanager",
        monitor_reporting_enabled=False,
    )


def _ssl_context(address: CassandraAddress) -> ssl.SSLContext:
    authority = address.trusted_certificates
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"Cannot read the certificates in {authority}, which tls= names: {error}.") from None
    context.check_hostname = True
    return context


def _nearest(cluster: Cluster) -> str:
    """Return the data centre that the driver has chosen: that of the first node that answered."""
    profile = cluster.profile_manager.profiles[WRITES]
    return str(profile.load_balancing_policy._child_policy.local_dc)  # noqa: SLF001 - told nowhere else.


def _refusal(address: CassandraAddress, cluster: Cluster, error: NoHostAvailable) -> Exception:
    causes = list(error.errors.values()) if isinstance(error.errors, dict) else list(error.errors)
    if any(isinstance(cause, AuthenticationFailed) for cause in causes):
        user = (
            f"the user {address.user!r} with that password" if address.user else "anybody without user=… and a password"
        )
        return StartError(f"Cassandra at {address} does not let in {user}.")
    data_centres = sorted({host.datacenter for host in cluster.metadata.all_hosts() if host.datacenter})
    if data_centres and address.data_centre and address.data_centre not in data_centres:
        return StartError(
            f"{address} has no data centre {address.data_centre!r}, only {', '.join(data_centres)}. Correct dc=."
        )
    told = "; ".join(sorted({str(cause) for cause in causes})) or str(error)
    return StoreUnavailableError(f"no node of {address} answers ({told})")
