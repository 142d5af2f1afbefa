"""Organisations and the entry agreement as the marketplace serves them."""

from collections.abc import Iterator

from compute.client.base import Noun
from compute.market.members import Invitation
from compute.market.organisations import (
    Acceptance,
    AcceptanceRecord,
    Acceptances,
    Agreement,
    AgreementDraft,
    ApplicationReceipt,
    ContactChange,
    Desk,
    FirstAdministrator,
    HandedOver,
    OrganisationApplication,
    OrganisationProfile,
    OrganisationRecord,
    Reinstatement,
    Review,
    ReviewReason,
    Suspension,
    SuspensionReason,
)
from compute.market.organisations import Organisations as Page


class Organisations(Noun):
    """Organisations: who takes part, and how one comes to."""

    def apply(self, name: str, profile: OrganisationProfile) -> ApplicationReceipt:
        """Apply to take part under a name; the receipt has the token by which the application is followed."""
        return self._post(
            "/organisations", ApplicationReceipt, OrganisationApplication(name=name, profile=profile)
        )

    def enter(self, name: str, profile: OrganisationProfile) -> ApplicationReceipt:
        """Enter an application that came on paper, as the operator; gives the first half of its token."""
        asked = OrganisationApplication(name=name, profile=profile)
        return self._post("/organisations/entries", ApplicationReceipt, asked)

    def hand_over(self, name: str) -> HandedOver:
        """Give the second half, as somebody else of the operator, once."""
        return self._post(f"/organisations/{name}/hand-over", HandedOver)

    def page(self, cursor: str | None = None, limit: int | None = None, state: str | None = None) -> Page:
        """Give a page of organisations, by name."""
        return self._get("/organisations", Page, cursor=cursor, limit=limit, state=state)

    def all_of(self, state: str | None = None) -> Iterator[OrganisationRecord]:
        """Give all organisations, or those in a state, by name."""
        cursor = None
        while True:
            page = self.page(cursor, 100, state)
            yield from page.items
            if (cursor := page.next) is None:
                return

    def load(self, name: str) -> OrganisationRecord:
        """Give one organisation."""
        return self._get(f"/organisations/{name}", OrganisationRecord)

    def change(self, read: OrganisationRecord, desk: Desk, address: str) -> OrganisationRecord:
        """Change where one's own organisation is reached, as it was read."""
        asked = ContactChange(desk=desk, address=address)
        return self._put(f"/organisations/{read.name}", OrganisationRecord, asked, read.revision)

    def return_for_correction(self, name: str, reason: ReviewReason, opinion: str) -> OrganisationRecord:
        """Return an application, as the operator."""
        return self._post(
            f"/organisations/{name}/return", OrganisationRecord, Review(reason=reason, opinion=opinion)
        )

    def reject(self, name: str, reason: ReviewReason, opinion: str) -> OrganisationRecord:
        """Reject an application for good, as the operator."""
        return self._post(
            f"/organisations/{name}/reject", OrganisationRecord, Review(reason=reason, opinion=opinion)
        )

    def admit(self, read: OrganisationRecord) -> OrganisationRecord:
        """Admit an organisation as it was read, as the operator."""
        return self._post(f"/organisations/{read.name}/admit", OrganisationRecord, revision=read.revision)

    def suspend(self, name: str, reason: SuspensionReason, opinion: str | None = None) -> OrganisationRecord:
        """Stop an organisation with its party, as the operator."""
        asked = Suspension(reason=reason, opinion=opinion)
        return self._post(f"/organisations/{name}/suspend", OrganisationRecord, asked)

    def reinstate(self, name: str, opinion: str | None = None) -> OrganisationRecord:
        """End an organisation's suspension, as the operator."""
        return self._post(f"/organisations/{name}/reinstate", OrganisationRecord, Reinstatement(opinion=opinion))

    # --- by the token of an application -----------------------------------------------------------------------

    def follow(self, name: str) -> OrganisationRecord:
        """Give what has become of the application."""
        return self._get(f"/organisations/{name}/application", OrganisationRecord)

    def correct(self, read: OrganisationRecord, profile: OrganisationProfile) -> OrganisationRecord:
        """Correct the application as it was read; it is applied for again."""
        return self._put(f"/organisations/{read.name}/application", OrganisationRecord, profile, read.revision)

    def accept(self, name: str, agreement: Agreement, signatory: str) -> OrganisationRecord:
        """Accept the entry agreement that was read."""
        asked = Acceptance(version=agreement.version, digest=agreement.digest, signatory=signatory)
        return self._post(f"/organisations/{name}/application/accept", OrganisationRecord, asked)

    def claim(self, name: str, login: str, person: str) -> Invitation:
        """Name the first administrator of the admitted organisation, once."""
        asked = FirstAdministrator(login=login, name=person)
        return self._post(f"/organisations/{name}/application/claim", Invitation, asked)


class Agreements(Noun):
    """The entry agreement: its versions, and who has accepted them."""

    def publish(self, text_zh: str, text_en: str, grace_days: int) -> Agreement:
        """Publish the next version, as the operator."""
        draft = AgreementDraft(text_zh=text_zh, text_en=text_en, grace_days=grace_days)
        return self._post("/agreements", Agreement, draft)

    def newest(self) -> Agreement:
        """Give the newest version."""
        return self._get("/agreements/newest", Agreement)

    def load(self, version: int) -> Agreement:
        """Give one version."""
        return self._get(f"/agreements/{version}", Agreement)

    def accept(self, agreement: Agreement, signatory: str) -> AcceptanceRecord:
        """Accept the version that was read, for one's own organisation."""
        asked = Acceptance(version=agreement.version, digest=agreement.digest, signatory=signatory)
        return self._post("/agreements/accept", AcceptanceRecord, asked)

    def acceptances(self, version: int, cursor: str | None = None, limit: int | None = None) -> Acceptances:
        """Give a page of who has accepted a version, as the operator."""
        return self._get(f"/agreements/{version}/acceptances", Acceptances, cursor=cursor, limit=limit)
