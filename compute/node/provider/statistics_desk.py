"""A provider's roles in joint statistics over the node's database: label vectors, alignments, questions."""

from dataclasses import dataclass

from compute.disclosure.policy import Policy, read_policy
from compute.frame import Frame, read_frame
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.dispatch import Handlers
from compute.node.jobs.estimate import Cost
from compute.node.provider.alignments import AlignmentStore
from compute.node.provider.kinds import KINDS, STATISTICS
from compute.node.provider.label_vectors import LabelVectorStore
from compute.node.provider.statistics import CohortStore, DisclosureLedger, ReleaseStore
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock
from compute.protocols.alignment.messages import Align, AlignReturn
from compute.protocols.alignment.provider import Aligner, Held, Limits
from compute.protocols.base import Accepted
from compute.protocols.closed_answer.provider import ClosedAnswers
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.messages import AskPrecheck, AskStatistics
from compute.protocols.joint_statistics.provider import Means, Office, StatisticsProvider
from compute.protocols.joint_statistics.stores import Stores
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.label_vector.provider import Registrar


@dataclass(frozen=True)
class StatisticsDesk:
    """The three roles, and what they share."""

    registrar: Registrar
    aligner: Aligner
    statistics: StatisticsProvider
    cohorts: CohortStore
    means: Means

    @property
    def handlers(self) -> Handlers:
        """Give what the roles do with each message."""
        means = self.means

        def register(message: RegisterLabels) -> Accepted:
            return self.registrar.register(
                message, means.runner, lambda done, total: means.progress(PROVEN, done, total)
            )

        return {
            RegisterLabels: register,
            Align: lambda message: self.aligner.align(message, means.runner, means.progress),
            AlignReturn: lambda message: self.aligner.complete(message, means.runner),
            AskPrecheck: self.statistics.precheck,
            AskStatistics: self.statistics.answer,
        }


PROVEN = "verify the labels 验证标签"
"""The one step of a label vector's part, in rows."""


def open_statistics(
    site: Site[ProviderSettings],
    holding: Holding,
    closed: ClosedAnswers,
    answers: AnswerStore,
    admission: PermitAdmission,
    means: Means | None = None,
) -> StatisticsDesk:
    """Give the roles over the node's stores."""
    settings, engine, at_rest = site.settings, site.engine, site.at_rest
    policy = read_policy(settings.disclosure)
    frames = {frame.digest: frame for frame in map(read_frame, settings.frames)}
    cohorts = CohortStore(LabelVectorStore(engine), AlignmentStore(engine, at_rest), frames, policy)
    registrar = Registrar(
        settings.name,
        site.directory,
        RegistryStore(engine),
        cohorts,
        LabelVectorStore(engine),
        admission.admit_labels,
        clock,
        policy.max_cohorts,
    )
    limits = Limits(contract_alignments=policy.max_cohorts, bank_ids=policy.max_aligned_ids)
    aligner = Aligner(
        settings.name,
        site.directory,
        Held.of(holding),
        AlignmentStore(engine, at_rest),
        admission.admit_alignment if policy.disclosed_cohorts else admission.refuse_alignment,
        limits,
        clock,
    )
    stores = Stores(cohorts, DisclosureLedger(engine, at_rest), ReleaseStore(answers, at_rest, policy))
    office = Office(settings.name, site.directory, holding, policy)
    ready = means or Means(estimate=_milliseconds)
    statistics = StatisticsProvider(office, site.key, closed, stores, admission, clock, ready)
    return StatisticsDesk(registrar, aligner, statistics, cohorts, ready)


def require_usable(settings: ProviderSettings) -> tuple[Policy, list[Frame]]:
    """Give policy and frames; raise :class:`SettingsError` if a file of theirs cannot be used."""
    return read_policy(settings.disclosure), [read_frame(path) for path in settings.frames]


def _milliseconds(rows: int) -> int:
    cost: Cost = KINDS[STATISTICS]
    return round(1000 * (cost.fixed + cost.unit * rows))
