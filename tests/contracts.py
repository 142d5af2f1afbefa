"""An example contract, and a use that keeps within it."""

from compute.terms import Grant, Terms

TERMS = Terms(
    contract="contract-1",
    policy_version=1,
    consumer="bank",
    grants=(
        Grant(provider="tax", product="register", product_version="1.0.0", fields=("region", "naics")),
        Grant(provider="labour", product="insurance", product_version="2.1.0", fields=("employees",)),
    ),
    operation="risk_score",
    purpose="credit_approval",
    legal_basis="consent",
    model_reviewer="reviewer",
    max_uses=100,
    not_before=1000,
    not_after=2000,
)
ALLOWED = {
    "consumer": "bank",
    "provider": "tax",
    "product": "register",
    "product_version": "1.0.0",
    "fields": frozenset({"region"}),
    "operation": "risk_score",
    "purpose": "credit_approval",
    "uses": 60,
    "used": 40,
    "time": 1000,
}
