"""The peers, each doing the best that a user of that library can do through its public interface.

- phe (python-paillier, GPL-3.0), with gmpy2: ciphertexts one by one.
- HEU of SecretFlow (sf-heu, Apache-2.0): arrays, sums over indices and histograms in C++; two of its schemes,
  ZPaillier (Paillier, with short exponents) and OU (Okamoto–Uchiyama: another assumption).
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import phe
from numpy.typing import NDArray

Codes = NDArray[np.int8]


class Peer(Protocol):
    """A library with its own key of so many bits."""

    name: str

    def encrypt(self, values: Sequence[int]) -> Any:
        """Encrypt values."""
        ...

    def decrypt(self, ciphertexts: Any) -> list[int]:
        """Decrypt them."""
        ...

    def add(self, left: Any, right: Any) -> Any:
        """Add two arrays of ciphertexts."""
        ...

    def multiply(self, ciphertexts: Any, factors: Sequence[int]) -> Any:
        """Multiply ciphertexts by numbers."""
        ...

    def score(self, points: Any, codes: Codes) -> list[int]:
        """Look the encrypted points up, add, re-randomise, decrypt; ``points`` are of feature after feature."""
        ...

    def histogram(self, values: Sequence[int], codes: Codes, bins: int) -> Any:
        """Encrypt values and sum them by feature and bin."""
        ...

    def raised(self, cells: Any, numbers: Sequence[int]) -> Any:
        """Add a number to each of a histogram's cells, re-randomised by that."""
        ...


class Phe:
    """python-paillier."""

    name = "phe"

    def __init__(self, bits: int) -> None:
        self._public, self._private = phe.generate_paillier_keypair(n_length=bits)

    def encrypt(self, values: Sequence[int]) -> list[phe.EncryptedNumber]:
        """Encrypt values."""
        return [self._public.encrypt(value) for value in values]

    def decrypt(self, ciphertexts: list[phe.EncryptedNumber]) -> list[int]:
        """Decrypt them."""
        return [self._private.decrypt(c) for c in ciphertexts]

    def add(self, left: list[phe.EncryptedNumber], right: list[phe.EncryptedNumber]) -> list[phe.EncryptedNumber]:
        """Add two arrays of ciphertexts."""
        return [a + b for a, b in zip(left, right, strict=True)]

    def multiply(
        self, ciphertexts: list[phe.EncryptedNumber], factors: Sequence[int]
    ) -> list[phe.EncryptedNumber]:
        """Multiply ciphertexts by numbers."""
        return [c * factor for c, factor in zip(ciphertexts, factors, strict=True)]

    def score(self, points: list[phe.EncryptedNumber], codes: Codes) -> list[int]:
        """Look up, add, re-randomise, decrypt."""
        bins = len(points) // codes.shape[1]
        totals = []
        for row in codes.tolist():
            total = points[row[0]]
            for feature, code in enumerate(row[1:], start=1):
                total += points[feature * bins + code]
            total.obfuscate()
            totals.append(self._private.decrypt(total))
        return totals

    def histogram(self, values: Sequence[int], codes: Codes, bins: int) -> list[phe.EncryptedNumber]:
        """Encrypt, and sum by feature and bin."""
        cells: list[phe.EncryptedNumber | None] = [None] * (codes.shape[1] * bins)
        for value, row in zip(self.encrypt(values), codes.tolist(), strict=True):
            for feature, code in enumerate(row):
                cell = cells[feature * bins + code]
                cells[feature * bins + code] = value if cell is None else cell + value
        return [self._public.encrypt(0) if cell is None else cell for cell in cells]

    def raised(self, cells: list[phe.EncryptedNumber], numbers: Sequence[int]) -> list[phe.EncryptedNumber]:
        """Add encrypted numbers."""
        return self.add(cells, self.encrypt(numbers))


class Heu:
    """HEU, in one of its schemes."""

    def __init__(self, scheme: str, bits: int) -> None:
        from heu import numpy as heu_numpy  # noqa: PLC0415 -- optional
        from heu import phe as heu_phe  # noqa: PLC0415

        self.name = f"HEU {scheme}"
        self._encoding, self._decoder = heu_phe.BigintEncoderParams(), heu_phe.BigintDecoder()
        self._kit = heu_numpy.setup(getattr(heu_phe.SchemaType, scheme), bits)
        self._encryptor, self._decryptor = self._kit.encryptor(), self._kit.decryptor()
        self._evaluator = self._kit.evaluator()

    def encrypt(self, values: Sequence[int]) -> Any:
        """Encrypt values."""
        return self._encryptor.encrypt(self._plain(values))

    def decrypt(self, ciphertexts: Any) -> list[int]:
        """Decrypt them."""
        numbers = self._decryptor.decrypt(ciphertexts).to_numpy(self._decoder)
        return [int(number) for number in numbers.ravel()]

    def add(self, left: Any, right: Any) -> Any:
        """Add two arrays of ciphertexts."""
        return self._evaluator.add(left, right)

    def multiply(self, ciphertexts: Any, factors: Sequence[int]) -> Any:
        """Multiply ciphertexts by numbers."""
        return self._evaluator.mul(ciphertexts, self._plain(factors))

    def score(self, points: Any, codes: Codes) -> list[int]:
        """Look up, add, re-randomise by adding zeros, decrypt."""
        rows, features = codes.shape
        offsets = np.arange(features) * (points.shape[0] // features)
        sums = self._evaluator.batch_select_sum(points, (codes + offsets).tolist())
        return self.decrypt(self._evaluator.add(sums, self.encrypt([0] * rows)))

    def histogram(self, values: Sequence[int], codes: Codes, bins: int) -> Any:
        """Encrypt, and sum by feature and bin."""
        everyone = np.ones((1, codes.shape[0]), dtype=np.int8)
        column = self._encryptor.encrypt(self._plain(np.reshape(values, (-1, 1))))
        return self._evaluator.feature_wise_bucket_sum(column, everyone, codes, bins, False)  # noqa: FBT003 -- it takes no names

    def raised(self, cells: Any, numbers: Sequence[int]) -> Any:
        """Add encrypted numbers, in the shape of a histogram."""
        column = np.reshape(np.asarray(numbers), (-1, 1))
        return self._evaluator.add(cells, self._encryptor.encrypt(self._plain(column)))

    def _plain(self, values: Sequence[int] | NDArray[np.int64]) -> Any:
        return self._kit.array(np.asarray(values), self._encoding)


def peers(bits: int) -> list[Peer]:
    """Give the peers that are installed, with fresh keys."""
    found: list[Peer] = [Phe(bits)]
    try:
        found += [Heu("ZPaillier", bits), Heu("OU", bits)]
    except ImportError:
        print("sf-heu is not installed here: no figures of HEU")
    return found
