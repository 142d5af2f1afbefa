"""Permit presentation: a bank shows a provider its permit, the signed contract, and the seed of its salts."""
