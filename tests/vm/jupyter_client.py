#!/usr/bin/python3
"""Drives a Jupyter server from outside as a browser does: HTTP for contents and kernels, a WebSocket for code.

usage: jupyter_client.py URL COMMAND...     URL as printed, with its token
  wait                       until the server answers
  run NOTEBOOK OUT.json      runs every code cell, saves the notebook, writes the cells' outputs to OUT.json
  exec CODE                  runs one piece of code in a new kernel; 3 = the kernel died
  get PATH                   a text file's content to stdout
  put PATH FILE              uploads a text file
  terminal COMMAND           types it into a new terminal, as it comes; ends with its status
  sessions                   the running kernels, one a line
Ends with 0, with 1 when a cell failed, with 3 when the kernel died, with 2 on misuse.
"""
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import websocket

LIMIT = 300  # seconds for one cell; emulated CPUs are slow


class KernelDied(Exception):
    pass


class Server:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host = parts.netloc
        self.token = urllib.parse.parse_qs(parts.query).get("token", [""])[0]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://{self.host}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=LIMIT) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def contents(self, path):
        return "/api/contents/" + urllib.parse.quote(path)


class Kernel:
    def __init__(self, server, path=None):
        self.server = server
        body = {"name": "python3"}
        if path:
            body["path"] = path
        self.id = server.call("POST", "/api/kernels", body)["id"]
        self.session = uuid.uuid4().hex
        self.socket = websocket.create_connection(
            f"ws://{server.host}/api/kernels/{self.id}/channels?session_id={self.session}",
            header={"Authorization": f"token {server.token}"},
            timeout=LIMIT,
            http_no_proxy=["*"],
        )

    def execute(self, code):
        """Runs code, returns (outputs as nbformat wants them, ok)."""
        sent = uuid.uuid4().hex
        self.socket.send(json.dumps({
            "header": {"msg_id": sent, "msg_type": "execute_request", "username": "test",
                       "session": self.session, "version": "5.3", "date": ""},
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                        "allow_stdin": False, "stop_on_error": True},
        }))
        outputs, status, idle = [], None, False
        end = time.monotonic() + LIMIT
        while not (idle and status):
            if time.monotonic() > end:
                raise TimeoutError(f"cell did not end within {LIMIT} s")
            message = json.loads(self.socket.recv())
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] in ("restarting", "dead", "autorestarting"):
                raise KernelDied("the kernel died")
            if message["parent_header"].get("msg_id") != sent:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                idle = True
            elif kind == "execute_reply":
                status = content["status"]
            else:
                add_output(outputs, kind, content)
        return outputs, status == "ok"

    def close(self):
        self.socket.close()
        try:
            self.server.call("DELETE", f"/api/kernels/{self.id}")
        except urllib.error.HTTPError:
            pass  # it died and was removed


def add_output(outputs, kind, content):
    if kind == "stream":
        if outputs and outputs[-1]["output_type"] == "stream" and outputs[-1]["name"] == content["name"]:
            outputs[-1]["text"] += content["text"]
        else:
            outputs.append({"output_type": "stream", "name": content["name"], "text": content["text"]})
    elif kind == "display_data":
        outputs.append({"output_type": kind, "data": content["data"], "metadata": content["metadata"]})
    elif kind == "execute_result":
        outputs.append({"output_type": kind, "data": content["data"], "metadata": content["metadata"],
                        "execution_count": content["execution_count"]})
    elif kind == "error":
        outputs.append({"output_type": kind, **{k: content[k] for k in ("ename", "evalue", "traceback")}})


def wait(server):
    end = time.monotonic() + LIMIT
    while True:
        try:
            return server.call("GET", "/api")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def run(server, path, out):
    model = server.call("GET", server.contents(path) + "?content=1&type=notebook")
    notebook, ok = model["content"], True
    kernel = Kernel(server, path)
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cell["outputs"], ok = kernel.execute(source)
        cell["execution_count"] = count
        if not ok:
            break
    kernel.close()
    server.call("PUT", server.contents(path), {"type": "notebook", "format": "json", "content": notebook})
    with open(out, "w", encoding="utf-8") as file:
        json.dump([cell.get("outputs", []) for cell in notebook["cells"]], file, indent=1, sort_keys=True)
    return 0 if ok else 1


def execute(server, code):
    kernel = Kernel(server)
    try:
        outputs, ok = kernel.execute(code)
    finally:
        kernel.close()
    for output in outputs:
        if output["output_type"] == "error":
            print(output["ename"] + ": " + output["evalue"])
        else:
            print(output.get("text") or output["data"].get("text/plain", ""), end="")
    return 0 if ok else 1


def terminal(server, command):
    name = server.call("POST", "/api/terminals")["name"]
    socket = websocket.create_connection(
        f"ws://{server.host}/terminals/websocket/{name}",
        header={"Authorization": f"token {server.token}"},
        timeout=LIMIT,
        http_no_proxy=["*"],
    )
    # The terminal shows what was typed as well: there the marks have quotes in them.
    socket.send(json.dumps(["stdin", f"echo be''gin; {command}; echo e''nd $?\r"]))
    shown, ended, end = "", None, time.monotonic() + LIMIT
    while not ended:
        if time.monotonic() > end:
            raise TimeoutError(f"no end within {LIMIT} s: {shown!r}")
        kind, *rest = json.loads(socket.recv())
        if kind == "disconnect":
            raise ConnectionError(f"the shell ended: {shown!r}")
        shown += rest[0] if kind == "stdout" else ""
        ended = re.search(r"begin\r\n(.*)end (\d+)\r\n", shown, re.DOTALL)
    socket.close()
    server.call("DELETE", f"/api/terminals/{name}")
    print(ended[1].replace("\r\n", "\n"), end="")
    return int(ended[2])


def put(server, path, name):
    with open(name, encoding="utf-8") as file:
        server.call("PUT", server.contents(path), {"type": "file", "format": "text", "content": file.read()})


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    server, command, rest = Server(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if command == "wait":
        wait(server)
    elif command == "run":
        return run(server, *rest)
    elif command == "exec":
        return execute(server, *rest)
    elif command == "get":
        sys.stdout.write(server.call("GET", server.contents(rest[0]) + "?content=1&type=file&format=text")["content"])
    elif command == "put":
        put(server, *rest)
    elif command == "terminal":
        return terminal(server, *rest)
    elif command == "sessions":
        for kernel in server.call("GET", "/api/kernels"):
            print(kernel["id"], kernel["execution_state"])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KernelDied as error:
        print(f"jupyter_client: {error}", file=sys.stderr)
        sys.exit(3)
