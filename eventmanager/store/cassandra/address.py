"""Addresses of a keyspace: `cassandra://host1,host2:9042/keyspace?dc=…&replication=3&user=…&tls=…`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from eventmanager.errors import StartError

SCHEME: Final = "cassandra://"
DEFAULT_PORT: Final = 9042
EXAMPLE: Final = "cassandra://host1,host2:9042/keyspace?dc=…&replication=3&user=…&tls=…"
PASSWORD_VARIABLE: Final = "EVENTMANAGER_CASSANDRA_PASSWORD"  # noqa: S105 - a variable's name, no password.
PASSWORD_FILE_VARIABLE: Final = "EVENTMANAGER_CASSANDRA_PASSWORD_FILE"  # noqa: S105 - as above.

_PARTS: Final = re.compile(r"cassandra://(?P<hosts>[^/?#]*)/(?P<keyspace>[^/?#]*)(?:\?(?P<parameters>[^#]*))?")
_HOST: Final = re.compile(r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_KEYSPACE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_PARAMETERS: Final = ("dc", "replication", "user", "tls")
_HIGHEST_PORT: Final = 65_535
_MOST_REPLICAS: Final = 9
_SYSTEM_CERTIFICATES: Final = "on"


class Node(NamedTuple):
    """Where a node listens for drivers."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """A keyspace and how to reach it."""

    nodes: tuple[Node, ...]
    """Those asked first; the others are learned of from them."""
    keyspace: str
    data_centre: str = ""
    """The data centre to work in; when empty, that of the first node that answers."""
    replication: int = 0
    """Replicas in the data centre, where the keyspace is yet to be made; 0 for three or, where there are fewer, one a
    node."""
    user: str = ""
    tls: str = ""
    """Empty for none, `on` for the system's certificates, else the file with those of the authority to trust."""

    def __str__(self) -> str:
        return f"{SCHEME}{','.join(map(str, self.nodes))}/{self.keyspace}"

    @property
    def trusted_certificates(self) -> Path | None:
        """The file with the authority's certificates, or None for the system's."""
        return None if self.tls == _SYSTEM_CERTIFICATES else Path(self.tls)


def parse_address(text: str) -> CassandraAddress:
    """Take an address apart. Raises StartError where it is not one."""
    matched = _PARTS.fullmatch(text)
    if not matched:
        raise _wrong(text, f"it is not of the form {EXAMPLE}")
    keyspace = matched["keyspace"]
    if not _KEYSPACE.fullmatch(keyspace):
        raise _wrong(text, f"its keyspace {keyspace!r} is not a small letter and up to 47 of a-z, 0-9 and _")
    parameters = _parameters(text, matched["parameters"] or "")
    replication = parameters.get("replication", "0")
    if "replication" in parameters and not (replication.isdecimal() and 1 <= int(replication) <= _MOST_REPLICAS):
        raise _wrong(text, f"its replication {replication!r} is not a number from 1 to {_MOST_REPLICAS}")
    return CassandraAddress(
        nodes=_nodes(text, matched["hosts"]),
        keyspace=keyspace,
        data_centre=parameters.get("dc", ""),
        replication=int(replication),
        user=parameters.get("user", ""),
        tls=parameters.get("tls", ""),
    )


def read_password(address: CassandraAddress, environment: Mapping[str, str]) -> str:
    """Return the user's password, from a variable or from the file that another names. Raises StartError for none."""
    if not address.user:
        return ""
    if password := environment.get(PASSWORD_VARIABLE):
        return password
    file_name = environment.get(PASSWORD_FILE_VARIABLE)
    if not file_name:
        raise StartError(
            f"{address} is to be used as {address.user!r}, but there is no password. "
            f"Set {PASSWORD_VARIABLE}, or {PASSWORD_FILE_VARIABLE} to the name of a file that has it."
        )
    try:
        return Path(file_name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"Cannot read the password from {file_name} ({PASSWORD_FILE_VARIABLE}): {error}.") from None


def _nodes(text: str, hosts: str) -> tuple[Node, ...]:
    """Read hosts; one without a port has that of the last."""
    nodes: list[Node] = []
    port = DEFAULT_PORT
    for host in reversed(hosts.split(",")):
        matched = _HOST.fullmatch(host)
        if not matched:
            raise _wrong(text, f"{host!r} is not a host such as db1.example.com:9042, 10.0.0.1 or [::1]")
        own_port = int(matched["port"] or port)
        if not 0 < own_port <= _HIGHEST_PORT:
            raise _wrong(text, f"{own_port} is not a port from 1 to {_HIGHEST_PORT}")
        if not nodes:
            port = own_port
        nodes.append(Node(matched["bracketed"] or matched["name"], own_port))
    return tuple(reversed(nodes))


def _parameters(text: str, encoded: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded))
    except ValueError:
        raise _wrong(text, f"{unquote(encoded)!r} is not of the form name=value&name=value") from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name == "password":
            raise _wrong(
                text.partition("?")[0],
                f"a password does not belong there, where others can read it: set {PASSWORD_VARIABLE}",
            )
        if name not in _PARAMETERS:
            raise _wrong(text, f"there is no parameter {name!r}, only {', '.join(_PARAMETERS)}")
        if name in parameters:
            raise _wrong(text, f"{name} is given twice")
        if not value:
            raise _wrong(text, f"{name} is empty")
        parameters[name] = value
    return parameters


def _wrong(text: str, why: str) -> StartError:
    return StartError(f"--store is {text!r}, but {why}.")
