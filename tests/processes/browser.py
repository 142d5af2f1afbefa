"""A real browser, driven by the W3C's WebDriver protocol through chromedriver; that needs no library."""

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
MISSING = "chromium and chromedriver (Debian: chromium, chromium-driver) are not here"
WAIT = 30.0
"""Seconds for one command, and for what a click leads to."""
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver §11: the key of a reference to an element
_STARTED = re.compile(r"successfully on port (\d+)")


@dataclass(frozen=True)
class Browser:
    """One window of a browser with a profile of its own."""

    client: httpx.Client
    session: str

    def get(self, url: str) -> None:
        """Load a page, as by typing its address."""
        self._post("url", {"url": url})

    @property
    def url(self) -> str:
        return str(self._get("url"))

    @property
    def title(self) -> str:
        return str(self._get("title"))

    @property
    def text(self) -> str:
        """What a reader sees of the page."""
        return str(self.run("return document.body.innerText"))

    def sees(self, text: str) -> bool:
        """Say whether a reader sees the text, now or once a click has led there."""
        deadline = time.monotonic() + WAIT
        while text not in self.text:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def texts(self, selector: str) -> list[str]:
        found = self._post("elements", {"using": "css selector", "value": selector})
        return [str(self._get(f"element/{each[_ELEMENT]}/text")) for each in found]

    def click(self, selector: str) -> None:
        self._post(f"element/{self._find(selector)}/click", {})

    def follow(self, text: str) -> None:
        """Click the link with this text in it."""
        found = self._post("element", {"using": "partial link text", "value": text})
        self._post(f"element/{found[_ELEMENT]}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._post(f"element/{self._find(selector)}/value", {"text": text})

    def run(self, script: str) -> Any:
        """Give what a script of the driver's returns; a page's policy does not bind it."""
        return self._post("execute/sync", {"script": script, "args": []})

    def picture(self, path: Path) -> None:
        """Write what the window shows: PNG."""
        path.write_bytes(base64.b64decode(self._get("screenshot")))

    def cookies(self) -> list[dict[str, Any]]:
        return list(self._get("cookie"))

    def complaints(self) -> list[str]:
        """What the browser wrote to its console: all that a policy blocked, and every resource that failed."""
        return [entry["message"] for entry in self._post("se/log", {"type": "browser"})]

    def _find(self, selector: str) -> str:
        return str(self._post("element", {"using": "css selector", "value": selector})[_ELEMENT])

    def _get(self, command: str) -> Any:
        return _value(self.client.get(f"/session/{self.session}/{command}"))

    def _post(self, command: str, body: dict[str, object]) -> Any:
        return _value(self.client.post(f"/session/{self.session}/{command}", json=body))


@contextmanager
def open_browser(profile: Path, *arguments: str, phone: tuple[int, int] | None = None) -> Iterator[Browser]:
    """Start a browser without a window; it and all it wrote go with the end of the block.

    `phone` has it be one on a telephone with so many pixels of width and height.
    """
    if DRIVER is None or CHROMIUM is None:
        raise FileNotFoundError(MISSING)
    options: dict[str, object] = {
        "binary": CHROMIUM,
        "args": [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--no-proxy-server"),
            f"--user-data-dir={profile}",
            *arguments,
        ],
    }
    if phone is not None:
        metrics = {"width": phone[0], "height": phone[1], "pixelRatio": 2, "touch": True}
        options["mobileEmulation"] = {"deviceMetrics": metrics}
    capabilities = {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    with ExitStack() as stack:
        driver = subprocess.Popen(  # noqa: S603 -- our own arguments
            [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        stack.callback(driver.wait)
        stack.callback(driver.terminate)
        assert driver.stdout is not None
        stack.callback(driver.stdout.close)
        port = next(found[1] for line in driver.stdout if (found := _STARTED.search(line)))
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT, trust_env=False)
        stack.enter_context(client)
        made = _value(client.post("/session", json={"capabilities": {"alwaysMatch": capabilities}}))
        session = made["sessionId"]
        stack.callback(lambda: client.delete(f"/session/{session}"))
        yield Browser(client, session)


def _value(response: httpx.Response) -> Any:
    value = response.json()["value"]
    if response.is_error:
        raise AssertionError(f"{value['error']}: {value['message']}")
    return value
