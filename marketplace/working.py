"""What `veilmart marketplace work` does beside collecting cosignatures, in a thread of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

from audit.database import open_engine
from compute.settings import SettingsError
from marketplace.calling import Caller
from marketplace.delivery import Deliverer
from marketplace.errors import RevisionError
from marketplace.exchange import Exchange
from marketplace.gate import Setting
from marketplace.mail import Mailer
from marketplace.settings import Settings


@contextmanager
def delivering(settings: Settings, setting: Setting, stopped: Event) -> Iterator[Deliverer]:
    """Deliver notices, and state what is due, until the block ends; then `stopped` is set.

    If the thread dies it sets `stopped` too, so that the process ends and is started again. Raises `SettingsError`
    for what cannot be used of the settings, `SecretFileError` for a password that is not there.
    """
    with ExitStack() as held:
        engine = open_engine(settings.store)
        held.callback(engine.dispose)
        smtp, webhooks = settings.smtp, settings.webhooks
        try:
            if smtp is not None and smtp.password is not None:
                smtp.password.text()  # missing, it is told now and not at the first notice
            caller = Caller(
                setting.market,
                setting.key,
                allow_private=webhooks.allow_private,
                authority=webhooks.authority,
            )
            held.callback(caller.close)
            post = None if smtp is None else Mailer(smtp)
            deliverer = Exchange(engine, setting).deliverer(caller, post)
        except (OSError, RevisionError) as error:
            raise SettingsError(f"notices cannot be delivered: {error}; correct that first") from error

        def run() -> None:
            try:
                deliverer.run(stopped)
            finally:
                stopped.set()

        thread = Thread(target=run, name="deliverer")
        thread.start()
        try:
            yield deliverer
        finally:
            stopped.set()
            thread.join()
