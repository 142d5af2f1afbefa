"""Computation on encrypted data: kernels, protocols, nodes."""
