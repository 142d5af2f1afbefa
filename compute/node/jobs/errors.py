"""What can be wrong with a job."""


class JobError(Exception):
    """The root of this tree."""


class UnknownKindError(JobError):
    """No handler serves this kind of job."""


class UnknownJobError(JobError):
    """There is no job of this id."""


class WrongStateError(JobError):
    """The job's state does not allow this."""


class LeaseLostError(JobError):
    """The job is no longer this worker's: what it computes now is refused."""
