#!/usr/bin/python3
"""Opens a JupyterLab URL in a headless Chromium, runs the first code cell of a notebook, takes a screenshot.

usage: browser.py URL NOTEBOOK WANTED SCREENSHOT.png     WANTED: text that the cell's output must show
Speaks the DevTools protocol itself: one WebSocket, JSON both ways.
"""
import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import websocket

LIMIT = 240  # seconds for a page or a cell; the server's CPU may be emulated


class Browser:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--no-proxy-server", "--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1280,900",
             f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("DevTools listening on "):
                break
        else:
            sys.exit("chromium did not start")
        port = urllib.parse.urlsplit(line.split()[-1]).port
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/json") as answer:
            page = next(t for t in json.load(answer) if t["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=LIMIT, http_no_proxy=["*"])
        self.count = 0

    def call(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']['message']}")
                return message["result"]

    def evaluate(self, code):
        return self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)["result"].get("value")

    def wait(self, what, code):
        end = time.monotonic() + LIMIT
        while not self.evaluate(code):
            if time.monotonic() > end:
                sys.exit(f"not within {LIMIT} s: {what}")
            time.sleep(1)

    def key(self, name, code, modifiers=0, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, code=name,
                      modifiers=modifiers, text=text if kind == "keyDown" else "")

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


def main():
    url, notebook, wanted, path = sys.argv[1:]
    parts = urllib.parse.urlsplit(url)
    page = f"{parts.scheme}://{parts.netloc}/lab/tree/{urllib.parse.quote(notebook)}?{parts.query}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        try:
            browser.call("Page.navigate", url=page)
            browser.wait("the notebook is shown", "document.querySelectorAll('.jp-CodeCell').length > 1")
            # The page's own indicator says idle before there is a kernel: ask the server, as the page does.
            browser.wait("its kernel is idle", "fetch('/api/kernels').then(r => r.json())"
                         ".then(k => k.length > 0 && k[0].execution_state == 'idle')")
            browser.wait("no dialog is open", "!document.querySelector('.jp-Dialog')")
            browser.evaluate("document.querySelector('.jp-CodeCell .cm-content').focus()")
            browser.key("Enter", 13, modifiers=8, text="\r")  # Shift+Enter runs the cell
            browser.wait(f"the output shows {wanted!r}",
                         "[...document.querySelectorAll('.jp-OutputArea-output')]"
                         f".some(o => o.textContent.includes({json.dumps(wanted)}))")
            browser.evaluate("document.querySelector('.jp-OutputArea-output').scrollIntoView({block: 'center'})")
            time.sleep(1)
        finally:
            browser.screenshot(path)
            browser.call("Browser.close")
            browser.process.wait()


main()
