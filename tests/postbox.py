"""A post office of tests: it keeps what it is handed, and a member finds the code of its address in it."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from market import KEYS

from marketplace.calling import Caller
from marketplace.exchange import Exchange
from marketplace.flow.actor import Principal
from marketplace.flow.notice import Preference, Topic
from marketplace.mail import DeliveryError

_CODE = re.compile(r"\A([0-9]{8})\n")


@dataclass
class Postbox:
    """Keeps to whom what was sent, or refuses all."""

    letters: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False

    def send(self, to: str, subject: str, text: str, message_id: str, at: int) -> None:  # noqa: ARG002 -- of `Post`
        if self.is_down:
            raise DeliveryError("the mail server did not take it: OSError")
        self.letters.append((to, text))

    def code(self, to: str) -> str:
        """The last code that was sent to an address."""
        return [found[1] for whom, text in self.letters if whom == to and (found := _CODE.match(text))][-1]

    def deliver(self, exchange: Exchange) -> int:
        """One round of the worker; gives how many deliveries were attempted."""
        caller = Caller("market", KEYS["market"], allow_private=False)
        try:
            with ThreadPoolExecutor(2) as pool:
                return exchange.deliverer(caller, self).step(pool)
        finally:
            caller.close()


def confirmed(
    exchange: Exchange, who: Principal, email: str, language: str = "zh", topics: frozenset[Topic] = frozenset()
) -> Preference:
    """Have a member told of these topics at an address that it has confirmed."""
    postbox = Postbox()
    exchange.notices.prefer(who, email, language, topics)
    postbox.deliver(exchange)
    return exchange.addresses.confirm(who, postbox.code(email))
