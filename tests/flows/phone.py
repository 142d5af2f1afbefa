"""A subject's telephone: a browser without scripts, which sends forms as pages have them."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
from flows.waiting import until

from veilmart.demo.sites import Sites

Outbox = Callable[[], list[tuple[str, str]]]
"""Gives the messages so far: telephone and text."""
FOUND, SEE_OTHER = 200, 303
PATIENCE = 30.0
"""Seconds that somebody waits for a message."""
_CODE = re.compile(r"验证码\s*([0-9]{6})")


@dataclass
class Form:
    """A form of a page: where it goes, its hidden fields, and the names of all others."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif self.forms and "name" in given:
            self.forms[-1].names.add(given["name"])
            if given.get("type") == "hidden":
                self.forms[-1].hidden[given["name"]] = given["value"]


class Phone:
    """The telephone of one subject, with this number; `client` is its browser at the marketplace."""

    def __init__(self, client: httpx.Client, number: str) -> None:
        self._client, self._number = client, number
        self.page = ""

    def open(self, address: str, status: int = FOUND) -> str:
        """Open an address of the marketplace's; give the page's text."""
        path = urlsplit(address).path
        answer = self._client.get(path, headers={"Accept-Language": "zh-CN"})
        assert answer.status_code == status, answer.text
        self.page = answer.text
        return self.page

    def send(self, action: str, /, status: int = SEE_OTHER, having: str = "", **filled: str) -> str:
        """Send the first form of the page that goes there and has this text in a hidden field; give where on."""
        reader = _Forms()
        reader.feed(self.page)
        forms = [form for form in reader.forms if form.action == action]
        form = next(each for each in forms if not having or having in each.hidden.values())
        assert filled.keys() <= form.names, f"the page asks for {form.names}"
        origin = str(self._client.base_url).rstrip("/")
        answer = self._client.post(action, data=form.hidden | filled, headers={"Origin": origin})
        assert answer.status_code == status, answer.text
        if answer.status_code == SEE_OTHER:
            return answer.headers["Location"]
        self.page = answer.text
        return ""

    def identify(self, subject: str, outbox: Outbox) -> str:
        """Say who one is on the page that asks for it, by the code that comes to this number."""
        before = len(outbox())
        self.send("/identify/code", FOUND, subject=subject, telephone=self._number)

        def codes() -> list[str]:
            texts = [text for to, text in outbox()[before:] if to == self._number]
            return [found[1] for text in texts if (found := _CODE.search(text))]

        until(lambda: bool(codes()), PATIENCE, "the code comes by message")
        (code,) = codes()
        return self.send("/identify/verify", code=code)


@contextmanager
def picked_up(sites: Sites, number: str) -> Iterator[Phone]:
    """Give the telephone with this number; its browser trusts the market's authority of TLS."""
    context = ssl.create_default_context(cafile=sites.market.authority)
    with httpx.Client(base_url=sites.market.url, verify=context, trust_env=False, timeout=30.0) as browser:
        yield Phone(browser, number)
