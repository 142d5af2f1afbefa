"""What a provider can show a subject: every use of its data, and for each whether it was about this subject."""

from apiflask import APIBlueprint

from audit.errors import ErasedError
from audit.presence import Presence, encode
from compute.node.answers import AnswerStore
from compute.node.console.messages import SubjectNamed, SubjectUse, SubjectUses
from compute.node.console.subjects import require_code
from compute.node.provider.uses import UseStore
from compute.node.salts import SaltStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site
from compute.web.body import gives, message, takes


def routes(site: Site[ProviderSettings]) -> APIBlueprint:
    """Give the routes over a provider's uses."""
    made = APIBlueprint("uses", __name__)
    store, salts = UseStore(site.engine), SaltStore(site.engine, site.at_rest)
    answers = AnswerStore(site.engine)

    def under(contract: str, subject: str) -> list[SubjectUse]:
        tree = salts.find(contract)
        if tree is None:
            return []
        return [
            SubjectUse(
                contract=contract,
                job=shown.job.hex(),
                at=shown.at,
                subjects_root=shown.tree.root.hex(),
                rows=shown.tree.size,
                salt=tree.salt(subject).hex(),
                present=isinstance(shown.proof, Presence),
                proof=encode(shown.proof).decode(),
            )
            for shown in store.prove(tree, contract, subject)
            if answers.by_job(shown.job) is not None  # else it was computed, and never answered
        ]

    @made.post("/subjects/uses")  # the code in the body: paths stand in the server's log
    @takes(message(SubjectNamed))
    @gives(SubjectUses)
    def uses(asked: SubjectNamed) -> SubjectUses:
        """Every use of this provider's data, and a proof for each whether it was about the subject."""
        subject = asked.subject
        require_code(subject)
        found: list[SubjectUse] = []
        erased: list[str] = []
        for contract in store.contracts():
            try:
                found += under(contract, subject)
            except ErasedError:
                erased.append(contract)
        shown = tuple(found)
        return SubjectUses(provider=site.settings.name, subject=subject, uses=shown, erased=tuple(erased))

    return made
