#!/bin/bash
# box's systemd driver of cgroups under a real systemd: Debian's, PID 1 of a guest. The story itself is a unit of it.
. "$(dirname "$0")/lib_peers.bash"
vm_need "$OUT/bin/box"
payload=$VM/payload
mkdir "$payload"
cp tests/vm/box_systemd_guest.bash "$payload/story"
cp tests/vm/lib_guest.bash tests/api/lib_image.bash "$OUT/sysroot/bin/busybox" "$OUT/bin/box" "$payload/"
cat >"$payload/init" <<'E'
#!/bin/bash
# /etc of the tree is not complete: systemd wants a machine-id, and nothing of what it would start by itself.
exec >/dev/console 2>&1
mkdir -p /run/systemd/system /var/lib /var/log /root
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
cat >/run/systemd/system/story.service <<'U'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
ExecStart=/bin/bash /payload/story
ExecStopPost=/bin/systemctl --force --force poweroff
TimeoutStartSec=infinity
KillMode=control-group
U
exec /lib/systemd/systemd --unit=story.service --log-level=info --log-target=console --show-status=no
E
chmod +x "$payload/init"
MEM=2G peers_story "$payload"
