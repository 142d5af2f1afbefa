"""What a command was given, while it waits for its organisation's own steps: sealed, each for its own approval.

It may be a price, a reason, an opinion that is the organisation's own until it acts; and whoever could write into
the database would have the organisation do what its office has not read.
"""

from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.at_rest import AtRest
from marketplace.command import COMMANDS, Command
from marketplace.flow.office import Approval

_PLACE = ("approval_processes", "arguments")


class KeptArguments:
    """Seals and opens arguments under the marketplace's own key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._sealed = AtRest.of(key)

    def seal(self, approval: str, command: Command, arguments: msgspec.Struct) -> bytes:
        """Give a command's arguments as they are kept with the approval of this id."""
        return self._sealed.seal(command.encode(arguments), *_PLACE, approval, command.name)

    def open(self, approval: Approval) -> dict[str, Any]:
        """Give an approval's arguments by their names; raise `AtRestError` for what is not this approval's."""
        command = COMMANDS[approval.command]
        return command.decode(self._sealed.open(approval.arguments, *_PLACE, approval.id, command.name))
