"""Who takes part."""

from compute.canonical import Message, Name
from compute.records import PartyRecord
from compute.signing import Signed


class Enrolment(Message, frozen=True):
    """A party's record, signed by the party and by the operator."""

    application: Signed[PartyRecord]
    admission: Signed[PartyRecord]


class Directory(Message, frozen=True):
    """The enrolled parties, by name, each signed by the operator."""

    parties: tuple[Signed[PartyRecord], ...]


class PartyStanding(Message, frozen=True):
    """A party and whether it takes part."""

    name: Name
    state: str
