"""The parties' sites: a folder for each, with its own configuration, certificate, keys and data, and no other's.

Below the demo's folder lie:

    authority/    the certificate authority of the demo
    operator/     the operator's key, which admits parties, and operator.toml for `veilmart call`
    market/       the marketplace
    <party>/      a node: config.toml, TLS files, its data; for the person who works there a key and a file for
                  `veilmart call`; its own keys and databases are made at its first start
    policy.toml   in every party's folder: the log, its witnesses, the quorum
    anybody/      what a stranger is given to verify the log (`anybody.py`)

The keys are encrypted; the key file that opens them lies beside them, as a demo has no other place for it.
"""

import base64
import csv
import fcntl
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosignature import cosigner_name
from audit.note import KeyKind, VerifierKey
from compute.node.settings import Role
from compute.signing import LOG_KEY, WITNESS_KEY, derived_key
from compute.web import secret
from compute.web.keyfile import load_or_make, public_text
from compute.web.tls import make_ca, make_certificate
from compute.web.tls_key import KeyPair
from compute.web.unlock import KEY_BYTES, Unlock, Unlocking
from marketplace.identity.registry import COLUMNS
from veilmart.demo.data import (
    APPLICANT_COLUMNS,
    APPLICANTS_FILE,
    DISCLOSURE,
    EXAMPLES,
    PROVIDERS,
    REGISTER,
    DemoError,
    existing,
)

MARKET, OPERATOR, BANK, REVIEWER = "market", "operator", "harbour-bank", "model-review-office"
SUPERVISOR = "supervisor"
"""Watches the log, and is no party of a contract."""
ORIGIN = "veilmart.example/log"
QUORUM, OUTSIDE, MAX_AGE = 3, 1, 600
"""Of the demo's policy; the age in seconds."""
STAFF: Mapping[Role, tuple[str, ...]] = {
    "provider": ("clerk",),
    "bank": ("analyst",),
    "reviewer": ("examiner", "second-examiner"),
    "witness": ("inspector",),
}
"""Who works at a node of this role: at a reviewer's two, since nobody approves a model alone."""
MARKER = "this-folder-is-remade-by-veilmart-demo"
"""A file that tells a folder of the demo from any other: only such a one is emptied."""
HOST = "127.0.0.1"
UNLOCK, PAILLIER_UNLOCK = "unlock.key", "paillier-unlock.key"
"""Key files: of the keys in a folder, and of the bank's Paillier key."""
MAX_BODY = 64 * 2**20
"""Bytes: a model's opening and a million subjects fit."""
SUBJECTS, OUTBOX = "subjects.csv", "outbox"
"""In the marketplace's folder: who acts for subjects, and the messages to them."""
LEASE, PATIENCE = 10, 120
"""Seconds."""
RETENTION = 1095
"""Days."""


@dataclass(frozen=True)
class Site:
    """One party's folder, and where its process listens."""

    name: str
    folder: Path
    port: int
    public_port: int
    """The port by which others call it: the same, unless something stands before it."""

    @property
    def url(self) -> str:
        """The address that others call it by."""
        return f"https://{HOST}:{self.public_port}"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "config.toml"

    @property
    def authority(self) -> Path:
        """The certificate of the TLS authority."""
        return self.folder / "authority.pem"

    @property
    def unlock(self) -> Unlocking:
        """What opens its keys."""
        return _unlock(self.folder)

    @property
    def identity(self) -> Ed25519PrivateKey:
        """The party's own key, which its processes sign with."""
        return load_or_make(self.folder / "identity.jwe", self.unlock)

    @property
    def public_key(self) -> bytes:
        """The party's own, raw."""
        return self.identity.public_key().public_bytes_raw()


@dataclass(frozen=True)
class NodeSite(Site):
    """The folder of a party that runs a node."""

    role: Role

    @property
    def staff(self) -> str:
        """Who works here, before others who may."""
        return self.people[0]

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who works here."""
        return STAFF[self.role]

    def key_of(self, person: str) -> Ed25519PrivateKey:
        """The key of a person who works here."""
        return load_or_make(self.folder / self.key_file(person), self.unlock)

    def key_file(self, person: str) -> str:
        """The name of the file that it lies in."""
        return "staff.jwe" if person == self.staff else f"{person}.jwe"


@dataclass(frozen=True)
class Sites:
    """All of the demo."""

    directory: Path
    market: Site
    nodes: Mapping[str, NodeSite]

    @property
    def operator_key(self) -> Ed25519PrivateKey:
        """The operator's key, which no process holds."""
        folder = self.directory / OPERATOR
        return load_or_make(folder / "operator.jwe", _unlock(folder))


def lay_out(
    directory: Path,
    examples: Path,
    bits: int,
    *,
    fronted: bool = False,
    lease: float = LEASE,
    retention_days: int = RETENTION,
) -> Sites:
    """Make the folders anew, in place of an earlier demo's; `bits` is the length of the bank's Paillier modulus.

    With `fronted` every process gets a public port beside the one that it listens on, for a proxy between them.
    Raises :class:`DemoError` for missing files, and for a folder that holds something else.
    """
    _empty(directory)
    roles: dict[str, Role] = {BANK: "bank", REVIEWER: "reviewer", SUPERVISOR: "witness"}
    for provider in PROVIDERS:
        roles[provider] = "provider"
    names = (MARKET, *roles)
    for name in (OPERATOR, "authority", *names):
        (directory / name).mkdir(mode=0o700)
        _make_key_file(directory / name / UNLOCK)
    _make_key_file(directory / BANK / PAILLIER_UNLOCK)
    pairs = _free_ports(len(names))
    ports = {name: (own, public if fronted else own) for name, (own, public) in zip(names, pairs, strict=True)}
    market = Site(MARKET, directory / MARKET, *ports[MARKET])
    nodes = {name: NodeSite(name, directory / name, *ports[name], role) for name, role in roles.items()}
    sites = Sites(directory, market, nodes)
    authority = make_ca(directory / "authority", _unlock(directory / "authority"))
    for each in (sites.market, *sites.nodes.values()):
        _certify(each, authority)
    sites.market.config.write_text(_marketplace(sites), "utf-8")
    (sites.market.folder / SUBJECTS).write_text(_subjects(examples), "utf-8")
    policy = _policy(sites)
    for each in (sites.market, *sites.nodes.values()):
        (each.folder / "policy.toml").write_text(policy, "utf-8")
    operator = _person(OPERATOR, "operator.jwe", sites.market)
    (directory / OPERATOR / "operator.toml").write_text(operator, "utf-8")
    for each in sites.nodes.values():
        for person in each.people:
            (each.folder / f"{person}.toml").write_text(_person(person, each.key_file(person), each), "utf-8")
        each.config.write_text(_node(sites, each, lease, retention_days) + _own(each, examples, bits), "utf-8")
    return sites


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Hold the demo's folder: its files are those of one demo that runs. Raises :class:`DemoError`."""
    with _marked(directory).open("rb") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel gives it back, however the demo ends
        except BlockingIOError as error:
            raise DemoError(
                f"another demo runs in {directory}; stop it, or name another folder by --dir"
            ) from error
        yield


def _marked(directory: Path) -> Path:
    """Give the marker of the demo's folder, which is made; raise :class:`DemoError` if it holds something else."""
    directory.mkdir(parents=True, exist_ok=True)
    marker = directory / MARKER
    if not marker.exists() and any(directory.iterdir()):
        raise DemoError(f"{directory} holds other files; name an empty folder by --dir")
    marker.touch()
    return marker


def _empty(directory: Path) -> None:
    marker = _marked(directory)
    for path in directory.iterdir():
        if path != marker:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _unlock(folder: Path) -> Unlocking:
    return Unlock(key_file=folder / UNLOCK).secret


def _make_key_file(path: Path) -> None:
    secret.put(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")


def _free_ports(pairs: int) -> list[tuple[int, int]]:
    """Give pairs of ports that nobody listens on; held together, so that none comes twice."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(2 * pairs)]
        ports = [listener.getsockname()[1] for listener in listeners]
        return list(zip(ports[:pairs], ports[pairs:], strict=True))


def _certify(site: Site, authority: KeyPair) -> None:
    made = make_certificate(authority, site.name, [HOST], site.unlock)
    made.certificate.replace(site.folder / "tls.pem")
    made.key.replace(site.folder / "tls.key")
    shutil.copyfile(authority.certificate, site.authority)


def _listening(site: Site) -> str:
    return f"""\
name = "{site.name}"
public_url = "{site.url}"
host = "{HOST}"
port = {site.port}
certificate = "tls.pem"
certificate_key = "tls.key"
key = "identity.jwe"
unlock = {{ key_file = "{UNLOCK}" }}
nonces = "nonces.sqlite"
workers = 1
max_body = {MAX_BODY}
"""


def _marketplace(sites: Sites) -> str:
    return f"""\
{_listening(sites.market)}log_origin = "{ORIGIN}"
policy = "policy.toml"
watermark = "watermark.checkpoint"
authority = "{sites.market.authority.name}"
database = "market.sqlite"
operator = "{OPERATOR}"
operator_key = "{public_text(sites.operator_key)}"
identity = {{ registry = "{SUBJECTS}", outbox = "{OUTBOX}" }}
"""


def _subjects(examples: Path) -> str:
    """Give the register of the demo's applicants, with telephone numbers that nobody has."""
    with existing(examples / APPLICANTS_FILE).open(encoding="utf-8", newline="") as file:
        codes = [row["uscc"] for row in csv.DictReader(file)]
    rows = (f"{code},enterprise,法定代表人,{telephone_of(number)},," for number, code in enumerate(codes))
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def telephone_of(number: int) -> str:
    """Give the telephone number of the applicant with this place in the bank's table."""
    return f"+8610000{number:06d}"


def _node(sites: Sites, site: NodeSite, lease: float, retention_days: int) -> str:
    market_key = base64.b64encode(sites.market.public_key).decode()
    staff = "\n".join(f'staff.{person} = "{public_text(site.key_of(person))}"' for person in site.people)
    return f"""\
{_listening(site)}authority = "{site.authority.name}"
policy = "policy.toml"
database = "node.sqlite"
checkpoint = "seen.checkpoint"
lease = {lease}
patience = {PATIENCE}
retention_days = {retention_days}
{staff}
marketplace = {{ name = "{MARKET}", url = "{sites.market.url}", public_key = "{market_key}" }}
operator = {{ name = "{OPERATOR}", public_key = "{public_text(sites.operator_key)}" }}
"""


def _policy(sites: Sites) -> str:
    """What every party relies on: which log, which witnesses, what quorum."""
    log = VerifierKey.of(ORIGIN, derived_key(sites.market.identity, LOG_KEY))
    witnesses = "".join(_witness(site) for site in sites.nodes.values())
    return f"""\
max_age = {MAX_AGE}
quorum = {QUORUM}
outside = {OUTSIDE}
log = {{ party = "{MARKET}", key = "{log.encode()}", url = "{sites.market.url}/log" }}
operator = {{ name = "{OPERATOR}", public_key = "{public_text(sites.operator_key)}" }}
{witnesses}"""


def _witness(site: NodeSite) -> str:
    key = derived_key(site.identity, WITNESS_KEY)
    vkey = VerifierKey.of(cosigner_name(site.name), key, KeyKind.COSIGNATURE).encode()
    return f"""
[[witnesses]]
party = "{site.name}"
key = "{vkey}"
url = "{site.url}/witness"
"""


def _person(name: str, key: str, site: Site) -> str:
    """What a person is told who asks this process by hand: `veilmart call`."""
    public_key = base64.b64encode(site.public_key).decode()
    return f"""\
name = "{name}"
key = "{key}"
unlock = {{ key_file = "{UNLOCK}" }}
authority = "{site.authority.resolve()}"
peer = {{ name = "{site.name}", url = "{site.url}", public_key = "{public_key}" }}
"""


def _own(site: NodeSite, examples: Path, bits: int) -> str:
    """What only a node of this role is told; its data files are copied into its folder."""
    match site.role:
        case "provider":
            for name in PROVIDERS[site.name]:
                shutil.copyfile(existing(examples / name), site.folder / name)
            shutil.copyfile(existing(examples / REGISTER), site.folder / REGISTER)
            shutil.copyfile(existing(EXAMPLES.parent / "config" / DISCLOSURE), site.folder / DISCLOSURE)
            product, source = PROVIDERS[site.name]
            return f"""\
product = "{product}"
source = "{source}"
snapshot_date = "{datetime.now(UTC).date().isoformat()}"
reviewer = "{REVIEWER}"
max_bits = 8.0
bank_bits = 8.0
all_bits = 24.0
max_models = 16
max_small_bins = 3
min_cohort = 10
max_histograms = 64
disclosure = "{DISCLOSURE}"
frames = ["{REGISTER}"]
computing = {{ processes = 1, folder = "computing" }}
"""
        case "bank":
            for name in (APPLICANTS_FILE, REGISTER):
                shutil.copyfile(existing(examples / name), site.folder / name)
            columns = "\n".join(f'columns.{name} = "{type_}"' for name, type_ in APPLICANT_COLUMNS.items())
            return f"""\
paillier_key = "paillier.jwe"
paillier_unlock = {{ key_file = "{PAILLIER_UNLOCK}" }}
key_bits = {bits}
applicants = "{APPLICANTS_FILE}"
frame = "{REGISTER}"
results = "results"
computing = {{ processes = 1, folder = "computing" }}
{columns}
"""
        case "reviewer":
            return """\
points_secret = "points.jwe"
max_bits = 8.0
max_certain = 0.10
max_gain = 0.35
max_guess = 0.75
approval_days = 365
decision_days = 30
examiners_needed = 2
require_dossier = true
"""
        case "witness":
            return ""
