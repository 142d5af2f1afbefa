"""What a node is told: one TOML file for its server and for the worker beside it.

`examples/config/` has one for each role, with comments. The files hold public keys and paths, and no secret.
"""

import tomllib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from compute.canonical import Bytes32, Date, Name
from compute.membership import Membership
from compute.records import Origin, PartyKind
from compute.settings import MaxBody, Port, Section, SettingsError, Workers, load
from compute.web.tls_key import KeyPair
from compute.web.unlock import Unlock

Role = Literal["provider", "bank", "reviewer", "witness"]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
Examiners = Annotated[int, Meta(ge=1, le=2, description="1 or 2")]
Bits = Annotated[float, Meta(gt=0, le=64)]
Part = Annotated[float, Meta(ge=0, le=1)]


class Cluster(Section, frozen=True):
    """A Dask cluster of the node's own, over TLS: whoever reaches its scheduler can run code there."""

    scheduler: Annotated[str, Meta(pattern=r"\Atls://[^/]+:[0-9]+\Z")]
    """The scheduler's address."""
    authority: Path
    """The certificate authority of the cluster, PEM."""
    certificate: Path
    """The node's certificate there, PEM."""
    certificate_key: Path
    """Its private key, PEM, mode 0600."""


class Computing(Section, frozen=True):
    """Where the arithmetic on ciphertexts runs."""

    processes: Workers
    """Processes of a worker's own that compute."""
    folder: Path
    """For what can be made again: measured costs, blinding pools, parts of unfinished work; made if missing."""
    cluster: Cluster | None = None
    """A cluster that computes instead of own processes."""


class NodeSettings(Membership, frozen=True, kw_only=True):
    """What every node is told beside its membership."""

    kind: ClassVar[PartyKind]
    """As what a party with such a node is enrolled."""

    unlock: Unlock
    """What opens the party's own keys; a process has no terminal to ask at."""
    public_url: Origin
    """The origin by which others call it; requests are signed over it."""
    host: str
    """Address to listen on."""
    port: Port
    certificate: Path
    """TLS certificate with its chain, PEM."""
    certificate_key: Path
    """Private key of the certificate, PEM, mode 0600."""
    certificate_unlock: Unlock | None = None
    """What opens it if it is encrypted; without, `unlock` does."""
    database: Path
    """SQLite: everything that the node keeps."""
    nonces: Path
    """SQLite: used nonces; apart, so that no request waits for a long command of another."""
    workers: Workers
    max_body: MaxBody
    staff: dict[Name, Bytes32]
    """Who works at this party, by name: Ed25519 public keys, raw; base64 in the file."""
    lease: Seconds
    """How long a job waits for a worker that was killed, in seconds."""
    patience: Seconds
    """How long a job waits for another process that does not answer, in seconds."""
    retention_days: Days
    """How long a subject is kept after its last use, or the contract's end, before it may be erased."""

    @property
    def pair(self) -> KeyPair:
        """The certificate with its key, and what opens that."""
        return KeyPair(self.certificate, self.certificate_key, (self.certificate_unlock or self.unlock).secret)


class DatedTable(Section, frozen=True):
    """A product's table as it was on a day."""

    snapshot_date: Date
    source: Path
    """CSV, with the same columns."""


class ProviderSettings(NodeSettings, frozen=True):
    """A provider's: its product, the table behind it, and how much it lets a model ask."""

    kind: ClassVar[PartyKind] = PartyKind.PROVIDER

    product: Path
    """The product's description, TOML."""
    source: Path
    """The product's table, CSV; its columns are the description's fields in their order."""
    snapshot_date: Date
    """The day of which the table's rows are."""
    reviewer: Name
    """The model reviewer whose approvals count here."""
    max_bits: Bits
    """What one score may tell about a subject, in bits."""
    bank_bits: Bits
    """What all scores of one bank may tell about a subject, in bits."""
    all_bits: Bits
    """What all scores of all banks may tell about a subject, in bits."""
    max_models: Count
    """Models of one bank."""
    max_small_bins: Count
    """How many of a bank's registrations may be refused for a bin of few enterprises."""
    min_cohort: Count
    """k: the least number of enterprises in a bin."""
    max_histograms: Count
    """Different bins of one bank that are counted for the reviewer."""
    disclosure: Path
    """The policy of statistics, TOML: `compute.disclosure.policy`."""
    computing: Computing
    """Where it computes."""
    frames: tuple[Path, ...] = ()
    """Public registers of companies over which hidden cohorts are taken: `compute.frame`."""
    history: tuple[DatedTable, ...] = ()
    """Earlier snapshots of the table, the oldest first."""


class BankSettings(NodeSettings, frozen=True):
    """A bank's: its Paillier key, its applicants, and where its scores go."""

    kind: ClassVar[PartyKind] = PartyKind.BUYER

    paillier_key: Path
    """The private key, encrypted, mode 0600; made at the first start."""
    paillier_unlock: Unlock
    """What opens it; another place than `unlock` names, so that only the worker needs to be able to."""
    key_bits: Annotated[int, Meta(ge=2048, le=4096, multiple_of=2)]
    """Length of the modulus that is made."""
    applicants: Path
    """The bank's own table, CSV."""
    columns: dict[Name, Literal["key", "text", "integer"]]
    """The table's columns in their order, with their types; the key is the USCC."""
    results: Path
    """Folder of the scores and statistics; made if it is missing."""
    computing: Computing
    """Where it decrypts."""
    frame: Path | None = None
    """The public register of companies in which hidden cohorts stay hidden: `compute.frame`."""


class ReviewerSettings(NodeSettings, frozen=True):
    """A model reviewer's: the secret under which it names models, and its policy."""

    kind: ClassVar[PartyKind] = PartyKind.MODEL_REVIEWER

    points_secret: Path
    """32 bytes, encrypted, mode 0600; made at the first start."""
    max_bits: Bits
    """What one score may tell about a subject, in bits."""
    max_certain: Part
    """The share of companies whose total may settle a field's bin, or a provider's partial total."""
    max_gain: Part
    """How much more often a field's bin may be guessed with the total than without, as a share of companies."""
    max_guess: Part
    """How often a provider's partial total may be guessed with the total, as a share of companies."""
    approval_days: Count
    """How long an approval stands."""
    decision_days: Count
    """How long a model waits for its examiners before it lapses."""
    examiners_needed: Examiners
    """How many of the staff must approve a model."""
    require_dossier: bool
    """Whether a model without a dossier is refused."""


class WitnessSettings(NodeSettings, frozen=True):
    """Of a party that only watches the log: what every node is told, and nothing beside."""

    kind: ClassVar[PartyKind] = PartyKind.SUPERVISOR


FIRST_ZONE = timedelta(hours=14)
"""Ahead of UTC, where a day begins first."""

SETTINGS: dict[Role, type[NodeSettings]] = {
    "provider": ProviderSettings,
    "bank": BankSettings,
    "reviewer": ReviewerSettings,
    "witness": WitnessSettings,
}


def load_settings(path: Path, role: Role) -> NodeSettings:
    """Give the settings of a node in this role; raise `SettingsError` for a file that cannot be used."""
    try:
        settings = load(path, SETTINGS[role], f"examples/config/{role}.toml")
    except SettingsError as error:
        if (other := _role_of(path)) not in {role, None}:
            raise SettingsError(f"{path}: this is a {other}'s configuration; use --role {other}") from error
        raise
    named = {settings.name, settings.marketplace.name, settings.operator.name}
    if taken := sorted(named & settings.staff.keys()):
        raise SettingsError(f"{path}: staff: {', '.join(taken)} is a party's name; give the person another")
    keys = Counter(settings.staff.values())
    if alike := sorted(name for name, key in settings.staff.items() if keys[key] > 1):
        raise SettingsError(f"{path}: staff: {', '.join(alike)} have one key; give each person a key of their own")
    if isinstance(settings, ProviderSettings):
        _require_past(path, settings.snapshot_date)
        days = [*(each.snapshot_date for each in settings.history), settings.snapshot_date]
        if any(low >= high for low, high in pairwise(days)):
            raise SettingsError(f"{path}: history: snapshots must be of earlier and earlier days; sort them")
    return settings


def _require_past(path: Path, day: str) -> None:
    """Raise `SettingsError` unless the snapshot's day has come, wherever on earth."""
    try:
        has_come = date.fromisoformat(day) <= (datetime.now(UTC) + FIRST_ZONE).date()
    except ValueError as error:
        raise SettingsError(f"{path}: snapshot_date: {day} is no day of the calendar; correct it") from error
    if not has_come:
        raise SettingsError(f"{path}: snapshot_date: {day} lies in the future; name the day of the table's rows")


def _role_of(path: Path) -> Role | None:
    """Give the role whose own keys a configuration has, all of them, or that has none; None where it is none's."""
    try:
        keys = tomllib.loads(path.read_text("utf-8")).keys()
    except (OSError, ValueError, RecursionError):
        return None
    common = set(NodeSettings.__struct_fields__)
    own = {role: set(kind.__struct_fields__) - common for role, kind in SETTINGS.items()}
    fits = (role for role, names in own.items() if (names <= keys if names else keys <= common))
    return next(fits, None)
