"""Organisations' steps by matter: what their administrators set."""

from audit.entry import EntryKind as Kind
from marketplace.commands.approvals import Staffing
from marketplace.commands.members import require_confirmed
from marketplace.errors import StaleError
from marketplace.flow import office
from marketplace.flow.actor import Principal
from marketplace.flow.office import Matter, Rule
from marketplace.gate import Gate
from marketplace.store import approval_rules
from marketplace.store.approval_rules import revision


class ApprovalRules:
    """The commands about an organisation's own steps."""

    def __init__(self, gate: Gate, staffing: Staffing) -> None:
        self._gate, self._staffing = gate, staffing

    def load(self, actor: str | Principal, matter: Matter) -> Rule:
        """The steps for a matter; a rule without any where there are none."""
        with self._gate.query("approval_rule", actor) as step:
            return approval_rules.load(step.connection, step.actor.name, matter) or Rule(matter, ())

    def all_of(self, actor: str | Principal) -> list[Rule]:
        """The matters that the organisation has steps for."""
        with self._gate.query("approval_rules", actor) as step:
            return approval_rules.all_of(step.connection, step.actor.name)

    def put(self, actor: str | Principal, rule: Rule, expected: str) -> Rule:
        """Set the steps for a matter, in place of those of revision `expected`; without any it acts at once.

        Approvals under way keep the steps that they began with.
        """
        with self._gate.command("put_approval_rule", actor, enrolled=False) as step:
            organisation = step.actor.name
            require_confirmed(step)
            held = approval_rules.load(step.connection, organisation, rule.matter) or Rule(rule.matter, ())
            if revision(held) != expected:
                raise StaleError(f"the steps for {rule.matter} have changed", "read them again")
            office.check_rule(rule, self._staffing(step.connection, organisation))
            approval_rules.put(step.connection, organisation, rule)
            step.record(
                Kind.APPROVAL_RULE_CHANGED,
                matter=rule.matter.value,
                steps=len(rule.steps),
                node=int(rule.node),
            )
            return rule
