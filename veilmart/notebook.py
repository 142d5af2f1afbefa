"""A bank's statistics in a notebook, over the analyst's own node.

    with Bank.open("analyst.toml") as bank:
        bank.register_labels(loans["outcome"], contract=contract, name="loans", providers=["social-security"])
        counts = bank.statistics(
            contract=contract, labels="loans", epsilon="3", histograms=["social-security:employees"]
        )

Weights of evidence and their kin follow from a result: `bank.measures(result, good=["good"], bad=["bad"])`.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import pandas as pd

from compute.node.console.client import NodeClient
from compute.node.console.messages import JobView
from compute.node.console.statistics_messages import (
    LabelSetHeld,
    LabelsRegistered,
    Prechecks,
    StatisticsRequest,
    StatisticsResult,
)
from compute.node.console.told_frames import counts_frame, moments_frame
from compute.node.console.told_tables import Table, tables_of
from compute.statistics.intervals import LEVEL
from veilmart.bank.jobs import finish
from veilmart.bank.label_files import RegistrationOptions, registration_of
from veilmart.bank.measured import Measures, measure
from veilmart.bank.measuring import MeasuringOptions, measuring_of
from veilmart.bank.requests import RequestOptions, request_of
from veilmart.bank.results import find_result
from veilmart.person import load_person, open_peer


@dataclass(frozen=True)
class Statistics:
    """What providers told, as a notebook takes it."""

    result: StatisticsResult

    def counts(self, level: float = LEVEL) -> pd.DataFrame:
        """Give the companies in each cell of each class: :func:`told_frames.counts_frame`."""
        return counts_frame(self.result, level)

    def moments(self, level: float = LEVEL) -> pd.DataFrame:
        """Give rows, means and variances: :func:`told_frames.moments_frame`."""
        return moments_frame(self.result, level)

    def tables(self) -> list[Table]:
        """Give the tables that `compute.statistics` computes with."""
        return tables_of(self.result)

    def measures(self, later: "Statistics | None" = None, **options: Unpack[MeasuringOptions]) -> Measures:
        """Give what follows, as data frames: :func:`measure`, :func:`measuring_of`; nobody is asked again."""
        return measure(self.result, measuring_of(**options), None if later is None else later.result)

    def save(self, path: str | Path) -> list[Path]:
        """Write it as JSON, CSV, Parquet or xlsx, by the name's end; raise ValueError for another."""
        from veilmart.bank.files import check_output, write  # noqa: PLC0415 -- DuckDB only for files

        check_output(Path(path))
        return write(self.result, Path(path))


class Bank:
    """The console of a bank's node for one analyst; a context manager, or to be closed.

    Its methods raise what `compute.node.console.client.NodeClient` raises, ValueError for a request that cannot be
    sent, and :class:`veilmart.bank.jobs.JobFailedError` for a job that fails.
    """

    def __init__(self, node: NodeClient, follow: Callable[[NodeClient, JobView], JobView] = finish) -> None:
        self._node, self._follow, self._stack = node, follow, ExitStack()

    @classmethod
    def open(cls, config: str | Path) -> Self:
        """Open the node that the analyst's configuration names, like examples/config/person.toml."""
        with ExitStack() as stack:
            peer, _ = stack.enter_context(open_peer(load_person(Path(config))))
            bank = cls(NodeClient(peer))
            bank._stack = stack.pop_all()
        return bank

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def labels(self) -> Sequence[LabelSetHeld]:
        """Give the labels that were registered, and where."""
        return self._node.labels()

    def register_labels(
        self, labels: "pd.Series[Any]", **options: Unpack[RegistrationOptions]
    ) -> LabelsRegistered:
        """Register the class of each company, by its code in the index: :class:`RegistrationOptions`."""
        job = self._follow(self._node, self._node.register_labels(registration_of(labels, **options)))
        done = self._node.result(job.job)
        if not isinstance(done, LabelsRegistered):
            raise TypeError(f"job {job.job} gave a {type(done).__name__}")
        return done

    def precheck(self, request: StatisticsRequest) -> Prechecks:
        """Give what a request would tell and cost at each provider; nothing is computed or charged."""
        return self._node.precheck_statistics(request)

    def ask(self, request: StatisticsRequest) -> Statistics:
        """Ask all providers at once, showing how far they are; give what they told."""
        job = self._follow(self._node, self._node.ask_statistics(request))
        return Statistics(self._node.statistics(job.job))

    def measures(
        self,
        result: Statistics | StatisticsResult,
        later: Statistics | None = None,
        **options: Unpack[MeasuringOptions],
    ) -> Measures:
        """Give what follows from a result, as :meth:`Statistics.measures` does."""
        found = result if isinstance(result, Statistics) else Statistics(result)
        return found.measures(later, **options)

    def result(self, name: str | Path) -> Statistics:
        """Give statistics told before: of a file, a job or a reference; raise ValueError for what is none."""
        return Statistics(find_result(str(name), lambda: nullcontext(self._node)))

    def statistics(self, **options: Unpack[RequestOptions]) -> pd.DataFrame:
        """Give the counts of a request in long form: :func:`request_of`, :meth:`Statistics.counts`."""
        return self.ask(request_of(**options)).counts()
