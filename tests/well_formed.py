"""Ring-Pedersen parameters that are the same in every run, and proofs that are made and checked once in it."""

import functools

import pytest
from gmpy2 import mpz

from compute.protocols.key_enrolment import bank, provider
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement
from compute.protocols.key_enrolment.ring_pedersen_maker import Trapdoor, prove_ring_pedersen

# Two safe primes of 1024 bits, λ and t, that were drawn once. They protect nothing.
P_HAT = int(
    "fe312e72cc46f29923590935590a497e775dd114227b7fd89e16b25c60e49418c2cfd917b6b56c73812800bd546adbe2"
    "1f99ac2112aa381bd4ca5649d1a49a804240a69d3e422d0a8cdaf6a4e68a4f9ef7d2bce5163cb53e4a46df6d55e0c3ac"
    "3b8f28b60fe8c3be876a839146d537853b4b5ec2325d1650ea7fd0e9d63bf34f",
    16,
)
Q_HAT = int(
    "c0fd4497a67e31be8b6b3650b98fd1182c0bd824de5b305d2b93321074dcd12b7536fcb2174f108539d6535a3b75a527"
    "9279a93eb11f6f3d10b2d29951186e0b676c8abcf34f181c4200d8433f3ce8b2223f47500db4dcefb16983434e944507"
    "9dae26486720115fb1780afea3e5f6c12c5ceb73a5fae54104fd81b9bf387b53",
    16,
)
EXPONENT = int(
    "e0171441bd32f50eb3a5de7e71eae04a30dfe90cb79451626e9b21b47a8f9dc62f2da464ffd0406954975e9ba1697fc0"
    "7cf20dad71098f23b8e26b3c1ba2c41564a0e404908f9897cda2ace419520140cc06a771ad71b27aaad738ad1c5fc8a3"
    "ee0abfc4c52895c10fdd2c31bc58859c1507f92f6cc746ebf8499a1ad96236b6562588cc4c1561d69022efa1564bbfae"
    "1ac79476925730525d2082b8961b36975671eae96c8759df0d5e0104af3dc0a7e830afdee07c95f6117d68631a175de9"
    "44790a471ca6b3b2157ac29fb5c1b3da12a4785eeb740ad56ef2891ad4e42756f306b07871858779e3a30f2678dbeec6"
    "b9aff85f0e792182b784d91f57fbc07",
    16,
)
T = int(
    "b94a8c06bb6d86127f561b1567ad583c7b651575bca417234d9893344d623c7348e89b11d901fe5c5e7a568bc8f6b7b7"
    "030e7a7af937d9c84e2cf6b91897e04c7ae83fc28a05ed59b42eb5616007aee62b9b7e082bf51ec26bf894248d669efa"
    "cb6f7c6d247df86572c891da70873ffb48678c2bc4049e8510bbde39859794e727f5a781e7610f197db7402f7c2f1ef4"
    "726a07b20f71c67d6542dc8f8acbd78d721937bcc738ccf082fa9c26ad7524345e5b3794b2e0e160e84c5294c7560538"
    "ddc1f2ed54a21535aefdad054e80865cf6d98ee05b34cbfb2e33a59eaa887f01a8c610d95dc338236ee185d941b217c3"
    "8bf5877d43d5f488355fda3c7ea7ac9e",
    16,
)
TRAPDOOR = Trapdoor(mpz(P_HAT), mpz(Q_HAT), mpz(EXPONENT))


@functools.cache
def ring_pedersen(name: str) -> RingPedersenStatement:
    """What the provider of this name publishes, of 2048 bits."""
    return prove_ring_pedersen(name, TRAPDOOR, mpz(T))


def remember_proofs(patch: pytest.MonkeyPatch) -> None:
    """Make and check a proof of the same claim once: hundreds of small markets enrol the same key.

    All are functions of their arguments, or may be; what raises is not remembered.
    """
    for module, name in (
        (bank, "check_ring_pedersen"),
        (bank, "nth_roots"),
        (bank, "prove_blum_modulus"),
        (bank, "prove_small_factor"),
        (provider, "check_roots"),
        (provider, "check_blum_modulus"),
        (provider, "check_small_factor"),
    ):
        patch.setattr(module, name, functools.cache(getattr(module, name)))
