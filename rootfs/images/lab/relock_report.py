"""relock_report - turn two pip reports (everything, the numeric part) into requirements.lock.

One line per wheel with the one hash that was chosen, numeric layer first. pip reads the file as it
stands (--require-hashes); layers.py reads the marks.
"""

import json
import sys

LEFT_OUT = {
    # polars always asks for this one; requirements.in says why the other runtime is enough.
    "polars-runtime-32",
    # jsonschema uses it for the format `iri` when it is there. It compiles a grammar at each
    # import, two thirds of the time that JupyterLab needs to start. lark is for it alone.
    "rfc3987-syntax", "lark",
}


def wheels(path):
    found = {}
    with open(path, encoding="utf-8") as report:
        for item in json.load(report)["install"]:
            name = item["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
            if name not in LEFT_OUT:
                archive = item["download_info"]["archive_info"]
                found[name] = (item["metadata"]["version"], archive["hashes"]["sha256"])
    return found


def main():
    everything, numeric = wheels(sys.argv[1]), wheels(sys.argv[2])
    moved = [n for n in numeric if everything.get(n) != numeric[n]]
    if moved:
        sys.exit(f"relock: the two resolutions differ on {', '.join(moved)}: run it again")
    for layer in ("numeric", "jupyter"):
        print(f"# layer {layer}")
        for name in sorted(everything):
            if (name in numeric) == (layer == "numeric"):
                version, digest = everything[name]
                print(f"{name}=={version} --hash=sha256:{digest}")


main()
