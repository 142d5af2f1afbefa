"""All tables of the marketplace: importing this makes `metadata` whole."""

from marketplace.store import (
    consent_tables,
    deadline_tables,
    demand_tables,
    flow_tables,
    intervention_tables,
    member_tables,
    money_tables,
    notice_tables,
    office_tables,
    once_tables,
    organisation_tables,
    product_search_tables,
    product_tables,
    refusal_tables,
    resource_tables,
    tables,
    usage_tables,
)

metadata = tables.metadata
MODULES = (
    tables,
    consent_tables,
    deadline_tables,
    demand_tables,
    flow_tables,
    intervention_tables,
    member_tables,
    money_tables,
    notice_tables,
    office_tables,
    once_tables,
    organisation_tables,
    product_search_tables,
    product_tables,
    refusal_tables,
    resource_tables,
    usage_tables,
)
"""Where they are described."""
