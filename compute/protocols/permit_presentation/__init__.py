"""Permit presentation: a bank shows a provider its permit, the signed contract, and the salt of its consents."""
