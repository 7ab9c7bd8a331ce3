"""A browser without a window, by Chromium's debugging protocol: pages are opened, scripts run in them, what is painted on canvases is read."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.request

# What charts write lies on canvases, where nobody can read it: each text is noted as it is painted.
_NOTE_TEXTS = """
    window.painted = new Set();
    for (const name of ["fillText", "strokeText"]) {
      const own = CanvasRenderingContext2D.prototype[name];
      CanvasRenderingContext2D.prototype[name] = function (text, ...rest) {
        window.painted.add(String(text));
        return own.call(this, text, ...rest);
      };
    }
"""


def program():
    """Chromium's path; None when it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One page of a browser of its own."""

    def __init__(self, folder):
        self._folder = os.fspath(folder)
        self._loop = asyncio.new_event_loop()
        self._number = 0

    def __enter__(self):
        # Root needs --no-sandbox; containers have a small /dev/shm; nothing is asked of the network.
        words = [program(), "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-proxy-server", "--window-size=1200,800",
                 "--remote-debugging-port=0", f"--user-data-dir={self._folder}", "about:blank"]
        self._log = open(os.path.join(self._folder, "log"), "wb")
        self._process = subprocess.Popen(words, stdout=self._log, stderr=self._log, env={**os.environ, "HOME": self._folder})
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self):
        from tornado.websocket import websocket_connect

        port_file = os.path.join(self._folder, "DevToolsActivePort")
        end = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError):
                lines = open(port_file).read().split()
                if len(lines) == 2:
                    break
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Chromium does not start: {open(self._log.name, errors='replace').read()[-2000:]}")
            time.sleep(0.05)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        pages = json.load(opener.open(f"http://127.0.0.1:{lines[0]}/json/list", timeout=10))
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")

        async def connected():
            return await websocket_connect(address, max_message_size=1 << 27)

        self._socket = self._loop.run_until_complete(connected())
        self.ask("Page.enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=_NOTE_TEXTS)

    def __exit__(self, *_):
        if hasattr(self, "_socket"):
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._loop.close()

    def ask(self, method, **params):
        """One call of the protocol."""
        self._number += 1
        number = self._number

        async def answer():
            await self._socket.write_message(json.dumps({"id": number, "method": method, "params": params}))
            while True:
                message = json.loads(await asyncio.wait_for(self._socket.read_message(), 20))
                if message.get("id") == number:
                    return message

        got = self._loop.run_until_complete(answer())
        if "error" in got:
            raise RuntimeError(f"{method}: {got['error']['message']}")
        return got["result"]

    def open(self, address):
        """Goes to a page."""
        self.ask("Page.navigate", url=address)

    def value(self, script):
        """Of a JavaScript expression."""
        got = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{script}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def painted(self):
        """All texts that were painted on canvases of the page."""
        return self.value("[...(window.painted || [])]")

    def point_at(self, x, y):
        """Moves the mouse there."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def text(self):
        """What the page says outside of canvases, in shadow trees as well."""
        return self.value("""(function walk(node) {
            let text = node.nodeType === 3 ? node.textContent + " " : "";
            if (node.nodeName === "STYLE" || node.nodeName === "SCRIPT") return "";
            if (node.shadowRoot) text += walk(node.shadowRoot);
            for (const child of node.childNodes) text += walk(child);
            return text;
        })(document.documentElement)""")
