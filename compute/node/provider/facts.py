"""What a provider's node knows of its uses, for the events that it records of them."""

from compute.node.answers import AnswerStore
from compute.node.events import Detail
from compute.node.provider.statistics import CohortStore
from compute.node.provider.uses import UseStore
from compute.node.registry import RegistryStore
from compute.protocols.joint_statistics.messages import AskStatistics, logged_question
from compute.protocols.risk_score.messages import JobStatement
from compute.signing import digest
from compute.terms import Terms


class ProviderFacts:
    """Facts from the permits presented here, the tables registered, and the answers given."""

    def __init__(
        self, provider: str, registry: RegistryStore, answers: AnswerStore, uses: UseStore, cohorts: CohortStore
    ) -> None:
        self._provider, self._registry, self._answers, self._uses = provider, registry, answers, uses
        self._cohorts = cohorts

    def contract_of(self, permit: str) -> str | None:
        """Give the contract of a permit that was presented here."""
        terms = self._terms(permit)
        return None if terms is None else terms.contract

    def contract_of_job(self, job: bytes) -> str | None:
        """Give the contract under which the job with this digest was answered here."""
        permit = self._answers.permit_of(job)
        return None if permit is None else self.contract_of(permit)

    def of_use(self, job: JobStatement) -> Detail:
        """Give product, snapshot, fields, purpose, legal basis, policy and model of a job that was admitted here.

        Once it was computed, also the root that commits to its subjects.
        """
        permit, registration = job.permit_at(self._provider), self._registry.registration(job.approval)
        terms = None if permit is None else self._terms(permit)
        if terms is None or registration is None:
            return {}
        tables, root = registration.message.tables, self._uses.root(digest(job))
        committed: Detail = {} if root is None else {"subjects_root": root.hex()}
        own = next(each.statement for each in job.providers if each.statement.provider == self._provider)
        return {
            **committed,
            "approval": job.approval.hex(),
            "fields": tuple(sorted(bins.column for bins in tables.bins)),
            "legal_basis": terms.legal_basis,
            "policy_version": terms.policy_version,
            "product": tables.product,
            "product_version": tables.product_version,
            "purpose": terms.purpose,
            "snapshot": own.snapshot,
            "snapshot_date": own.snapshot_date,
        }

    def of_statistics(self, message: AskStatistics) -> Detail:
        """Give the question, its cost, product, fields, purpose and basis of a job of statistics admitted here."""
        question, own = message.question, message.job.statement.asked_of(self._provider)
        terms = None if own is None else self._terms(own.permit)
        if terms is None:
            return {}
        return {
            "fields": tuple(sorted(question.columns)),
            "legal_basis": terms.legal_basis,
            "milliepsilon": question.milliepsilon,
            "policy_version": terms.policy_version,
            "product": question.product,
            "product_version": question.product_version,
            "purpose": terms.purpose,
            "question": logged_question(message.job.statement, digest(question)),
            "rows": self._cohorts.rows(question),
        }

    def _terms(self, permit: str) -> Terms | None:
        presented = self._registry.presented(permit)
        return None if presented is None else presented[0].contract[0].statement
