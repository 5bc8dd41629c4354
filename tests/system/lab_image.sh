#!/bin/bash
# The lab image as others get it: as an OCI layout for skopeo and podman, as EROFS files for the appliance, and
# unpacked, run by chroot. Needs no network and no virtual machine; root of a user namespace will do.
set -u
cd "$(dirname "$0")/../.." || exit 1
image=${O:-build}/images/lab lab=rootfs/images/lab
skip() { echo "1..0 # SKIP $1"; exit 77; }
[ -r "$image/image.json" ] || skip "$image is missing: make first"
mkdir -p "${O:-build}/test"
t=$(mktemp -d "$(cd "${O:-build}/test" && pwd)/lab_image.XXXXXX")

if [ "${1-}" != --inside ]; then
	rmdir "$t"
	exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0" --inside
fi
trap 'umount -R "$t/root/dev" "$t/root/proc" 2>/dev/null; rm -rf "$t"' EXIT

number=0 failed=0
tap() { # NAME STATUS: what was said stands in $t/said
	number=$((number + 1))
	if [ "$2" = 0 ]; then echo "ok $number - $1"; return; fi
	failed=$((failed + 1))
	echo "not ok $number - $1"
	tail -n 20 "$t/said" | sed 's/^/#   /'
}
said() { grep -qE -- "$1" "$t/said"; }
none() { [ ! -s "$t/said" ]; }

# ---- the layout
digest=$(jq -r .digest "$image/image.json")
if command -v skopeo >/dev/null; then
	skopeo inspect "oci:$image/oci" >"$t/said" 2>&1 &&
		[ "$(jq -r .Digest "$t/said")" = "$digest" ] && [ "$(jq '.Layers | length' "$t/said")" = 4 ]
	tap "skopeo reads the layout: the digest of image.json, four layers" $?
	skopeo inspect --config "oci:$image/oci" >"$t/said" 2>&1 &&
		[ "$(jq -c .config "$t/said" | jq -S .)" = "$(jq -S .config "$image/image.json")" ]
	tap "its settings are those of image.json" $?
else
	tap "skopeo reads the layout # SKIP no skopeo in this tool root" 0
fi
if command -v podman >/dev/null; then
	# vfs keeps a whole copy for each layer, 3.5 GB in all; it is for kernels whose user namespaces mount no overlay.
	driver=vfs
	mkdir -p "$t"/probe/{lower,upper,work,on}
	! mount -t overlay -o "lowerdir=$t/probe/lower,upperdir=$t/probe/upper,workdir=$t/probe/work" probe "$t/probe/on" 2>/dev/null ||
		{ driver=overlay && umount "$t/probe/on"; }
	store=(--root "$t/store" --runroot "$t/run" --storage-driver "$driver" --cgroup-manager cgroupfs --events-backend none)
	tar -C "$image/oci" -cf "$t/lab.tar" .
	podman "${store[@]}" load -i "$t/lab.tar" >"$t/said" 2>&1
	tap "podman loads it" $?
	podman "${store[@]}" images --digests >"$t/said" 2>&1 && said "cuvette/lab +latest +$digest"
	tap "and lists it with the same digest" $?
	umount -R "$t/store/overlay" 2>/dev/null
	rm -rf "$t/store" "$t/run" "$t/probe" "$t/lab.tar"
else
	tap "podman loads it # SKIP no podman in this tool root" 0
fi
blob() { echo "$image/oci/blobs/sha256/${1#sha256:}"; }
manifest=$(blob "$digest")
mkdir "$t/root"
jq -r '.layers[].digest' "$manifest" | while read -r layer; do
	zstd -q -d -c "$(blob "$layer")" | tee >(sha256sum | sed 's/ .*//' >>"$t/diff_ids") |
		tar -x -p --numeric-owner -C "$t/root" -f - || exit 1
done >"$t/said" 2>&1
[ "$(sed 's/^/sha256:/' "$t/diff_ids")" = "$(jq -r '.rootfs.diff_ids[]' "$(blob "$(jq -r .config.digest "$manifest")")")" ]
tap "the layers unpack to what the image promises" $?

# ---- EROFS
devices=()
for layer in "$image"/erofs/[0-9]*.erofs; do
	fsck.erofs "$layer" >>"$t/said" 2>&1 || devices=(none)
	devices+=("--device=$layer")
done
[ "${devices[0]-}" != none ] && fsck.erofs "${devices[@]}" "$image/erofs/merged.erofs" >>"$t/said" 2>&1
tap "fsck.erofs finds every layer and the merged image whole" $?
mkdir "$t/erofs"
fsck.erofs --extract="$t/erofs" --no-preserve --overwrite "${devices[@]}" "$image/erofs/merged.erofs" >"$t/said" 2>&1 &&
	diff -r --no-dereference "$t/erofs" "$t/root" >"$t/said" 2>&1
tap "the merged image holds what the OCI layers hold" $?
rm -rf "$t/erofs"

# ---- the bills of materials
{ grep '^lab ' $lab/debian.lock | cut -d' ' -f5,6; sed -n 's/^\([^=#]*\)==\([^ ]*\) .*/\1 \2/p' $lab/requirements.lock; } |
	sort >"$t/locked"
jq -r '.packages[] | select(.checksums) | .name + " " + .versionInfo' "$image/sbom/spdx.json" | sort | diff - "$t/locked" >"$t/said" 2>&1
tap "SPDX names every locked package" $?
jq -r '.components[] | .name + " " + .version' "$image/sbom/cyclonedx.json" | sort | diff - "$t/locked" >"$t/said" 2>&1
tap "CycloneDX names every locked package" $?
jq -r '.components[] | select(.purl | startswith("pkg:deb")) | .properties[0].value' "$image/sbom/cyclonedx.json" >"$t/said"
said '^python3.13 3\.13' && [ "$(wc -l <"$t/said")" = "$(grep -c '^lab ' $lab/debian.lock)" ]
tap "and the source package of each Debian package" $?

# ---- the files
cd "$t/root" || exit 1
find . -xdev -perm /6000 >"$t/said"; none
tap "nothing is setuid or setgid" $?
find . -xdev ! -type l -perm -002 ! -path ./tmp ! -path ./var/tmp ! -path ./run/lock >"$t/said"; none
tap "nothing is writable by all but /tmp" $?
find . -xdev \( -uid 1000 -o -gid 1000 \) ! -path './home/jovyan*' >"$t/said"
none && [ -d home/jovyan/work ] && [ "$(stat -c '%u:%g' home/jovyan home/jovyan/work | sort -u)" = 1000:100 ] && grep -q '^jovyan:x:1000:100:' etc/passwd
tap "jovyan is 1000:100 and owns the home folder alone" $?
# The host's name is an empty file: only a place for whoever runs the image.
{ ls -d etc/machine-id etc/apt var/lib/apt/lists/* usr/share/man/*; find etc/hostname -size +0; } 2>/dev/null >"$t/said"; none
tap "no identity of a machine, no package lists, no manuals" $?
cd - >/dev/null || exit 1

# ---- run by chroot
mount -t tmpfs none "$t/root/dev" && mkdir "$t/root/dev/shm" && mount -t tmpfs none "$t/root/dev/shm"
for node in null zero full random urandom; do
	: >"$t/root/dev/$node"
	mount --bind "/dev/$node" "$t/root/dev/$node"
done
mount --rbind /proc "$t/root/proc"
# The command as the image's user, with the image's environment.
mapfile -t environment < <(jq -r '.config.Env[]' "$image/image.json")
mapfile -t entry < <(jq -r '.config.Entrypoint[]' "$image/image.json")
in_image() { # [NAME=VALUE...] CMD...
	# chroot needs root, so it comes first and changes ids after.
	env -i "${environment[@]}" HOME=/home/jovyan chroot --userspec="${IDS:-1000:100}" "$t/root" \
		/usr/bin/env -C /home/jovyan "${entry[@]}" /usr/bin/env "$@" </dev/null >"$t/said" 2>&1
}
in_image check-pyc
tap "no bytecode is stale or missing" $?
in_image python -c 'import jupyterlab, ipywidgets, numpy, numpy.testing, pandas, scipy.stats, sklearn.svm, seaborn, duckdb
import matplotlib.pyplot, statsmodels.api, polars, pyarrow.parquet, nbconvert
assert duckdb.sql("select 41 + 1").fetchall() == [(42,)]
assert polars.DataFrame({"a": [1, 2]}).sum().item() == 3'
tap "every library imports" $?
in_image pip check
tap "and finds what it wants" $?
# A login shell begins with Debian's own path.
path=$(jq -r '.config.Env[] | select(startswith("PATH=")) | .[5:]' "$image/image.json")
for shell in sh bash; do
	# shellcheck disable=SC2016 # the shell inside sets it
	in_image "$shell" -lc 'echo "$PATH"; for c in python pip jupyter; do command -v $c; done' &&
		[ "$(cat "$t/said")" = "$path"$'\n'"$(printf '/opt/lab/bin/%s\n' python pip jupyter)" ]
	tap "a login $shell has the image's path" $?
done
cp $lab/examples/* "$t/root/home/jovyan/work/"
chown -R 1000:100 "$t/root/home/jovyan/work"
in_image cuvette-batch work/digits.ipynb && grep -v '^cuvette-batch' "$t/said" | diff - tests/system/lab_image.expected >"$t/diff" 2>&1
tap "the digits notebook gives the committed results" $?
[ ! -s "$t/diff" ] || sed 's/^/#   /' "$t/diff"
cp "$t/root/home/jovyan/work/digits.executed.ipynb" "$t/first.ipynb"
in_image cuvette-batch work/digits.ipynb && cmp "$t/first.ipynb" "$t/root/home/jovyan/work/digits.executed.ipynb" >"$t/said" 2>&1
tap "and the same file, byte for byte, the second time" $?
jq -r '[.cells[].outputs[]?.data["image/png"] // empty][0]' "$t/first.ipynb" | base64 -d | head -c 8 | od -An -tx1 >"$t/said"
said '89 50 4e 47 0d 0a 1a 0a'
tap "with a PNG in it" $?

# ---- cuvette-batch on bad input; tests/vm/batch.sh has the rest
work=$t/root/home/jovyan/work
batch() { # WANTED FILE WORDS
	local status=0
	in_image cuvette-batch "$2" || status=$?
	[ "$status" = "$1" ] && said "$3"
	tap "cuvette-batch $2: $1" $?
}
echo '[1]' >"$work/list.ipynb"
echo '{"nbformat": 4, "cells"' >"$work/cut.ipynb"
echo '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"x": 1}]}' >"$work/cells.ipynb"
printf 'import os, signal\nos.kill(os.getpid(), 9)\n' >"$work/killed.py"
printf '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "id": "a", "metadata": {},
"execution_count": null, "outputs": [], "source": "import os\\nos.kill(os.getpid(), 9)"}]}' >"$work/killed.ipynb"
batch 2 work/nosuch.ipynb 'no file .*nosuch'
batch 2 work 'not a file'
batch 2 work/absorbance.csv 'neither a notebook'
batch 2 work/list.ipynb 'list.ipynb is not a.* notebook'
batch 2 work/cut.ipynb 'no JSON at line 2'
batch 2 work/cells.ipynb 'not a valid notebook'
batch 0 work/absorbance.py '^caffeine +0\.331'
batch 137 work/killed.py 'killed, most likely by the memory limit'
batch 137 work/killed.ipynb 'kernel was killed in cell 1 of 1, most likely by the memory limit'

# ---- the way in
! in_image JUPYTER_TOKEN= start-notebook.py && said 'JUPYTER_TOKEN is empty'
tap "an empty token is refused" $?
! in_image start-notebook.py --IdentityProvider.token= && said 'would let anybody in'
tap "as an argument as well" $?
environment+=(NB_UMASK=9)
! in_image true && said 'not an octal umask'
tap "a wrong NB_UMASK is refused" $?
environment+=(NB_UMASK=027)
in_image sh -c umask && said '^0?027$'
tap "NB_UMASK counts" $?
mkdir -p "$t/root/home/jovyan/.local/share/jupyter" && chown -R 1000:100 "$t/root/home/jovyan/.local"
IDS=1234:100 in_image sh -c 'id -u; [ "$HOME" != /home/jovyan ]' && said "belongs to uid 1000"
tap "a home that another id has used is not in the way" $?
rm -rf "$t/root/home/jovyan/.local"
IDS=1234:1234 in_image sh -c 'id -u; [ -w "$HOME" ] && [ "$HOME" != /home/jovyan ]' && said 1234
tap "any other uid gets a home that it can write" $?
environment+=(NB_UID=4321 NB_GID=4321)
IDS=0:0 in_image id && said 'uid=4321 gid=4321.*100\(users\)'
tap "root becomes NB_UID and NB_GID" $?
environment+=(NB_UID=0)
! IDS=0:0 in_image id && said 'do not run as root'
tap "and never runs a notebook as root" $?
find "$t/root" -xdev -newer "$t/diff_ids" -path '*__pycache__*' >"$t/said"; none
tap "nothing of this has written bytecode" $?
echo "1..$number"
exit $((failed != 0))
