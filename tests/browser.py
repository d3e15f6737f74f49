"""Chromium without a window, told what to do over its own debugging pipe: no driver is needed.

Protocol: https://chromedevtools.github.io/devtools-protocol/, JSON documents that end with NUL.
"""

import base64
import contextlib
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

DEADLINE_S = 60
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--hide-scrollbars", "--mute-audio",
    "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip
#: The browser wants its pipe at descriptors 3 and 4.
_LAUNCH = """
import os, sys
reads, writes = int(sys.argv[1]), int(sys.argv[2])
os.dup2(os.dup(reads), 103)
os.dup2(os.dup(writes), 104)
os.dup2(103, 3)
os.dup2(104, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def chromium():
    """The browser's path, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Browser:
    """One browser process, ended by close().

    Args:
        home: A folder of its own.
    """

    def __init__(self, home):
        to_browser, write = os.pipe()
        self._read, from_browser = os.pipe()
        self._write = os.fdopen(write, "wb", buffering=0)
        command = [sys.executable, "-c", _LAUNCH, str(to_browser), str(from_browser)]
        self._process = subprocess.Popen(
            [*command, chromium(), *_FLAGS, f"--user-data-dir={home}"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(home)},
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._ids = itertools.count(1)
        self._answers = queue.Queue()
        self.events = []
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def why_not(self):
        """Why it doesn't work on this machine; None where it does."""
        try:
            self.call("Browser.getVersion")
        except (AssertionError, OSError, queue.Empty) as error:
            return str(error) or type(error).__name__
        return None

    def call(self, method, session=None, **parameters):
        """Asks for something, and returns the answer."""
        number = next(self._ids)
        asked = {"id": number, "method": method, "params": parameters}
        if session is not None:
            asked["sessionId"] = session
        self._write.write(json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._answers.get(timeout=DEADLINE_S)
            assert answer is not None, "the browser ended"
            if answer["id"] == number:
                break
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url, width=1280, height=900, scheme="light"):
        """A page in a tab of its own."""
        return Page(self, url, width, height, scheme)

    def close(self):
        """Ends the browser."""
        with contextlib.suppress(AssertionError, OSError, queue.Empty):
            self.call("Browser.close")
        self._write.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)

    def _listen(self):
        with os.fdopen(self._read, "rb", buffering=0) as stream:
            pending = b""
            while part := stream.read(1 << 16):
                *whole, pending = (pending + part).split(b"\0")
                for document in map(json.loads, whole):
                    if "id" in document:
                        self._answers.put(document)
                    else:
                        self.events.append(document)
        self._answers.put(None)


class Page:
    """One tab."""

    def __init__(self, browser, url, width, height, scheme):
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.look(width, height, scheme)
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def call(self, method, **parameters):
        """As `Browser.call`, in this tab."""
        return self._browser.call(method, self._session, **parameters)

    def close(self):
        """Closes the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def look(self, width, height, scheme):
        """Brings it to the front; sets the window's size in CSS pixels, and light or dark."""
        self.call("Page.bringToFront")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def run(self, script):
        """The value of an expression; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script):
        """Waits until an expression is true, and returns its value."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if value := self.run(script):
                return value
            time.sleep(0.02)
        raise AssertionError(f"not within {DEADLINE_S} s: {script}\n{self.text()}\n{self.errors()}")

    def text(self):
        """What a reader sees."""
        return self.run("document.body.innerText")

    def press(self, key, code=None, text=None):
        """A key of the keyboard, as "Tab" or "Enter"."""
        event = {"key": key, "code": code or key, "windowsVirtualKeyCode": _KEYS.get(key, 0)}
        if text is not None:
            event["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        """Types at the focus."""
        self.call("Input.insertText", text=text)

    def errors(self):
        """What went wrong in the page: exceptions, errors of the console and of the browser."""
        return [
            event["params"]
            for event in self._events()
            if event["method"] == "Runtime.exceptionThrown"
            or (
                event["method"] == "Runtime.consoleAPICalled"
                and event["params"]["type"] in ("error", "warning", "assert")
            )
            or (
                event["method"] == "Log.entryAdded"
                and event["params"]["entry"]["level"] in ("error", "warning")
            )
        ]

    def requests(self):
        """Every URL that the page asked for."""
        sent = [e for e in self._events() if e["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def screenshot(self, path, whole=False):
        """Writes a PNG of the window, or of the whole page."""
        shown = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(shown["data"]))

    def _events(self):
        return [event for event in self._browser.events if event.get("sessionId") == self._session]


_KEYS = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27}
