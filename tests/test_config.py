"""What a server may be told, and how wrong values are answered."""

import pytest

from eventmanager.config import Address, Config, InvalidSettingError


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"listen": "50051"},
            "--listen is '50051', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
        (
            {"listen": "127.0.0.1:99999"},
            "--listen is '127.0.0.1:99999', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
        (
            {"listen": "::1:50051"},
            "--listen is '::1:50051', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
        (
            {"listen": "0.0.0.0:50051"},
            (
                "--listen is '0.0.0.0:50051', but must be a loopback address such as 127.0.0.1:50051, "
                "or come with --insecure, as nothing is encrypted."
            ),
        ),
        (
            {"store": "postgres:x"},
            "--store is 'postgres:x', but must be sqlite:FILE, sqlite::memory: or cassandra://HOST/KEYSPACE.",
        ),
        (
            {"store": "sqlite:"},
            "--store is 'sqlite:', but must be sqlite:FILE, sqlite::memory: or cassandra://HOST/KEYSPACE.",
        ),
        (
            {"new_app_time_zone": "Mars/Base"},
            "--new-app-time-zone is 'Mars/Base', but must be an IANA time zone such as UTC or Europe/Vienna.",
        ),
        ({"max_events": 0}, "--max-events is 0, but must be from 1 to 100,000 events."),
        (
            {"max_request_bytes": 1},
            "--max-request-bytes is 1, but must be from 65,536 to 1,073,741,824 bytes.",
        ),
        ({"max_clock_skew_s": -1}, "--max-clock-skew is -1, but must be from 0 to 604,800 seconds."),
        ({"remembered_ids": -1}, "--remembered-ids is -1, but must be from 0 to 100,000,000 ids."),
        (
            {"max_waiting_events": 9_999},
            (
                "--max-waiting-events is 9999, but must be at least --max-events (10,000), "
                "or a full request could never be taken."
            ),
        ),
        ({"grace_s": float("nan")}, "--grace is nan, but must be from 0 to 3,600 seconds."),
        ({"log_level": "loud"}, "--log-level is 'loud', but must be one of debug, info, warning, error."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_wanted(settings: dict[str, object], sentence: str) -> None:
    """A wrong value is answered by flag, value and what was wanted."""
    with pytest.raises(InvalidSettingError) as refusal:
        Config(**settings)  # type: ignore[arg-type]  # Wrong on purpose.

    assert sentence == str(refusal.value)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("localhost:50051", Address("localhost", 50051)),
        ("[::1]:50051", Address("::1", 50051)),
    ],
)
def test_a_loopback_address_needs_nothing_more(listen: str, address: Address) -> None:
    """Loopback addresses are taken as they are."""
    config = Config(listen=listen)

    assert (address, listen) == (config.address, str(config.address))


def test_beyond_loopback_with_insecure() -> None:
    """With --insecure any address is taken."""
    assert Address("0.0.0.0", 50051) == Config(listen="0.0.0.0:50051", insecure=True).address


def test_new_apps_are_allowed_on_sqlite_unless_told_otherwise() -> None:
    """Where nothing is said an unknown app is made on SQLite, and not on Cassandra."""
    on_cassandra = "cassandra://db1/shop"

    assert Config().new_apps_allowed
    assert not Config(allow_new_apps=False).new_apps_allowed
    assert not Config(store=on_cassandra).new_apps_allowed
    assert Config(store=on_cassandra, allow_new_apps=True).new_apps_allowed
