"""The told log verified from outside: what is found in what a folder serves."""

from pathlib import Path

import log_story as story
import pytest
from log_story import NOW

from audit.checkpoint import Checkpoint
from audit.errors import Damage, TamperingError
from audit.policy import Policy
from audit.verify import Scope, Verified, verify
from audit.verifying.served import read_checkpoint
from audit.verifying.source import Folder

SIZE = 600
"""Two full tiles and a partial one, and one of two hashes above them."""


LEAVES = story.leaves(SIZE)


def verified(
    folder: Path,
    last: Checkpoint | None = None,
    policy: Policy | None = None,
    now: int = NOW,
    scope: Scope | None = None,
) -> Verified:
    source = Folder(folder)
    return verify(
        source, read_checkpoint(source), policy or story.policy(), now, last, scope or Scope(processes=1)
    )


def damage(
    folder: Path, last: Checkpoint | None = None, policy: Policy | None = None
) -> tuple[Damage, int | None]:
    with pytest.raises(TamperingError) as raised:
        verified(folder, last, policy)
    return raised.value.damage, raised.value.index
