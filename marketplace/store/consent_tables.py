"""The tables about subjects: who a commitment is to, by tag, what was asked of them, and what they said.

No code of a subject stands in them; a tag needs the marketplace's key (`marketplace.flow.subject`).
"""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

consent_subjects = Table(
    "consent_subjects",
    metadata,
    Column("contract", Text, ForeignKey("contracts.name"), primary_key=True),
    Column("commitment", LargeBinary, primary_key=True),
    Column("tag", LargeBinary, nullable=False),
    Column("subject_type", Text, nullable=False),
    # The subject's own word: when it last granted a request, and when it last ended the consent, and how.
    Column("granted_at", Big),
    Column("ended_at", Big),
    Column("ending", Text),  # a ConsentStanding: withdrawn or denied
    Index("consent_subjects_by_tag", "tag"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

consent_requests = Table(
    "consent_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contract", Text, ForeignKey("contracts.name"), nullable=False),
    Column("consumer", Text, ForeignKey("parties.name"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("tag", LargeBinary, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("contact", Text, nullable=False),
    Column("at", Big, nullable=False),
    Column("until", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Column("token", LargeBinary, nullable=False, unique=True),  # SHA-256
    Column("state", Text, nullable=False),
    Column("changed_at", Big, nullable=False),
    Index("consent_requests_by_change", "consumer", "changed_at", "id"),
    Index("consent_requests_by_end", "state", "until"),
    Index("consent_requests_by_tag", "tag"),
    sqlite_strict=True,
)

consent_receipts = Table(
    "consent_receipts",
    metadata,
    Column("code", Text, primary_key=True),
    Column("request", Text, ForeignKey("consent_requests.id"), nullable=False, unique=True),
    Column("statement", LargeBinary, nullable=False),  # Signed[ConsentReceipt]
    Column("text", LargeBinary, nullable=False),  # what the subject was shown: flow.consent_text.encoded
    Column("attorney", LargeBinary),  # sealed: what an agent stated, and its document
    sqlite_strict=True,
)

disputes = Table(
    "disputes",
    metadata,
    Column("number", Text, primary_key=True),
    Column("contract", Text, ForeignKey("contracts.name"), nullable=False),
    Column("respondent", Text, ForeignKey("parties.name"), nullable=False),
    Column("matter", Text, nullable=False),
    Column("tag", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("at", Big, nullable=False),
    Column("due", Big, nullable=False),
    Column("state", Text, nullable=False),
    Column("snapshot_date", Text),
    Index("disputes_by_respondent", "respondent", "at", "number"),
    Index("disputes_by_tag", "tag"),
    Index("disputes_by_end", "state", "due"),
    sqlite_strict=True,
)

dispute_words = Table(
    "dispute_words",
    metadata,
    Column("id", Big, primary_key=True),
    Column("number", Text, ForeignKey("disputes.number"), nullable=False, index=True),
    Column("author", Text),  # an organisation; null is the subject
    Column("at", Big, nullable=False),
    Column("text", LargeBinary, nullable=False),  # sealed: people write of people
    sqlite_strict=True,
)

identity_codes = Table(
    "identity_codes",
    metadata,
    Column("visit", LargeBinary, primary_key=True),  # SHA-256 of the browser's visit
    Column("code", LargeBinary, nullable=False),  # keyed digest; of no code where nobody was sent one
    Column("identity", LargeBinary),  # sealed Identity; null where nobody was sent a code
    Column("tries", Big, nullable=False),
    Column("until", Big, nullable=False),
    sqlite_strict=True,
)

identity_attempts = Table(
    "identity_attempts",
    metadata,
    Column("id", Big, primary_key=True),
    Column("whom", LargeBinary, nullable=False),  # keyed digest of a subject or of a network address
    Column("at", Big, nullable=False),
    Index("identity_attempts_by_whom", "whom", "at"),
    sqlite_strict=True,
)

subject_sessions = Table(
    "subject_sessions",
    metadata,
    Column("session", LargeBinary, primary_key=True),  # SHA-256 of the cookie
    Column("tag", LargeBinary, nullable=False),
    Column("capacity", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("until", Big, nullable=False),
    sqlite_strict=True,
)

identity_challenges = Table(
    "identity_challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),  # SHA-256 of what the identity provider gives back
    Column("visit", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed: nonce, verifier, where to go then
    Column("until", Big, nullable=False),
    sqlite_strict=True,
)

subject_messages = Table(
    "subject_messages",
    metadata,
    Column("id", Big, primary_key=True),
    Column("message", LargeBinary, nullable=False),  # sealed: telephone and text; deleted once it is sent
    Column("attempts", Big, nullable=False),
    Column("due", Big, nullable=False, index=True),
    sqlite_strict=True,
)
