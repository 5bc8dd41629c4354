#!/opt/lab/bin/python3.13
"""start-notebook.py - JupyterLab on port 8888, always with a token. Arguments go to jupyter lab."""

import os
import re
import secrets
import sys


def die(sentence):
    sys.exit(f"start-notebook.py: {sentence}")


def main():
    port = os.environ.get("JUPYTER_PORT", "8888")
    token = os.environ.get("JUPYTER_TOKEN")
    if token is None:
        token = os.environ["JUPYTER_TOKEN"] = secrets.token_hex(24)
        # Nobody else knows it, and Jupyter does not log it.
        print(f"start-notebook.py: http://127.0.0.1:{port}/lab?token={token}", file=sys.stderr,
              flush=True)
    if not token.strip():
        die("JUPYTER_TOKEN is empty, which would let anybody in: give it a value, or leave it out"
            " for a random one")
    for argument in sys.argv[1:]:
        if re.fullmatch(r"--\w+\.(token|password|hashed_password)=['\"]?['\"]?", argument):
            die(f"{argument} would let anybody in: leave it out")
    # Here and not in an own process: one Python start less.
    from jupyterlab.labapp import main as lab

    sys.argv[0] = "/opt/lab/bin/jupyter-lab"
    sys.argv[1:1] = ["--ip=0.0.0.0", f"--port={port}", "--no-browser"]
    sys.exit(lab())


main()
