"""Paillier encryption and the two kernels; public and private keys live in separate modules."""
