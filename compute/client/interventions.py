"""Interventions 代办: what the operator does for an organisation that cannot by itself."""

from collections.abc import Iterator

from compute.client.base import Noun
from compute.market.interventions import (
    AdministratorProposal,
    InterventionOpinion,
    InterventionReason,
    InterventionRecord,
    ProfileProposal,
)
from compute.market.interventions import Interventions as Page
from compute.market.organisations import OrganisationProfile, OrganisationRecord


class Interventions(Noun):
    """Proposed by one member of the operator, confirmed by another."""

    def complete(
        self, read: OrganisationRecord, profile: OrganisationProfile, evidence: str
    ) -> InterventionRecord:
        """Propose what an organisation is, as it was read; `evidence` is the SHA-256 of a paper, in hex."""
        asked = ProfileProposal(profile=profile, evidence=evidence)
        return self._post(f"/organisations/{read.name}/complete", InterventionRecord, asked, read.revision)

    def readminister(
        self,
        organisation: str,
        login: str,
        name: str,
        reason: InterventionReason,
        evidence: str,
        invitation: str,
    ) -> InterventionRecord:
        """Propose an administrator; `evidence` is the SHA-256 of the organisation's letter, in hex.

        `invitation` is that of the token which the person has drawn, as the letter states it.
        """
        asked = AdministratorProposal(
            login=login, name=name, reason=reason, evidence=evidence, invitation=invitation
        )
        return self._post(f"/organisations/{organisation}/administrator", InterventionRecord, asked)

    def page(self, cursor: str | None = None, limit: int | None = None) -> Page:
        """Give a page of proposals, the newest first."""
        return self._get("/interventions", Page, cursor=cursor, limit=limit)

    def all(self) -> Iterator[InterventionRecord]:
        """Give all proposals that one may see, the newest first."""
        cursor = None
        while True:
            page = self.page(cursor, 100)
            yield from page.items
            if (cursor := page.next) is None:
                return

    def load(self, intervention: str) -> InterventionRecord:
        """Give one proposal."""
        return self._get(f"/interventions/{intervention}", InterventionRecord)

    def confirm(self, read: InterventionRecord) -> InterventionRecord:
        """Carry a proposal out as it was read."""
        path = f"/interventions/{read.intervention}/confirm"
        return self._post(path, InterventionRecord, revision=read.revision)

    def reject(self, intervention: str, opinion: str) -> InterventionRecord:
        """Take a proposal back, or object to it as an administrator of the organisation."""
        asked = InterventionOpinion(opinion=opinion)
        return self._post(f"/interventions/{intervention}/reject", InterventionRecord, asked)
