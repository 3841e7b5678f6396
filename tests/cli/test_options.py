"""What can be typed: every option has a variable, a help text and, where it is wrong, an answer."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup, TyperOption

import eventmanager
from eventmanager.cli.application import application
from eventmanager.config import Config, flag_of
from tests.cli.conftest import Typed, TypeIn

NO_SETTINGS = {"--help", "--version"}


def commands() -> Iterator[tuple[str, Any]]:
    """Walk through all commands, each with what is typed for it."""
    waiting = [("", typer.main.get_command(application))]
    while waiting:
        typed, command = waiting.pop()
        if isinstance(command, TyperGroup):
            waiting += [(f"{typed} {name}".strip(), part) for name, part in command.commands.items()]
        yield typed, command


OPTIONS = [
    (typed, parameter)
    for typed, command in commands()
    for parameter in command.params
    if isinstance(parameter, TyperOption) and not NO_SETTINGS & set(parameter.opts)
]


@pytest.mark.parametrize(("typed", "option"), OPTIONS, ids=[f"{typed} {option.opts[0]}" for typed, option in OPTIONS])
def test_every_option_is_a_variable_and_explained(typed: str, option: TyperOption) -> None:
    """An option's variable is its name after EVENTMANAGER_, those of the demo after EVENTMANAGER_DEMO_."""
    prefix = "EVENTMANAGER_DEMO_" if typed == "demo" else "EVENTMANAGER_"
    expected = prefix + option.opts[0].removeprefix("--").upper().replace("-", "_")

    assert expected == option.envvar
    assert option.help
    assert option.help.endswith(".")


def test_every_setting_of_a_server_can_be_typed() -> None:
    """`serve` has an option for each field of Config, with its default."""
    options = {option.opts[0]: option.default for typed, option in OPTIONS if typed == "serve"}
    expected = {flag_of(field.name): field.default for field in dataclasses.fields(Config)}

    assert expected == options


@pytest.mark.parametrize("typed", [typed for typed, _ in commands()])
async def test_every_command_has_help(type_in: TypeIn, typed: str) -> None:
    """`--help` tells what a command does, and every command but groups how to set its options by variables."""
    shown = await type_in(*typed.split(), "--help")

    assert (0, "") == (shown.status, shown.err)
    assert f"Usage: eventmanager {typed}".strip() in shown.out


async def test_the_version_is_told(type_in: TypeIn) -> None:
    """`--version` prints the version and nothing else."""
    assert Typed(0, f"eventmanager {eventmanager.__version__}\n", "") == await type_in("--version")


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (
            ("serve", "--max-events", "many"),
            {},
            (
                "Invalid value for '--max-events': 'many' was given. "
                "Input should be a valid integer, unable to parse string as an integer"
            ),
        ),
        (
            ("serve",),
            {"EVENTMANAGER_INSECURE": "perhaps"},
            (
                "Invalid value for '--insecure': 'perhaps' was given by EVENTMANAGER_INSECURE. "
                "Input should be a valid boolean, unable to interpret input"
            ),
        ),
        (
            ("report", "traffic", "--app", "shop", "--every", "minute"),
            {},
            ("Invalid value for '--every': 'minute' is not one of 'range', 'hour', 'day', 'week', 'month'."),
        ),
        (
            ("report", "page-views", "--limit", "0"),
            {"EVENTMANAGER_APP": "shop"},
            ("Invalid value for '--limit': '0' was given. Input should be greater than or equal to 1"),
        ),
        (("report", "traffic"), {}, "Missing option '--app'."),
        (
            ("send", "--app", "shop", "/no/such/file"),
            {},
            "Invalid value for 'FILE|-': '/no/such/file': No such file or directory",
        ),
    ],
)
async def test_a_wrong_value_is_answered_by_name_and_value(
    type_in: TypeIn,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    sentence: str,
) -> None:
    """A wrong use is answered by what was given, where, and what was wanted; the exit status is 2."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    typed = await type_in(*arguments)

    said = re.sub(r"[│╭╮╰╯─\s]+", " ", typed.err)

    assert (2, "") == (typed.status, typed.out)
    assert sentence in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("serve", "--listen", "50051"),
            "--listen is '50051', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
        (
            ("demo", "--store", "demo.db"),
            "--store is 'demo.db', but must be sqlite:FILE, sqlite::memory: or cassandra://HOST/KEYSPACE.",
        ),
        (
            ("apps", "list", "--target", "here"),
            "--target is 'here', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
        (
            ("report", "all", "--app", "a", "--target", "x:y"),
            "--target is 'x:y', but must be HOST:PORT such as 127.0.0.1:50051 or [::1]:50051.",
        ),
    ],
)
async def test_a_setting_that_cannot_be_is_answered_by_name_and_value(
    type_in: TypeIn, arguments: tuple[str, ...], sentence: str
) -> None:
    """What has the right type and cannot be used all the same is answered alike."""
    assert Typed(2, "", f"Error: {sentence}\n") == await type_in(*arguments)


async def test_what_is_typed_goes_before_the_variable(type_in: TypeIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable counts where nothing is typed."""
    monkeypatch.setenv("EVENTMANAGER_TARGET", "127.0.0.1:1")

    from_variable = await type_in("apps", "list")
    typed = await type_in("apps", "list", "--target", "127.0.0.1:2")

    assert "No server answers at 127.0.0.1:1." in from_variable.err
    assert "No server answers at 127.0.0.1:2." in typed.err


async def test_nothing_typed_is_answered_by_help(type_in: TypeIn) -> None:
    """`eventmanager` alone tells what there is."""
    typed = await type_in()

    assert "Usage: eventmanager" in typed.out + typed.err


async def test_an_argument_that_is_no_text(type_in: TypeIn) -> None:
    """It is answered with what it is, and what was wanted."""
    typed = await type_in("report", "page-views", "--app", "\udcff\udcfe")

    assert 2 == typed.status
    assert "The argument \\udcff\\udcfe is not UTF-8, as all texts of events and apps are." in typed.err
