"""layer - write the folder TREE as one tar file that depends on nothing but its content.

usage: layer.py TREE OUT.tar [PREFIX=UID:GID...]

Sorted names, numeric owners, SOURCE_DATE_EPOCH on everything, no extended attributes. Owners are
those on disk, or with PREFIX=UID:GID those of the longest prefix that fits (an empty one always).
"""

import os
import stat
import sys
import tarfile


def owners(arguments):
    table = []
    for argument in arguments:
        prefix, _, ids = argument.partition("=")
        uid, gid = ids.split(":")
        table.append((prefix, int(uid), int(gid)))
    return sorted(table, key=lambda row: -len(row[0]))


def entries(tree):
    for folder, folders, files in os.walk(tree):
        folders.sort()
        if folder != tree:
            yield folder
        # Links to folders come as folders from os.walk, and are not walked.
        for name in sorted(files + [f for f in folders if os.path.islink(os.path.join(folder, f))]):
            yield os.path.join(folder, name)


def add(tar, path, name, table, links):
    found = os.lstat(path)
    info = tarfile.TarInfo(name)
    info.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    info.mode = stat.S_IMODE(found.st_mode)
    info.uid, info.gid = found.st_uid, found.st_gid
    for prefix, uid, gid in table:
        if not prefix or name == prefix or name.startswith(prefix + "/"):
            info.uid, info.gid = uid, gid
            break
    if stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif stat.S_ISREG(found.st_mode):
        if found.st_nlink > 1 and (found.st_dev, found.st_ino) in links:
            info.type, info.linkname = tarfile.LNKTYPE, links[found.st_dev, found.st_ino]
        else:
            links[found.st_dev, found.st_ino] = name
            info.size = found.st_size
            with open(path, "rb") as data:
                tar.addfile(info, data)
            return
    else:
        sys.exit(f"layer: {path} is a device, pipe or socket: an image layer has none")
    tar.addfile(info)


def main():
    tree, out, table = sys.argv[1], sys.argv[2], owners(sys.argv[3:])
    links = {}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in entries(tree):
            add(tar, path, os.path.relpath(path, tree), table, links)


main()
