"""sbom - the image's bills of materials, SPDX 2.3 and CycloneDX 1.6, from the two locks.

usage: sbom.py OUTDIR debian.lock requirements.lock DPKG_STATUS SITE_PACKAGES...

CVEs of Debian attach to source packages, so both names are given. The dpkg status file gives the
source package, the wheels' METADATA the licence.
"""

import email.parser
import glob
import hashlib
import json
import os
import re
import sys
import uuid
from datetime import datetime, timezone
from urllib.parse import quote

IMAGE = "cuvette-lab"
# A licence expression that SPDX can hold; free text in a METADATA file is not.
EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")
IDS = re.compile(r"(0BSD|AFL|Apache|BSD|BSL|CC0|GPL|HPND|ISC|LGPL|MIT|MPL|OFL|PSF|Python"
                 r"|Unlicense|Zlib)(-|$)")


def debs(lock, status):
    sources = {}
    with open(status, encoding="utf-8") as text:
        for stanza in text.read().split("\n\n"):
            fields = dict(re.findall(r"^(Package|Version|Source): (.*)$", stanza, re.M))
            if fields:
                name, _, version = fields.get("Source", fields["Package"]).partition(" ")
                sources[fields["Package"]] = (name, version.strip("()") or fields["Version"])
    with open(lock, encoding="ascii") as lines:
        for line in lines:
            if line.startswith("lab "):
                _, sha256, _, _, name, version, arch = line.split()
                source, source_version = sources[name]
                yield {"kind": "deb", "name": name, "version": version, "sha256": sha256,
                       "source": f"{source} {source_version}", "licence": None,
                       "purl": f"pkg:deb/debian/{quote(name)}@{quote(version)}"
                               f"?arch={arch}&distro=debian-13"}


def licences(folders):
    found = {}
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "*.dist-info", "METADATA")):
            with open(path, encoding="utf-8") as text:
                head = email.parser.Parser().parse(text, headersonly=True)
            licence = head["License-Expression"] or head["License"] or ""
            simple = EXPRESSION.fullmatch(licence) and all(
                IDS.match(word) for word in re.split(r" (?:AND|OR|WITH) ", licence))
            found[re.sub(r"[-_.]+", "-", head["Name"]).lower()] = licence if simple else None
    return found


def wheels(lock, folders):
    known = licences(folders)
    with open(lock, encoding="ascii") as lines:
        for line in lines:
            if match := re.match(r"([^=#]+)==(\S+) --hash=sha256:(\w+)", line):
                name, version, sha256 = match.groups()
                yield {"kind": "pypi", "name": name, "version": version, "sha256": sha256,
                       "source": None, "licence": known[name],
                       "purl": f"pkg:pypi/{quote(name)}@{quote(version)}"}


def spdx(parts, identity, created):
    packages = [{
        "SPDXID": "SPDXRef-image", "name": IMAGE, "versionInfo": str(identity),
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "CONTAINER"}]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                  "relatedSpdxElement": "SPDXRef-image"}]
    for part in parts:
        ident = f"SPDXRef-{part['kind']}-" + re.sub(r"[^A-Za-z0-9.-]", "-", part["name"])
        package = {
            "SPDXID": ident, "name": part["name"], "versionInfo": part["version"],
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": part["licence"] or "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": part["sha256"]}],
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": part["purl"]}]}
        if part["source"]:
            package["sourceInfo"] = f"built from source package: {part['source']}"
        packages.append(package)
        relations.append({"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS",
                          "relatedSpdxElement": ident})
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": IMAGE, "documentNamespace": f"urn:uuid:{identity}",
            "creationInfo": {"created": created, "creators": ["Tool: cuvette-sbom"]},
            "packages": packages, "relationships": relations}


def cyclonedx(parts, identity, created):
    components = []
    for part in parts:
        component = {"type": "library", "bom-ref": part["purl"], "name": part["name"],
                     "version": part["version"], "purl": part["purl"],
                     "hashes": [{"alg": "SHA-256", "content": part["sha256"]}]}
        if part["licence"]:
            component["licenses"] = [{"expression": part["licence"]}]
        if part["source"]:
            component["properties"] = [{"name": "cuvette:source-package", "value": part["source"]}]
        components.append(component)
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "serialNumber": f"urn:uuid:{identity}",
            "metadata": {"timestamp": created,
                         "component": {"type": "container", "bom-ref": IMAGE, "name": IMAGE}},
            "components": components,
            "dependencies": [{"ref": IMAGE, "dependsOn": [c["bom-ref"] for c in components]}]}


def main():
    out, deb_lock, wheel_lock, status, *folders = sys.argv[1:]
    parts = [*debs(deb_lock, status), *wheels(wheel_lock, folders)]
    parts.sort(key=lambda part: (part["kind"], part["name"]))
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()
    identity = uuid.UUID(bytes=digest[:16], version=5)
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    os.makedirs(out, exist_ok=True)
    for file, document in (("spdx.json", spdx(parts, identity, created)),
                           ("cyclonedx.json", cyclonedx(parts, identity, created))):
        with open(os.path.join(out, file), "w", encoding="ascii") as text:
            json.dump(document, text, indent=1)
            text.write("\n")


main()
