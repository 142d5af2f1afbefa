"""How long a process beside another lives: as long as the one that started it.

It imports nothing that starts a thread, as NumPy does: a pool's worker loads it first, so that whatever comes
after it blocks the signals that it blocks.
"""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

from compute.web.dumps import forbid_dumps


def begin_worker() -> None:
    """Make this worker process of a pool live as long as the process that started it.

    Signals sent to the whole group are ignored: the parent decides what they mean. Its own SIGTERM is obeyed: that
    is how a pool ends whose other process was killed, and it would wait for ever. It holds rows or keys, so nobody
    gets a dump of it.
    """
    forbid_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_obey_parent, daemon=True).start()
    end_with_parent()


def _obey_parent() -> None:
    parent = parent_process()
    while parent is not None:
        if signal.sigwaitinfo({signal.SIGTERM}).si_pid == parent.pid:
            os._exit(1)


def end_with_parent() -> None:
    """Make this process end when the process that started it is gone, however it went."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
