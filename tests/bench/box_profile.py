#!/usr/bin/env python3
"""box_profile.py FILE - where the instructions of a traced run went, from the `trace` lines of the bench in the guest.

One CPU, and a time stamp that counts instructions: what lies between two events belongs to the process on the CPU and to
the system call that it is in, or to its own code (with its page faults).
"""
import collections
import re
import sys

EVENT = re.compile(r"^trace (\S+)\s+(.+?)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+): (\w+): (.*)$")


def syscall_names():
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as header:
        return {int(n): name for name, n in re.findall(r"#define __NR_(\w+) (\d+)", header.read())}


class Run:
    """One traced run: instructions and calls by (program, system call)."""

    def __init__(self):
        self.spent = collections.Counter()
        self.calls = collections.Counter()
        self.inside, self.program = {}, {}
        self.running = self.last = None

    def event(self, comm, pid, time, kind, rest, names):
        if self.last is not None:
            where = self.inside.get(self.running, "its own code")
            self.spent[self.program.get(self.running, "?"), where] += time - self.last
        self.last, self.running, self.program[pid] = time, pid, comm
        if kind == "sys_enter":
            self.inside[pid] = names.get(int(rest.split()[1]), "?")
            self.calls[comm, self.inside[pid]] += 1
        elif kind == "sys_exit":
            self.inside.pop(pid, None)
        elif kind == "page_fault_user":
            self.calls[comm, "its own code"] += 1
        elif kind == "sched_switch":
            found = re.search(r"next_comm=(.*?) next_pid=(\d+)", rest)
            self.running = int(found[2])
            self.program[self.running] = found[1]


def main():
    runs, names = collections.defaultdict(Run), syscall_names()
    with open(sys.argv[1], errors="replace") as lines:
        for line in lines:
            found = EVENT.match(line.rstrip())
            if found:
                runs[found[1]].event(found[2], int(found[3]), int(found[4]), found[5], found[6], names)
    for name, run in runs.items():
        print(f"profile {name}: {sum(run.spent.values())} instructions; of its own code the calls are page faults")
        for key, spent in run.spent.most_common(25):
            print(f"  {key[0]:16} {key[1]:18} {spent:9} {run.calls[key]:4} calls")


main()
