"""`eventmanager apps`: what can be made, shown and changed."""

import json

from eventmanager.server import Server
from tests.cli.conftest import NO_APP, Typed, TypeIn

SHOP = """\
App            shop
Name           The shop
Time zone      Europe/Vienna
Kept           400 days
Shards a day   4
Query strings  kept
Stages         1 /home
               2 /products
"""


async def test_an_app_is_made_with_its_settings(server: Server, type_in: TypeIn) -> None:
    """A new app has the settings that were given, and is shown as it is kept."""
    target = ("--target", server.address)
    settings = (
        *("--time-zone", "Europe/Vienna", "--display-name", "The shop", "--retention-days", "400"),
        *("--shard-count", "4", "--stage", "1=/home", "--stage", "2=/products", "--keep-url-queries"),
    )

    created = await type_in("apps", "create", "shop", *settings, *target)
    shown = await type_in("apps", "show", "shop", *target)

    assert Typed(0, SHOP, "") == created
    assert created == shown


async def test_only_what_is_given_is_changed(server: Server, type_in: TypeIn) -> None:
    """An update leaves alone what it does not name, and can set a thing back."""
    target = ("--target", server.address)
    await type_in("apps", "create", "shop", "--display-name", "A", "--stage", "1=/home", "--keep-url-queries", *target)

    typed = await type_in("apps", "update", "shop", "--display-name", "B", "--drop-url-queries", "--json", *target)

    app = json.loads(typed.out)

    assert ("B", False, [{"stage": 1, "name": "/home"}]) == (app["displayName"], app["keepUrlQueries"], app["stages"])


async def test_an_update_of_nothing_is_refused(type_in: TypeIn) -> None:
    """An update needs something to change."""
    typed = await type_in("apps", "update", "shop")

    assert 2 == typed.status
    assert "Give at least one setting to change." in typed.err


async def test_apps_are_listed_by_id(server: Server, type_in: TypeIn) -> None:
    """The list has a line for each app."""
    target = ("--target", server.address)
    empty = await type_in("apps", "list", *target)
    await type_in("apps", "create", "b", "--display-name", "[red]B[/red]", "--retention-days", "1000", *target)
    await type_in("apps", "create", "a", "--stage", "3", *target)

    typed = await type_in("apps", "list", *target)

    expected = """\
App   Name           Time zone   Kept         Stages
────────────────────────────────────────────────────
a                    UTC         for good     1
b     [red]B[/red]   UTC         1,000 days   0
"""

    assert "There are no apps yet.\n" == empty.out
    assert Typed(0, expected, "") == typed
    assert ["a", "b"] == [app["app"] for app in json.loads((await type_in("apps", "list", "--json", *target)).out)]


async def test_refusals_are_told_in_a_sentence(server: Server, type_in: TypeIn) -> None:
    """What the server refuses is told as it says it, and what was typed wrong by name, value and what is wanted."""
    target = ("--target", server.address)
    await type_in("apps", "create", "shop", *target)

    taken = await type_in("apps", "create", "shop", *target)
    unknown = await type_in("apps", "show", "nowhere", *target)
    no_stage = await type_in("apps", "update", "shop", "--stage", "home", *target)

    assert Typed(1, "", "Error: There is an app 'shop' already. Change it with AdminService.UpdateApp.\n") == taken
    assert Typed(1, "", f"Error: {NO_APP}\n") == unknown
    assert Typed(2, "", "Error: --stage is 'home', but must be ID=NAME such as 1=/home.\n") == no_stage
