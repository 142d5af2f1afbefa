"""A provider's part of a scorecard as it registers it: points encrypted under the bank's key (PROTOCOLS.md §4)."""

from compute.paillier.ciphertexts import to_bytes
from compute.paillier.private import PrivateKey
from compute.protocols.risk_score.messages import ProviderTerms, RegisteredTables, TableOpening
from compute.protocols.risk_score.scorecard import Scorecard


def encrypted(
    bank: str, key: PrivateKey, scorecard: Scorecard, terms: ProviderTerms
) -> tuple[RegisteredTables, TableOpening]:
    """Encrypt the points of the features that the product in ``terms`` has; give them, and what opens them.

    Each is shifted by the card's bound, so that none is negative, under fresh randomness.
    """
    features, public = scorecard.sources[terms.product], key.public
    points = [entry for feature in features for entry in feature.points]
    randomness = [public.random_unit() for _ in points]
    ciphertexts = [
        key.encrypt(entry + scorecard.points_bound, r) for entry, r in zip(points, randomness, strict=True)
    ]
    return (
        RegisteredTables(
            bank=bank,
            key=public.fingerprint,
            model=scorecard.name,
            model_version=scorecard.version,
            provider=terms.provider,
            product=terms.product,
            product_version=terms.product_version,
            bins=tuple(feature.bins for feature in features),
            ciphertexts=to_bytes(public, ciphertexts),
        ),
        TableOpening(
            points=tuple(points),
            randomness=b"".join(r.to_bytes(public.modulus_bytes, "big") for r in randomness),
        ),
    )
