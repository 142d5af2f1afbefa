"""The engine on a Dask cluster of two worker processes over TLS, as a node reaches it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import engine
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from gmpy2 import mpz

from compute.node.computing import open_runner
from compute.node.settings import Cluster, Computing
from compute.paillier.blinding import blind, pool_pays
from compute.paillier.histogram import group_sum
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import Pool
from compute.paillier.private import PrivateKey
from compute.paillier.public import nth_residues
from compute.paillier.runner import Runner
from compute.web import tls
from compute.web.tls_key import KeyPair

pytestmark = [
    pytest.mark.long,
]


def certificate_of_both_ends(folder: Path) -> tuple[Path, KeyPair]:
    """Give an authority and a certificate for both ends: Dask's nodes listen and call with the same one."""
    authority = tls.make_ca(folder)
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    issuer_key = load_pem_private_key(authority.key.read_bytes(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(issuer_key, hashes.SHA256())
    )
    pair = KeyPair(folder / "cluster.pem", folder / "cluster.key")
    return authority.certificate, tls._store(pair, certificate, key)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computing]:
    from distributed import LocalCluster, Security  # noqa: PLC0415 -- half a second that other runs need not wait

    folder = tmp_path_factory.mktemp("cluster")
    authority, pair = certificate_of_both_ends(folder)
    certificate, certificate_key = str(pair.certificate), str(pair.key)
    security = Security(
        tls_ca_file=str(authority),
        require_encryption=True,
        **{f"tls_{role}_cert": certificate for role in ("client", "scheduler", "worker")},
        **{f"tls_{role}_key": certificate_key for role in ("client", "scheduler", "worker")},
    )
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        protocol="tls://",
        security=security,
        dashboard_address=None,
        worker_dashboard_address=None,
        local_directory=str(folder),
        silence_logs="ERROR",
    ) as local:
        address = local.scheduler_address
        assert address.startswith("tls://")
        yield Computing(
            processes=1,
            folder=folder / "computing",
            cluster=Cluster(address, authority, pair.certificate, pair.key),
        )


@pytest.fixture(scope="module")
def runner(cluster: Computing) -> Iterator[Runner]:
    with open_runner(cluster) as opened:
        assert opened.workers == 2
        yield replace(opened, costs=engine.large)


def test_lookups_are_the_formulas(key: PrivateKey, runner: Runner) -> None:
    sizes, layout = (3, 5, 2), SlotLayout(9, 3, 0)
    tables, codes = engine.tables_of(key.public, sizes), engine.columns(sizes, 20)
    expected = engine.plain_lookup(key.public, tables, codes, layout)
    assert lookup_sum(key.public, tables, codes, layout, runner) == expected


def test_sums_by_groups_are_the_formulas(key: PrivateKey, runner: Runner) -> None:
    sizes, values = (3, 5, 2), engine.units(key.public, 30)
    codes = engine.columns(sizes, 30)
    assert group_sum(key.public, values, codes, sizes, runner) == engine.plain_groups(
        key.public, values, codes, sizes
    )


def test_what_is_encrypted_there_decrypts_there(key: PrivateKey, runner: Runner) -> None:
    n = int(key.public.n)
    plaintexts = [0, 1, n - 1, n // 2, *range(2, 20)]
    for ciphertexts in (key.encrypt_many(plaintexts, runner), key.public.encrypt_many(plaintexts, runner)):
        assert key.decrypt_many(ciphertexts, runner) == plaintexts
        assert len(set(ciphertexts)) == len(plaintexts)


def test_calls_that_are_alike_draw_different_randomness(key: PrivateKey, runner: Runner) -> None:
    """Dask gives equal calls one result unless it is told otherwise: the blinding would cancel."""
    zeros = key.encrypt_many([0] * 40, runner)
    assert len(set(zeros)) == 40
    assert len({*nth_residues(key.public, 4, runner), *nth_residues(key.public, 4, runner)}) == 8


def test_blinding_there(key: PrivateKey, runner: Runner, pool: Pool) -> None:
    sums = [mpz(1)] * 10
    assert pool_pays(key.public, len(sums), runner, ready=True)
    blinded = [*blind(key.public, sums, runner, pool), *blind(key.public, sums, runner, pool)]
    blinded += blind(key.public, sums, runner)
    assert len({*blinded, *sums}) == 31
    assert key.decrypt_many(blinded) == [0] * 30


def test_what_a_task_raises_comes_back(runner: Runner) -> None:
    with pytest.raises(ValueError, match="three"):
        runner.each(engine.refuse_others, range(6), 1.0)


def test_nobody_gets_in_without_a_certificate(cluster: Computing, tmp_path: Path) -> None:
    assert cluster.cluster is not None
    authority, pair = certificate_of_both_ends(tmp_path)
    stranger = msgspec.structs.replace(cluster.cluster, certificate=pair.certificate, certificate_key=pair.key)
    import dask.config  # noqa: PLC0415

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match=r"Timed out|tls|TLS"),
        open_runner(msgspec.structs.replace(cluster, cluster=stranger)),
    ):
        pass
    assert authority.exists()
