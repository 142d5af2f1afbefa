"""What is told of a job: frozen values, without its parameters and its result, which may be long."""

from dataclasses import dataclass

from compute.node.jobs.states import State


@dataclass(frozen=True)
class Progress:
    """Units done of those in all in the present step; `pace` is its seconds per unit, once it is known."""

    step: str
    done: int
    total: int
    pace: float | None

    @property
    def eta(self) -> float | None:
        """Seconds until this step is over at the observed pace.

        A handler that counts all of its work as one step makes it the job's.
        """
        return None if self.pace is None else max(0, self.total - self.done) * self.pace


@dataclass(frozen=True)
class Failure:
    """Why a job failed, and what to do next. It holds no value of anybody's data."""

    error: str
    """The class of the error."""
    reason: str
    remedy: str
    subjects: tuple[str, ...] = ()
    """Those of the owner's own subjects that it is about."""


@dataclass(frozen=True)
class Job:
    """A job as the store has it at one moment. Times are UTC in milliseconds."""

    id: str
    owner: str
    kind: str
    key: str
    """The idempotency key: the same request with the same key is the same job."""
    digest: bytes
    """What recognises the parameters: `compute.node.jobs.store.fingerprint`."""
    size: int
    """Units of work, in which estimates count."""
    estimated: float
    """Seconds that it was expected to run, as it was submitted."""
    state: State
    attempts: int
    """How often it was taken; taking it back from a worker that shut down in order undoes its attempt."""
    created_at: int
    started_at: int | None
    """When it was first taken."""
    finished_at: int | None
    progress: Progress | None
    failure: Failure | None

    @property
    def step(self) -> str | None:
        """The present step; None before the first report."""
        return None if self.progress is None else self.progress.step

    @property
    def done(self) -> int:
        """Units of the step that are done."""
        return 0 if self.progress is None else self.progress.done

    @property
    def total(self) -> int:
        """Units of the step, or of the job before the first report."""
        return self.size if self.progress is None else self.progress.total

    @property
    def milliseconds_left(self) -> int | None:
        """Until the step is over, once its pace is known."""
        eta = None if self.progress is None else self.progress.eta
        return None if eta is None else min(round(eta * 1000), 2**53 - 1)
