"""Key enrolment: a bank proves once that its modulus is well formed (PROTOCOLS.md §1)."""
