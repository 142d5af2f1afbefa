"""What the Paillier package refuses; every class is a ``ValueError`` that says what was wrong and where."""


class PaillierError(ValueError):
    """The root of this tree."""


class ModulusError(PaillierError):
    """The number cannot serve as a Paillier modulus, or not with these factors."""


class PlaintextError(PaillierError):
    """The plaintext, randomness or value lies outside its range or cannot be represented exactly."""


class CiphertextError(PaillierError):
    """The number is no ciphertext under this key."""


class LayoutError(PaillierError):
    """The slots do not fit the modulus, or a value does not fit its slot."""


class CodeError(PaillierError):
    """A code points outside its table, or columns of codes differ in length."""


class PoolError(PaillierError):
    """The blinding pool is not what its owner kept."""
