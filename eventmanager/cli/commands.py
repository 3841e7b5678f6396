"""A command whose help fits a terminal, and which answers a wrong value by name, value and what was wanted."""

from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperOption

_EPILOG: Final = (
    "Every option is an environment variable, too: [bold]{option}[/bold] is [bold]{variable}[/bold]. "
    "What is typed goes first."
)


class Command(TyperCommand):
    """Tells the rule for environment variables once, and which value was wrong, where typer tells what was wanted."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        options = [param for param in self.params if isinstance(param, TyperOption) and param.envvar]
        for option in options:
            # Beside each option the long names would leave too little room for the words.
            option.show_envvar = False
        if options:
            example = options[0]
            self.epilog = _EPILOG.format(option=example.opts[0], variable=example.envvar)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was typed and what the environment holds."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if error.param is not None:
                given, _, _ = self.make_parser(ctx).parse_args(typed)
                value, source = error.param.consume_value(ctx, given)
                wanted = error.message.removeprefix("Value error, ")
                giver = f" by {error.param.envvar}" if source and source.name == "ENVIRONMENT" else ""
                is_told = value is None or repr(value) in wanted
                error.message = wanted if is_told else f"{value!r} was given{giver}. {wanted}"
            raise
