"""gate_idle.py - the story of tests/bench/gate_idle: a line `idle WAY SIDE KIB` for each of the gateway's two sides.

    a --- network lab --- gated --- the guest, 10.9.0.1 --- far, 10.9.0.2
"""
import os
import subprocess

from netlib import Namespace, Netd, outside

COUNT = int(os.environ["COUNT"])


def rss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:"))


def talk(ns, *words):
    """A program of talk.c and its first line."""
    with ns:
        process = subprocess.Popen(["talk", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


far, a = outside(), Namespace()
netd = Netd()
netd.ask("create", "lab", "172.18.0.0/16", "172.18.0.1", "-", "-")
netd.ask("attach", "lab", "a", a.path, "172.18.0.2", "-", "name=a")
# One port gets a quarter of the clients that there may be (gate/accept.h), who are a quarter of the files.
ports = [netd.ask("publish", "lab", f"web{i}", "tcp", "-", 0, 5300, "a").split()[-1] for i in range(4)]
servers = [talk(ns, "serve", "5300") for ns in (far, a)]
gated = netd.gateways()["lab"]
print(f"# gated without any: {rss_kib(gated)} KiB", flush=True)
for side, client, ways in (("out", a, [("10.9.0.2", "5300")]), ("published", far, [("10.9.0.1", port) for port in ports])):
    if side not in os.environ["SIDES"].split():
        continue
    talks = [talk(client, "idle", *way, str(COUNT // len(ways))) for way in ways]
    print(f"# {side}: {', '.join(said for _, said in talks)}", flush=True)
    if all(f"open={COUNT // len(ways)} " in said for _, said in talks):
        print(f"idle {side} {rss_kib(gated)}", flush=True)
    for clients, _ in talks:
        clients.communicate("")
print("1..0", flush=True)
netd.end()
