"""Addresses of keyspaces, and what is wrong with others."""

from pathlib import Path

import pytest

from eventmanager.errors import StartError
from eventmanager.store.cassandra.address import CassandraAddress, Node, parse_address, read_password


def test_an_address_is_taken_apart() -> None:
    """Hosts share the last one's port, and parameters may be percent-encoded."""
    assert CassandraAddress(
        nodes=(Node("db1", 9142), Node("10.0.0.2", 9043), Node("::1", 9142)),
        keyspace="shop_events",
        data_centre="eu-west",
        replication=3,
        user="event manager",
        tls="/etc/ca.pem",
    ) == parse_address(
        "cassandra://db1,10.0.0.2:9043,[::1]:9142/shop_events?dc=eu-west&replication=3&user=event%20manager&tls=/etc/ca.pem"
    )


def test_an_address_needs_a_host_and_a_keyspace() -> None:
    """The rest has defaults, and the address shows itself without them."""
    address = parse_address("cassandra://db1/shop")

    assert CassandraAddress(nodes=(Node("db1", 9042),), keyspace="shop") == address
    assert "cassandra://db1:9042/shop" == str(address)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "cassandra://db1",
            "it is not of the form cassandra://host1,host2:9042/keyspace?dc=…&replication=3&user=…&tls=…",
        ),
        ("cassandra://db1/", "its keyspace '' is not a small letter and up to 47 of a-z, 0-9 and _"),
        ("cassandra://db1/Shop", "its keyspace 'Shop' is not a small letter and up to 47 of a-z, 0-9 and _"),
        ("cassandra:///shop", "'' is not a host such as db1.example.com:9042, 10.0.0.1 or [::1]"),
        ("cassandra://db1,/shop", "'' is not a host such as db1.example.com:9042, 10.0.0.1 or [::1]"),
        ("cassandra://d b/shop", "'d b' is not a host such as db1.example.com:9042, 10.0.0.1 or [::1]"),
        ("cassandra://db1:0/shop", "0 is not a port from 1 to 65535"),
        ("cassandra://db1:99999/shop", "99999 is not a port from 1 to 65535"),
        ("cassandra://db1/shop?replication=0", "its replication '0' is not a number from 1 to 9"),
        ("cassandra://db1/shop?replication=all", "its replication 'all' is not a number from 1 to 9"),
        ("cassandra://db1/shop?rack=1", "there is no parameter 'rack', only dc, replication, user, tls"),
        ("cassandra://db1/shop?dc=", "dc is empty"),
        ("cassandra://db1/shop?dc=a&dc=b", "dc is given twice"),
        ("cassandra://db1/shop?dc", "'dc' is not of the form name=value&name=value"),
    ],
)
def test_a_wrong_address_says_why(text: str, why: str) -> None:
    """The whole address is repeated, so that it is clear which was read."""
    with pytest.raises(StartError) as refused:
        parse_address(text)

    assert f"--store is {text!r}, but {why}." == str(refused.value)


def test_a_password_in_an_address_is_not_repeated() -> None:
    """It is refused, as the address is seen by others, and the message does not show it."""
    with pytest.raises(StartError) as refused:
        parse_address("cassandra://db1/shop?user=me&password=secret")

    assert (
        "--store is 'cassandra://db1/shop', but a password does not belong there, where others can read it: "
        "set EVENTMANAGER_CASSANDRA_PASSWORD."
    ) == str(refused.value)


def test_a_password_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """A variable goes before a file, a line's end at the end of the file is no part of it, and nobody needs one."""
    file = tmp_path / "password"
    file.write_text("from file\n")
    address = parse_address("cassandra://db1/shop?user=me")
    by_file = {"EVENTMANAGER_CASSANDRA_PASSWORD_FILE": str(file)}

    assert "from file" == read_password(address, by_file)
    assert "from variable" == read_password(address, by_file | {"EVENTMANAGER_CASSANDRA_PASSWORD": "from variable"})
    assert "" == read_password(parse_address("cassandra://db1/shop"), by_file)


def test_a_missing_password_is_asked_for(tmp_path: Path) -> None:
    """The message names the variables, or the file that cannot be read."""
    address = parse_address("cassandra://db1/shop?user=me")
    missing = tmp_path / "missing"

    with pytest.raises(StartError) as refused:
        read_password(address, {})

    assert (
        "cassandra://db1:9042/shop is to be used as 'me', but there is no password. "
        "Set EVENTMANAGER_CASSANDRA_PASSWORD, "
        "or EVENTMANAGER_CASSANDRA_PASSWORD_FILE to the name of a file that has it."
    ) == str(refused.value)

    with pytest.raises(StartError, match=f"^Cannot read the password from {missing} "):
        read_password(address, {"EVENTMANAGER_CASSANDRA_PASSWORD_FILE": str(missing)})
