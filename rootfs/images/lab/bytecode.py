"""bytecode - compile every source below TREE, as the running image will look for it.

usage: bytecode.py TREE

Unchecked-hash .pyc files: valid whatever happens to time stamps on the way into an image, and no
stat of the source at import. The work is cut into a fixed number of parts, each compiled by a fresh
child in sorted order: what marshal writes depends on what the process compiled before.
"""

import importlib.util
import os
import py_compile
import sys

PARTS = 16


def sources(tree):
    for folder, folders, files in os.walk(tree):
        folders.sort()
        for file in files:
            path = os.path.join(folder, file)
            if file.endswith(".py") and os.path.isfile(real(tree, path)):
                yield path


def real(tree, path):
    """The file behind a link, which may be absolute and means the tree then."""
    while os.path.islink(path):
        link = os.readlink(path)
        path = tree + link if link.startswith("/") else os.path.join(os.path.dirname(path), link)
    return path


def compile_part(tree, paths):
    for path in paths:
        try:
            py_compile.compile(real(tree, path), importlib.util.cache_from_source(path),
                               dfile="/" + os.path.relpath(path, tree), doraise=True,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        except py_compile.PyCompileError:
            pass  # templates and samples of bad syntax: no import can want them


def main():
    tree = os.path.abspath(sys.argv[1])
    for folder, folders, _ in os.walk(tree):
        if os.path.basename(folder) == "__pycache__":
            for file in os.listdir(folder):
                os.unlink(os.path.join(folder, file))
    todo = sorted(sources(tree))
    running, failed = 0, False
    for part in range(PARTS):
        if running == len(os.sched_getaffinity(0)):
            failed |= os.wait()[1] != 0
            running -= 1
        if os.fork() == 0:
            status = 1
            try:
                compile_part(tree, todo[part::PARTS])
                status = 0
            finally:
                os._exit(status)
        running += 1
    for _ in range(running):
        failed |= os.wait()[1] != 0
    if failed:
        sys.exit("bytecode: a compile process failed: see its message above")


main()
