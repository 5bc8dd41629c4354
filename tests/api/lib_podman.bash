# lib_podman.bash - podman in the guest of lib_peers.bash with RUNTIME (/proc/cmdline): storage, no network unless asked, the
# image I, and p, which calls it.
# shellcheck source=lib_image.bash
. /payload/lib_image.bash
RUNTIME=$(sed -n 's/.*story.RUNTIME=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t tmpfs -o mode=755 var /var/lib
mkdir -p /var/lib/containers /etc/containers /var/tmp
mount -t tmpfs -o mode=1777 tmp /var/tmp
printf '[storage]\ndriver = "overlay"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' \
	>/etc/containers/storage.conf
printf '[containers]\nnetns = "none"\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n' >/etc/containers/containers.conf
echo containers:200000:600000 | tee /etc/subuid >/etc/subgid
case $RUNTIME in
box) cp /payload/box /usr/bin/box && RUNTIME=/usr/bin/box ;;
*) RUNTIME=$(command -v "$RUNTIME") ;;
esac
name=${RUNTIME##*/}

p() { timeout -k 5 "${T:-120}" podman --runtime "$RUNTIME" "$@" </dev/null; }
field() { p inspect --format "$2" "$1"; }

mkdir /tmp/image
image_tree /tmp/image /payload/busybox
tar -C /tmp/image -cf /tmp/image.tar .
ok "the image is imported" p import -q --change 'CMD=/bin/sh' /tmp/image.tar img
I=localhost/img
