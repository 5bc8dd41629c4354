# containerd_guest.bash - the part of containerd.sh inside the guest.
# shellcheck source=../vm/lib_guest.bash
. /payload/lib_guest.bash
# shellcheck source=lib_image.bash
. /payload/lib_image.bash
RUNTIME=$(sed -n 's/.*story.RUNTIME=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t tmpfs -o mode=755 var /var/lib
mkdir -p /var/tmp /etc/containerd
mount -t tmpfs -o mode=1777 tmp /var/tmp
case $RUNTIME in
box) cp /payload/box /usr/bin/box && RUNTIME=/usr/bin/box ;;
*) RUNTIME=$(command -v "$RUNTIME") ;;
esac
name=${RUNTIME##*/}

# An OCI image by hand: one layer, its config, its manifest, the index.
blob() { # FILE -> "sha256:...", kept as a blob
	local sha
	sha=$(sha256sum <"$1" | cut -d' ' -f1)
	cp "$1" "/tmp/oci/blobs/sha256/$sha"
	echo "sha256:$sha"
}
image_archive() {
	local layer config manifest
	mkdir -p /tmp/image /tmp/oci/blobs/sha256
	image_tree /tmp/image /payload/busybox
	tar -C /tmp/image -cf /tmp/layer.tar .
	layer=$(blob /tmp/layer.tar)
	jq -n --arg id "$layer" '{architecture: "amd64", os: "linux", config: {Cmd: ["/bin/sh"], Env: ["PATH=/bin", "A=image"]},
		rootfs: {type: "layers", diff_ids: [$id]}}' >/tmp/config
	config=$(blob /tmp/config)
	jq -n --arg config "$config" --arg layer "$layer" --argjson c "$(stat -c %s /tmp/config)" --argjson l "$(stat -c %s /tmp/layer.tar)" '
		{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $c},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: $l}]}' >/tmp/manifest
	manifest=$(blob /tmp/manifest)
	jq -n --arg digest "$manifest" --argjson size "$(stat -c %s /tmp/manifest)" '{schemaVersion: 2, manifests: [{
		mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
		annotations: {"io.containerd.image.name": "localhost/img:latest"}}]}' >/tmp/oci/index.json
	echo '{"imageLayoutVersion": "1.0.0"}' >/tmp/oci/oci-layout
	tar -C /tmp/oci -cf /tmp/image.tar .
}

cat >/tmp/containerd.toml <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
	"io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
TOML
setsid containerd -c /tmp/containerd.toml >/tmp/containerd.log 2>&1 </dev/null &
I=localhost/img:latest
c() { timeout -k 5 "${T:-120}" ctr "$@" </dev/null; }
# run OPTION... NAME COMMAND: the image by our runtime; OPTIONS end at the first word without a dash in front
run() {
	local options=()
	while [[ $1 = -* ]]; do options+=("$1"); shift; done
	c run --runc-binary "$RUNTIME" "${options[@]}" "$I" "$@"
}
status() { "$@" >/dev/null 2>&1; echo $?; }
task() { c tasks ls | awk -v n="$1" '$1 == n { print $3 }'; }
traces() {
	echo "mounts: $(cut -d' ' -f5 /proc/self/mountinfo | sort | tr '\n' ' ')"
	find /sys/fs/cgroup/default -mindepth 1 -type d 2>/dev/null
	find /run/containerd/runc /run/containerd/io.containerd.runtime.v2.task -mindepth 2 -maxdepth 2 ! -name '.*' 2>/dev/null
	cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'containerd-shim|sleep|box|crun|runc'
	return 0
}

ok "containerd answers" within 120 c version
image_archive
ok "the image is imported" c image import /tmp/image.tar
say "$(uname -r), runtime $RUNTIME: $($RUNTIME --version | head -n 1)"
before=$(traces)

is "run: output" "$(run --rm r1 echo hello)" hello
is "run: exit status" "$(status run --rm r2 sh -c 'exit 42')" 42
is "run: environment of the image and ours" "$(run --rm --env=B=more r3 sh -c 'echo $A $B')" "image more"
is "run: user and directory" "$(run --rm --user=u --cwd=/tmp r4 sh -c 'id -u; pwd' | tr '\n' ' ')" "1000 /tmp "
is "run: read-only root" "$(run --rm --read-only r5 sh -c 'touch /x 2>/dev/null || echo refused')" refused
run -d --memory-limit=67108864 --cpus=0.5 r6 sleep 1000
is "run: limits" "$(cd /sys/fs/cgroup/default/r6 && cat memory.max cpu.max | tr '\n' ' ')" "67108864 50000 100000 "
c tasks kill -s SIGKILL r6
ok "a task that was killed can be removed" within 60 c tasks rm r6
c c rm r6
is "run: containerd's seccomp profile" "$(run --rm --seccomp r7 grep ^Seccomp: /proc/self/status | cut -f2)" 2
is "run: no_new_privs by default of ctr" "$(run --rm r8 grep ^NoNewPrivs: /proc/self/status | cut -f2)" 1
is "run: cap-drop" "$(run --rm --cap-drop=CAP_CHOWN r9 sh -c 'touch /f && busybox chown 5 /f 2>/dev/null || echo refused')" refused
mkdir -p /tmp/v && echo outside >/tmp/v/file
is "run: a bind mount" "$(run --rm --mount=type=bind,src=/tmp/v,dst=/v,options=rbind:ro r10 sh -c 'cat /v/file; touch /v/x 2>/dev/null || echo refused' |
	tr '\n' ' ')" "outside refused "
is "run: device" "$(run --rm --device=/dev/null r11 stat -c %t:%T /dev/null)" 1:3
is "run: privileged" "$(run --rm --privileged r12 grep CapEff /proc/self/status | cut -f2)" "$(grep CapEff /proc/self/status | cut -f2)"
like "run: a terminal" "$(script -qec "ctr run --rm -t --runc-binary $RUNTIME $I r13 tty" /dev/null </dev/null | tr -d '\r')" '/dev/(pts/0|console)$'
like "a program that is missing: the runtime's own sentence" "$(run --rm r14 /nothing/here 2>&1)" '/nothing/here'
c c rm r14 >/dev/null 2>&1

ok "run -d" run -d --pid-file=/tmp/pid c1 sh -c 'trap "exit 7" TERM; while :; do sleep 1; done'
is "tasks ls: it runs" "$(task c1)" RUNNING
is "the pid file has its process" "$(cat /proc/"$(cat /tmp/pid)"/comm)" sh
is "tasks exec: output" "$(c tasks exec --exec-id e1 c1 echo from exec)" "from exec"
is "tasks exec: exit status" "$(status c tasks exec --exec-id e2 c1 sh -c 'exit 9')" 9
is "tasks exec: user and directory" "$(c tasks exec --exec-id e3 --user 1000 --cwd /tmp c1 sh -c 'id -u; pwd' | tr '\n' ' ')" "1000 /tmp "
like "tasks exec: a terminal" "$(script -qec 'ctr tasks exec --exec-id e4 -t c1 tty' /dev/null </dev/null | tr -d '\r')" '/dev/pts/'
like "tasks exec: a program that is missing" "$(c tasks exec --exec-id e5 c1 /nothing/here 2>&1)" '/nothing/here'
like "tasks ps" "$(c tasks ps c1)" "^$(cat /tmp/pid) "
like "tasks metrics" "$(c tasks metrics c1)" '^memory.usage'
like "tasks metrics: processes" "$(c tasks metrics c1)" '^pids.current +[1-9]'
ok "tasks pause" c tasks pause c1
is "it is paused" "$(task c1)" PAUSED
ok "tasks resume" c tasks resume c1
is "it runs again" "$(task c1)" RUNNING
ok "tasks checkpoint is refused" not c tasks checkpoint --image-path /tmp/checkpoint c1
[ "$name" != box ] || like "tasks checkpoint: box says why" "$(c tasks checkpoint --image-path /tmp/checkpoint c1 2>&1)" \
	'checkpoint and restore are not possible'
[ "$name" != box ] || like "box says it when asked as the shim asks" "$(box --root /run/containerd/runc/default checkpoint c1 2>&1)" \
	'^err box: checkpoint and restore are not possible: .*; stop and start the container instead$'
is "it runs on" "$(task c1)" RUNNING
ok "tasks kill" c tasks kill -s SIGTERM c1
ok "it ends" within 60 eval '[ "$(task c1)" = STOPPED ]'
like "tasks rm tells its exit status" "$(c tasks rm c1 2>&1)" 'exit code 7'
ok "containers rm" c c rm c1

run -d c2 sleep 1000
kill -9 "$(pgrep -f 'containerd-shim-runc-v2.*-id c2')"
ok "the shim killed: nothing of the task stays" within 90 eval '[ -z "$(task c2)" ] || c tasks rm -f c2'
c c rm c2 >/dev/null 2>&1
within 20 eval '[ "$(traces)" = "$before" ]'
is "nothing is left: mounts, cgroups, state, processes" "$(traces)" "$before"
say "runtime: $name"
tap_done
