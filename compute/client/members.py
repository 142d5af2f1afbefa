"""People and machines of one's own organisation as the marketplace serves them."""

from collections.abc import Sequence

from compute.client.base import Noun
from compute.market.members import (
    Enrolled,
    Invitation,
    InvitationAnswer,
    IssuedKey,
    KeyDraft,
    KeyRecord,
    Keys,
    MemberChange,
    MemberDraft,
    MemberRecord,
    MemberRole,
    Removed,
)
from compute.market.members import Members as Page


class Members(Noun):
    """The people of one's own organisation."""

    def page(self, cursor: str | None = None, limit: int | None = None) -> Page:
        """Give a page of the people, by login."""
        return self._get("/members", Page, cursor=cursor, limit=limit)

    def load(self, member: str) -> MemberRecord:
        """Give one person."""
        return self._get(f"/members/{member}", MemberRecord)

    def invite(self, login: str, name: str, roles: Sequence[MemberRole], email: str | None = None) -> Invitation:
        """Invite a person, as an administrator."""
        draft = MemberDraft(login=login, name=name, roles=tuple(roles), email=email)
        return self._post("/members", Invitation, draft)

    def take(self, token: str, password: str) -> Enrolled:
        """Take the account that an invitation is for."""
        return self._post("/members/take", Enrolled, InvitationAnswer(token=token, password=password))

    def change(
        self, read: MemberRecord, name: str, roles: Sequence[MemberRole], email: str | None
    ) -> MemberRecord:
        """Change what a person is, as it was read, as an administrator."""
        asked = MemberChange(name=name, roles=tuple(roles), email=email)
        return self._put(f"/members/{read.member}", MemberRecord, asked, read.revision)

    def reinvite(self, member: str) -> Invitation:
        """Invite a person anew, as an administrator."""
        return self._post(f"/members/{member}/reinvite", Invitation)

    def confirm(self, member: str, organisation: str | None = None) -> MemberRecord:
        """Confirm whose account it is, as another administrator; of an organisation, as the operator."""
        of = "" if organisation is None else f"/organisations/{organisation}"
        return self._post(f"{of}/members/{member}/confirm", MemberRecord)

    def remove(self, member: str) -> Removed:
        """Remove a person, as an administrator."""
        return self._post(f"/members/{member}/remove", Removed)


class ApiKeys(Noun):
    """The keys of one's own organisation's programs."""

    def issue(self, label: str, permissions: Sequence[str], days: int) -> IssuedKey:
        """Issue a key with part of one's own permissions."""
        draft = KeyDraft(label=label, permissions=tuple(permissions), days=days)
        return self._post("/api-keys", IssuedKey, draft)

    def page(self, cursor: str | None = None, limit: int | None = None) -> Keys:
        """Give a page of the keys, by id."""
        return self._get("/api-keys", Keys, cursor=cursor, limit=limit)

    def revoke(self, key: str) -> KeyRecord:
        """End a key, as an administrator."""
        return self._post(f"/api-keys/{key}/revoke", KeyRecord)
