# lib_image.bash - the image of the runtime's stories: busybox and three users' worth of files, made on the spot.

# image_tree FOLDER BUSYBOX
image_tree() {
	local applet
	mkdir -p "$1"/{bin,etc,proc,sys,dev,tmp,root,home/u,var,run}
	cp "$2" "$1/bin/busybox"
	for applet in sh cat id env ps sleep echo true false ls stat grep touch rm dd mount umount hostname tty stty head \
		sed kill test mkdir nc wc tr cut printf sort; do
		ln -s busybox "$1/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nu:x:1000:100:u:/home/u:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nusers:x:100:\n' >"$1/etc/group"
	echo text >"$1/etc/not-a-program"
	chmod 1777 "$1/tmp"
	chown 1000:100 "$1/home/u"
}
