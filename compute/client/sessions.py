"""Sessions as the marketplace serves them."""

from compute.client.base import Noun, read
from compute.market.sessions import Ended, Identity, Login, PasswordChange, Session


class Sessions(Noun):
    """How a person logs in and out."""

    def login(self, organisation: str, login: str, password: str, code: str, device: str | None = None) -> Session:
        """Log in, from a `device` that is known; the token is for a `compute.client.session.BearerClient`."""
        asked = Login(organisation=organisation, login=login, password=password, code=code, device=device)
        return self._post("/sessions", Session, asked)

    def current(self) -> Identity:
        """Give who asks, as the marketplace sees it."""
        return self._get("/sessions/current", Identity)

    def logout(self) -> int:
        """End one's session, and give how many there were."""
        return read(self._peer.request("DELETE", "/sessions/current", expected=bytes), Ended).sessions

    def change_password(self, old: str, new: str, code: str) -> int:
        """Change one's own password, and give how many other sessions have ended."""
        return self._post("/sessions/password", Ended, PasswordChange(old=old, new=new, code=code)).sessions
