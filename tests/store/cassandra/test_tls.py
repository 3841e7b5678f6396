"""Connections that are encrypted, with a certificate of an authority that the address names."""

import os
import ssl
import subprocess
from pathlib import Path

import pytest

from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.opening import open_keyspace
from tests.cassandra_nodes import CassandraNodes
from tests.store.cassandra.faulty_proxy import proxy_between
from tests.store.cassandra.opened import opened


def certificate(folder: Path, host: str) -> Path:
    """Make a certificate for a host, signed by itself, and its key, in one file."""
    file = folder / f"{host}.pem"
    request = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:{host}"
    subprocess.run(
        ["openssl", *request.split(), "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True
    )
    with file.open("a") as joined:
        joined.write(Path(f"{file}.crt").read_text())
    return file


async def test_a_connection_is_encrypted(proxied_cassandra: CassandraNodes, tmp_path: Path) -> None:
    """By a proxy before the node, whose certificate is trusted, is another's, or is not there."""
    host = proxied_cassandra.announced_hosts[0]
    own, other = certificate(tmp_path, host), certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    missing = tmp_path / "missing.pem"
    async with proxy_between(host, proxied_cassandra.hosts[0], context):
        async with opened(f"cassandra://{host}/tls?tls={own}") as store:
            await store.check()

        with pytest.raises(StoreUnavailableError, match="certificate verify failed"):
            await open_keyspace(parse_address(f"cassandra://{host}/tls?tls={other}"), os.environ)
        with pytest.raises(StartError, match=f"^Cannot read the certificates in {missing}, which tls= names: "):
            await open_keyspace(parse_address(f"cassandra://{host}/tls?tls={missing}"), os.environ)
