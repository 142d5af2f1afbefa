"""`veilmart market`: what organisations and the operator do at the marketplace."""
