"""What a product is about, and how often it is renewed: two closed vocabularies that readers choose from."""

from enum import StrEnum


class Theme(StrEnum):
    """The subject area of a product 主题."""

    FREE_TRADE_PORT = "free_trade_port"
    POPULATION = "population"
    SOCIAL_CREDIT = "social_credit"
    POLICY_LAW = "policy_law"
    INDUSTRY = "industry"
    TOURISM = "tourism"
    LEGAL_ENTITY = "legal_entity"


class Refresh(StrEnum):
    """How often the rows are renewed 更新频率."""

    REAL_TIME = "real_time"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    NONE = "none"  # a closed collection
