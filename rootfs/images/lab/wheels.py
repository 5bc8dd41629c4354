"""wheels - unpack the wheels of one layer into TREE/opt/lab, as pip would; same bytes every time.

usage: wheels.py LOCK LAYER WHEEL_DIR TREE

Every wheel is checked against its sha256 in the lock. Nothing runs, nothing is resolved, nothing is
fetched. What a running image never reads is left out, and out of RECORD (see `left_out`).
"""

import base64
import configparser
import hashlib
import os
import re
import sys
import zipfile

PREFIX = "opt/lab"
SITE = f"{PREFIX}/lib/python3.13/site-packages"
SHEBANG = b"#!/opt/lab/bin/python3.13\n"

# Their own test suites: a third of all files. numpy's stays, numpy.testing imports from it.
TESTS_LEFT_OUT = ("matplotlib", "mpl_toolkits", "pandas", "pyarrow", "scipy", "sklearn",
                  "statsmodels")
# C headers of libraries nobody can compile against here: there is no compiler.
HEADERS_LEFT_OUT = ("pyarrow/include/", "pyarrow/includes/", "pyarrow/src/")

# polars runs on either runtime; requirements.in says which one is here. Without this every
# `pip install` of a user would complain.
REQUIRES = {
    "polars": (b"Requires-Dist: polars-runtime-32", b"Requires-Dist: polars-runtime-compat"),
}

SCRIPT = """\
import sys
from {module} import {head}
if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit({call}())
"""


def left_out(path):
    parts = path.split("/")
    if parts[0] in TESTS_LEFT_OUT and "tests" in parts[:-1]:
        return True
    if path.startswith(HEADERS_LEFT_OUT):
        return True
    return path.endswith((".js.map", ".css.map"))


def locked(lock, layer):
    """{normalised name: sha256} of one layer of requirements.lock."""
    found, current = {}, None
    with open(lock, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("# layer "):
                current = line.split()[2]
            elif line.strip() and current == layer:
                name, digest = re.match(r"([^=]+)==\S+ --hash=sha256:(\w+)", line).groups()
                found[name] = digest
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def choose(wheel_dir, wanted):
    """The wheel files of this layer, sorted by name, checked by content."""
    chosen = {}
    for file in sorted(os.listdir(wheel_dir)):
        name = normal(file.split("-")[0])
        if file.endswith(".whl") and name in wanted:
            path = os.path.join(wheel_dir, file)
            with open(path, "rb") as data:
                digest = hashlib.file_digest(data, "sha256").hexdigest()
            if digest != wanted[name]:
                sys.exit(f"wheels: {file}: sha256 is {digest}, the lock says {wanted[name]}:"
                         " delete it and fetch again")
            chosen[name] = path
    for name in sorted(wanted.keys() - chosen.keys()):
        sys.exit(f"wheels: no wheel of {name} in {wheel_dir}: run the fetch step again")
    return [chosen[name] for name in sorted(chosen)]


class Wheel:
    def __init__(self, path, tree):
        self.zip = zipfile.ZipFile(path)
        self.tree = tree
        self.record = []
        self.info = next(n.split("/")[0] for n in self.zip.namelist()
                         if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))

    def put(self, path, data, executable=False):
        """Write one file below the tree and note it for RECORD."""
        target = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.exists(target):
            sys.exit(f"wheels: {self.info} overwrites {path} of another wheel")
        with open(target, "wb") as out:
            out.write(data)
        os.chmod(target, 0o755 if executable else 0o644)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.record.append((os.path.relpath(path, SITE), f"sha256={digest}", str(len(data))))

    def place(self, name):
        """Where a member of the archive goes; None for what is left out."""
        parts = name.split("/")
        if parts[0].endswith(".data"):
            kind, rest = parts[1], "/".join(parts[2:])
            if kind in ("purelib", "platlib"):
                return None if left_out(rest) else f"{SITE}/{rest}"
            return {"data": f"{PREFIX}/{rest}", "scripts": f"{PREFIX}/bin/{rest}"}.get(kind)
        if name in (f"{self.info}/RECORD", f"{self.info}/RECORD.jws") or left_out(name):
            return None
        return f"{SITE}/{name}"

    def entry_points(self):
        try:
            text = self.zip.read(f"{self.info}/entry_points.txt").decode()
        except KeyError:
            return
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str
        parser.read_string(text)
        for group in ("console_scripts", "gui_scripts"):
            for name, target in sorted(parser.items(group) if parser.has_section(group) else ()):
                module, _, call = target.split("[")[0].strip().partition(":")
                body = SCRIPT.format(module=module, head=call.split(".")[0], call=call)
                self.put(f"{PREFIX}/bin/{name}", SHEBANG + body.encode(), executable=True)

    def install(self):
        for member in self.zip.infolist():
            path = None if member.is_dir() else self.place(member.filename)
            if path is None:
                continue
            if ".." in path.split("/"):
                sys.exit(f"wheels: {self.info} reaches out of the tree: {member.filename}")
            data = self.zip.read(member)
            if member.filename == f"{self.info}/METADATA" and self.info.split("-")[0] in REQUIRES:
                data = data.replace(*REQUIRES[self.info.split("-")[0]])
            script = path.startswith(f"{PREFIX}/bin/")
            if script and data.startswith(b"#!python"):
                data = SHEBANG + data.split(b"\n", 1)[1]
            self.put(path, data, script or bool((member.external_attr >> 16) & 0o111))
        self.entry_points()
        self.put(f"{SITE}/{self.info}/INSTALLER", b"pip\n")
        self.record.append((f"{self.info}/RECORD", "", ""))
        lines = "".join(",".join(f'"{c}"' if "," in c else c for c in row) + "\n"
                        for row in sorted(self.record))
        with open(os.path.join(self.tree, SITE, self.info, "RECORD"), "w", encoding="utf-8") as out:
            out.write(lines)


def main():
    lock, layer, wheel_dir, tree = sys.argv[1:]
    os.umask(0o022)
    for path in choose(wheel_dir, locked(lock, layer)):
        Wheel(path, tree).install()


main()
