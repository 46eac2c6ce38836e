"""A headless Chromium, driven over the DevTools protocol: pages opened, read, clicked in and photographed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

import websocket

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 30.0


class Program:
    """Chromium itself, which is started for the first page and serves all that follow."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        command = [
            str(BINARY),
            "--headless=new",
            "--no-sandbox",  # containers have no user namespaces
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-backgrounding-occluded-windows",  # what is not painted gives no element the focus
            "--disable-renderer-backgrounding",
            "--remote-debugging-port=0",
            f"--user-data-dir={self._profile.name}",
            "about:blank",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.address = self._address()

    def _address(self) -> str:
        file = Path(self._profile.name) / "DevToolsActivePort"
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if file.exists() and len(lines := file.read_text().split()) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        self.close()
        raise RuntimeError("the browser did not start")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()


@cache
def program() -> Program:
    """Return the one that runs."""
    return Program()


def close_program() -> None:
    """End it, if it has been started."""
    if program.cache_info().currsize:
        program().close()
        program.cache_clear()


class Browser:
    """One page, in a profile of its own, while the context is open. Scripts of pages do not run unless asked for."""

    def __init__(self, *, scripts: bool = False, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        self._scripts, self._dark, self._size = scripts, dark, (width, height)
        self._last = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._socket = websocket.create_connection(program().address, timeout=SECONDS, suppress_origin=True)
        self._profile = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=self._profile)["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Network", "Runtime"):
            self._call(f"{domain}.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)
        self._call("Page.bringToFront")
        self._call("Emulation.setScriptExecutionDisabled", value=not self._scripts)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}]
        self._call("Emulation.setEmulatedMedia", features=scheme)
        width, height = self._size
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._session = ""
        self._call("Target.disposeBrowserContext", browserContextId=self._profile)
        self._socket.close()

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            found = self._receive()
            if found.get("id") == self._last:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                result: dict[str, Any] = found["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._socket.recv())
        if "method" in found:
            self.events.append(found)
        return found

    def open(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        since = len(self.events)
        self.await_load_since(since, loader=self._call("Page.navigate", url=url)["loaderId"])

    def await_load(self) -> None:
        """Wait until the page loads anew by itself."""
        self.await_load_since(len(self.events))

    def await_load_since(self, since: int, *, loader: str = "") -> None:
        """Wait for a load after event number `since`; of one navigation's own, if there is a loader."""
        end = time.monotonic() + SECONDS
        while not any(_loaded(event, loader) for event in self.events[since:]):
            if time.monotonic() > end:
                raise AssertionError("the page is not loaded")
            self._receive()

    def read(self, expression: str) -> Any:
        """Return the value of an expression on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def violations(self, axe: str) -> list[str]:
        """Return what axe-core (its source) finds wrong on the page, for a browser that runs scripts."""
        self.read(f"{axe};0")
        answer = self._call(
            "Runtime.evaluate",
            expression="axe.run().then(found => found.violations.map(one => one.id + ': ' + one.nodes[0].html))",
            awaitPromise=True,
            returnByValue=True,
        )
        return [str(text) for text in answer["result"]["value"]]

    def focus(self, selector: str) -> None:
        """Give an element the keyboard's focus."""
        self.read(f"document.querySelector({json.dumps(selector)}).focus()")

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        self._call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press Enter or Tab, without waiting for anything."""
        codes = {"Enter": 13, "Tab": 9}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "text": "\r" if key == "Enter" else ""}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, **what)

    def text(self, selector: str = "body") -> str:
        """Return what a reader sees of the first element that a selector names."""
        return str(self.read(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def texts(self, selector: str) -> list[str]:
        """Return what a reader sees of every element that a selector names."""
        found = self.read(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText.trim())")
        return [str(text) for text in found]

    def click(self, selector: str) -> None:
        """Click with the mouse on the first element that a selector names, and wait for the page that follows."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        quad = self._call("DOM.getContentQuads", nodeId=node)["quads"][0]
        place = {"x": sum(quad[0::2]) / 4, "y": sum(quad[1::2]) / 4, "button": "left", "clickCount": 1}
        since = len(self.events)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, **place)
        self.await_load_since(since)

    def screenshot(self, path: Path) -> None:
        """Photograph the whole page."""
        data = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    def problems(self) -> list[str]:
        """Return what the browser complained about: refused sources, failed loads, scripts that broke."""
        found = []
        for event in self.events:
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"].get("text")))
        return found


def _loaded(event: dict[str, Any], loader: str) -> bool:
    return (
        event["method"] == "Page.lifecycleEvent"
        and event["params"]["name"] == "load"
        and loader in ("", event["params"]["loaderId"])
    )
