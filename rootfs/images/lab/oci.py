"""oci - put layers and the image's settings together: OCI image layout, image.json and EROFS files.

usage: oci.py OUTDIR settings.json NAME=LAYER_DIR...

LAYER_DIR holds layer.tar.zst, layer.erofs and diff_id, as `build` leaves them. Blobs are linked.
"""

import hashlib
import json
import os
import shutil
import sys
from datetime import datetime, timezone

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"


def place(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


class Layout:
    def __init__(self, folder):
        self.blobs = os.path.join(folder, "blobs", "sha256")
        self.folder = folder
        os.makedirs(self.blobs)

    def file(self, path, media_type):
        with open(path, "rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        place(path, os.path.join(self.blobs, digest))
        size = os.path.getsize(path)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}

    def document(self, document, media_type):
        data = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.blobs, digest), "wb") as out:
            out.write(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def finish(self, manifest, name):
        for file, document in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {
                "schemaVersion": 2, "mediaType": INDEX,
                "manifests": [manifest | {
                    "platform": {"architecture": "amd64", "os": "linux"},
                    "annotations": {"org.opencontainers.image.ref.name": name}}]})):
            with open(os.path.join(self.folder, file), "w", encoding="ascii") as out:
                json.dump(document, out, sort_keys=True)


def main():
    out, settings_file, *layers = sys.argv[1:]
    layers = [layer.split("=", 1) for layer in layers]
    with open(settings_file, encoding="utf-8") as file:
        settings = json.load(file)
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    layout, blobs, diff_ids, files = Layout(os.path.join(out, "oci")), [], [], []
    os.makedirs(os.path.join(out, "erofs"))
    for number, (_, folder) in enumerate(layers):
        blobs.append(layout.file(os.path.join(folder, "layer.tar.zst"), LAYER))
        with open(os.path.join(folder, "diff_id"), encoding="ascii") as file:
            diff_ids.append(file.read().strip())
        place(os.path.join(folder, "layer.erofs"), os.path.join(out, "erofs", f"{number}.erofs"))
        files.append(f"layers/{number}.erofs")

    config = layout.document({
        "created": created, "architecture": "amd64", "os": "linux", "config": settings["config"],
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": created, "created_by": f"rootfs/images/lab: {name}"}
                    for name, _ in layers],
    }, CONFIG)
    manifest = layout.document({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": blobs,
        "annotations": settings["annotations"] | {"org.opencontainers.image.created": created},
    }, MANIFEST)
    layout.finish(manifest, settings["tag"])

    with open(os.path.join(out, "image.json"), "w", encoding="ascii") as file:
        json.dump({"schema": 1, "name": settings["name"], "digest": manifest["digest"],
                   "layers": files, "merged": "merged.erofs", "config": settings["config"]},
                  file, indent=1, sort_keys=True)
        file.write("\n")


main()
