# box_bundles.bash - the bundles of `make bench-box`, for tests/bench/box on the host and in the guest.

# bundles_make FOLDER FILES: FOLDER/{true,seccomp,stay,kept,small} on one root, made of the programs in FILES.
# What `crun spec` writes, without a terminal; seccomp and kept add Docker's profile, small a memory limit of 512 KiB.
# BPF=false leaves the device rules out: crun has no other way to carry them out.
bundles_make() {
	local into=$1 files=$2 name
	mkdir -p "$into"/rootfs/{bin,proc,sys,dev} "$into"/{true,seccomp,stay,kept,small}
	cp "$files/still" "$into/rootfs/bin/true"
	cp "$files/still" "$into/rootfs/bin/stay"
	(cd "$into" && rm -f config.json && crun spec && mv config.json spec.json) || return 1
	for name in true seccomp stay kept small; do
		jq --argjson bpf "${BPF:-true}" --arg name "$name" --arg root "$into/rootfs" --slurpfile profile "$files/profile.json" '
			.process.terminal = false | .root.path = $root
			| .process.args = [if $name == "stay" or $name == "kept" then "/bin/stay" else "/bin/true" end]
			| if $name == "seccomp" or $name == "kept" then .linux.seccomp = $profile[0] else . end
			| if $bpf then . else del(.linux.resources.devices) end
			| if $name == "small" then .linux.resources.memory = {limit: 524288} else . end
		' "$into/spec.json" >"$into/$name/config.json" || return 1
	done
}
