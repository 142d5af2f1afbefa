"""The bank's side of joint statistics: ask, open, decrypt, and make tables of what the provider told."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import FormatError, decode
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.base import AnswerError, Progress, Transport, ask_long, no_progress
from compute.protocols.closed_answer.bank import opened
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.joint_statistics.messages import (
    Asked,
    AskStatistics,
    Precheck,
    StatisticsJob,
    StatisticsQuestion,
    StatisticsRelease,
    TableNotes,
)
from compute.protocols.joint_statistics.packed_cells import cell_layout, unpack_cells
from compute.protocols.joint_statistics.plan import Range, TablePlan, tables_of
from compute.protocols.joint_statistics.precheck import ask_precheck
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.signed import of_peer
from compute.signing import SUITE, Pins, Signed, digest, sign


@dataclass(frozen=True)
class ToldTable:
    """One table as it was told: a number for each cell and class, and what is to be known of it."""

    plan: TablePlan
    numbers: tuple[tuple[int, ...] | None, ...]
    """Each cell's number for each class, noise included; None where it is withheld."""
    reasons: tuple[str, ...]
    scale: Fraction
    """b of the noise z in each number, P(z) ∝ exp(−|z|/b); 0 where there is none."""
    bound: int


@dataclass(frozen=True)
class Told:
    """What one provider told."""

    question: StatisticsQuestion
    release: StatisticsRelease
    tables: tuple[ToldTable, ...]


class StatisticsBank:
    """The role: an identity, a Paillier key, the pinned keys of the others, a transport to reach them."""

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        key: PrivateKey,
        pins: Pins,
        transport: Transport,
        clock: Callable[[], int],
        progress: Progress = no_progress,
        patience: float = 0,
    ) -> None:
        self.name, self._identity, self._key, self._pins = name, identity, key, pins
        self._transport, self._clock, self._progress, self._patience = transport, clock, progress, patience

    def precheck(self, question: StatisticsQuestion) -> Precheck:
        """Give what an answer to the question would cost and tell."""
        return ask_precheck(self._transport, self.name, self._identity, self._pins, question, self._patience)

    def prepare(
        self, questions: Sequence[StatisticsQuestion], permits: Mapping[str, str]
    ) -> tuple[AskStatistics, ...]:
        """Give the message for each provider, all of one signed job; ``permits`` by provider.

        Whoever may have to start again keeps them: sent again they are the same use.
        """
        job = StatisticsJob(
            version=1,
            suite=SUITE,
            bank=self.name,
            asked=tuple(
                Asked(provider=each.provider, permit=permits[each.provider], question=digest(each))
                for each in questions
            ),
            nonce=secrets.token_bytes(32),
        )
        signed = sign(job, self.name, self._identity)
        return tuple(AskStatistics(job=signed, question=each) for each in questions)

    def ask_answer(self, message: AskStatistics) -> Signed[Answer]:
        """Give a provider's answer, which is still closed: checked as far as it can be."""
        provider = message.question.provider
        signed = ask_long(self._transport, provider, message, Signed[Answer], self._progress, self._patience)
        answer = of_peer(signed, provider, "provider", self._pins)
        if (answer.job, answer.provider, answer.bank) != (digest(message.job.statement), provider, self.name):
            raise AnswerError(f"{provider} answered another job")
        return signed

    def read(
        self,
        question: StatisticsQuestion,
        released: ReleasedAnswer,
        alphabet: Alphabet | None,
        runner: Runner = HERE,
    ) -> Told:
        """Give what an opened answer tells; ``alphabet`` is the label vector's, None of an unweighted question.

        Raises :class:`AnswerError` for what is no answer to the question.
        """
        provider = question.provider
        try:
            release = decode(opened(released), StatisticsRelease)
            if release.question != digest(question):
                raise AnswerError(f"{provider} answered another question")
            plans = tables_of(question, _ranges(question, release))
            if len(plans) != len(release.tables):
                raise AnswerError(f"{provider} told of {len(release.tables)} tables, not {len(plans)}")
            return Told(question, release, self._tables(plans, release, alphabet, runner))
        except (FormatError, PaillierError, ValueError) as error:
            raise AnswerError(f"the answer of {provider} is malformed: {error}") from error

    def _tables(
        self, plans: Sequence[TablePlan], release: StatisticsRelease, alphabet: Alphabet | None, runner: Runner
    ) -> tuple[ToldTable, ...]:
        told = [_told_cells(plan, notes) for plan, notes in zip(plans, release.tables, strict=True)]
        count = sum(map(len, told))
        numbers: list[tuple[int, ...]] = [(int(number),) for number in release.numbers]
        if alphabet is not None:
            numbers = self._decrypted(release.ciphertexts, count, alphabet, runner)
        if len(numbers) != count:
            raise AnswerError(f"{len(numbers)} numbers for {count} cells")
        rest, tables = iter(numbers), []
        for plan, notes, cells in zip(plans, release.tables, told, strict=True):
            bound, scale = int(notes.bound), Fraction(int(notes.scale_numerator), int(notes.scale_denominator))
            by_cell = {cell: tuple(number - bound for number in next(rest)) for cell in cells}
            in_order = tuple(by_cell.get(cell) for cell in range(plan.cells))
            tables.append(ToldTable(plan, in_order, notes.reasons, scale, bound))
        return tuple(tables)

    def _decrypted(self, data: bytes, count: int, alphabet: Alphabet, runner: Runner) -> list[tuple[int, ...]]:
        layout = cell_layout(alphabet.width, alphabet.classes, self._key.public.bits)
        ciphertexts = from_bytes(self._key.public, data, layout.outputs(count))
        plaintexts = [int(each) for each in self._key.decrypt_many(ciphertexts, runner)]
        return [tuple(cell) for cell in unpack_cells(plaintexts, count, layout, alphabet.width, alphabet.classes)]


def _told_cells(plan: TablePlan, notes: TableNotes) -> list[int]:
    withheld = set(notes.withheld)
    if not withheld <= set(range(plan.cells)):
        raise ValueError("a cell is withheld that the table does not have")
    return [cell for cell in range(plan.cells) if cell not in withheld]


def _ranges(question: StatisticsQuestion, release: StatisticsRelease) -> dict[str, Range]:
    """Between what each column of the moments was clipped, as the provider says of its three tables."""
    first = len(question.histograms) + len(question.crosses)
    if len(release.tables) != first + 3 * len(question.moments):
        raise ValueError("the tables are not those of the question")
    notes = release.tables[first::3]
    return {
        column: Range(int(each.low), int(each.high)) for column, each in zip(question.moments, notes, strict=True)
    }
