"""Members' e-mail addresses: each is confirmed by who reads it, before anything else is sent there.

    member ── address ──▶ marketplace: unconfirmed; a notice waits in the inbox
    worker: draws a code, keeps its keyed digest, sends it there
    member ── code ──▶ marketplace: confirmed; from now on notices go there

The code is in the worker's memory and in that one message, and nowhere else.
"""

from dataclasses import replace

from compute.at_rest import AtRest
from marketplace.errors import ForbiddenError, InvalidError
from marketplace.flow import address as rules
from marketplace.flow.actor import Actor, Principal
from marketplace.flow.address import SentCode
from marketplace.flow.notice import Preference, Topic
from marketplace.gate import Gate, Setting
from marketplace.store import address_codes, webhooks
from marketplace.throttle import Throttle, subject
from marketplace.transaction import Transaction

_CONFIRM = "confirm_address"


class Addresses:
    """The commands about members' addresses, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting) -> None:
        self._gate, self._sealed = gate, AtRest.of(setting.key)

    def enter(self, step: Transaction, wish: Preference) -> Preference:
        """Keep what a member wishes, and give it; of an address that is not confirmed yet a code goes out.

        One that was confirmed is told that it is replaced.

        Raises `TooManyError` for who has codes sent again and again, to one address or to many.
        """
        old = webhooks.preference(step.connection, wish.organisation, wish.member)
        is_same = old is not None and old.email == wish.email
        made = replace(wish, confirmed=old.confirmed if old is not None and is_same else None)
        webhooks.put_preference(step.connection, made)
        if made.confirmed is None:
            address_codes.drop(step.connection, made.organisation, made.member)
            of_member, of_address = subject(made.organisation, made.member), subject(made.email.lower())
            for what, whose, most in (
                ("codes for an organisation", subject(made.organisation), rules.OF_ORGANISATION),
                ("codes for a member", of_member, rules.OF_MEMBER),
                ("codes to an address", of_address, rules.OF_ADDRESS),
            ):
                Throttle(what, whose, most, rules.OF_ALL).count(step.connection, step.now)
            step.notify(made.organisation, Topic.ADDRESS_ENTERED, made.member, member=made.member)
        if old is not None and old.confirmed is not None and not is_same:  # it might be a stranger in her session
            self._tell(step, old)
        return made

    def draw(self, wish: Preference) -> str:
        """Give a fresh code to be sent to the address at once; the one before stands no more."""
        code = rules.new_code()
        with self._gate.housekeeping() as step:
            sent = SentCode(self._digest(wish, code), step.now + rules.CODE_LIFE)
            address_codes.put(step.connection, wish.organisation, wish.member, sent)
        return code

    def confirm(self, actor: Principal, code: str) -> Preference:
        """Confirm the member's own address by the code that was sent there.

        1. The try is counted before anything is compared, whatever becomes of it.
        2. The code is the last one sent to this member's present address, in time, and not used up.
        3. It is used up.

        Raises `InvalidError`, which does not tell what was wrong.
        """
        with self._gate.query(_CONFIRM, actor) as step:  # who may not act guesses nothing
            name, member = step.actor.name, member_of(step.actor)
        with self._gate.housekeeping() as step:
            address_codes.count_try(step.connection, name, member)  # 1
        with self._gate.command(_CONFIRM, actor, enrolled=False) as step:
            wish = webhooks.preference(step.connection, name, member)
            sent = address_codes.load(step.connection, name, member)
            if wish is None or sent is None or not rules.is_right(self._digest(wish, code), sent, step.now):  # 2
                raise InvalidError(
                    "the code is wrong, used up or too old",
                    "enter the address again for another: veilmart market notice email",
                    {"code": "Not the one that was sent last."},
                )
            address_codes.drop(step.connection, name, member)  # 3
            made = replace(wish, confirmed=step.now)
            webhooks.put_preference(step.connection, made)
            return made

    def _tell(self, step: Transaction, old: Preference) -> None:
        topic = Topic.ADDRESS_REPLACED
        step.notify(old.organisation, topic, old.member, member=old.member, addresses=old.email)

    def _digest(self, wish: Preference, code: str) -> bytes:
        place = ("address_codes", wish.organisation, wish.member, wish.email)
        return self._sealed.fingerprint(code.encode("utf-8", "surrogatepass"), *place)


def member_of(actor: Actor) -> str:
    """Give the member who acts; raise `ForbiddenError` for a node or a machine."""
    if actor.member is None:
        raise ForbiddenError("e-mail is for members, and this is a node or a machine", "log in as a member")
    return actor.member
