#!/bin/bash
# The plug is pulled while a notebook writes: everything that it had synced is there at the next boot.
. "$(dirname "$0")/lib.sh"
. tests/vm/lib_run.bash
vm_need "$BOOT/../images/lab/image.json"
client=tests/vm/jupyter_client.py

# A file each, synced with its folder; only then its number goes to the shared folder, where we see it.
writer='import os
os.makedirs("cut", exist_ok=True)
folder = os.open("cut", os.O_RDONLY)
for n in range(1, 100000):
    with open(f"cut/{n}", "w") as file:
        file.write(f"content {n}\n" * 1000)
        file.flush()
        os.fsync(file.fileno())
    os.fsync(folder)
    with open("work/acked", "w") as file:
        file.write(f"{n}\n")'
reader='count = 0
while True:
    try:
        text = open(f"cut/{count + 1}").read()
    except FileNotFoundError:
        break
    if text != f"content {count + 1}\n" * 1000:
        break
    count += 1
print(count)'

acked() {
	local n
	n=$(cat "$WORK/acked" 2>/dev/null)
	echo "${n:-0}"
}
wait_acked() {	# NUMBER
	local end=$((SECONDS + LIMIT))
	until [ "$(acked)" -ge "$1" ]; do
		((SECONDS < end)) || { echo "only $(acked) files within $LIMIT s"; return 1; }
		sleep 0.1
	done
}

ok "the machine prints a URL" run_start
$client "$URL" exec "$writer" >"$VM/writer" 2>&1 &
ok "a notebook writes and syncs" wait_acked 25
kill -KILL "$(cat "$RUN"/vm.*/pid)"
wait "$RUN_PID"
is "the launcher says that the machine died" $? 125
RUN_PID=
last=$(acked)
ok "the same data disk: it boots" run_start
whole=$($client "$URL" exec "$reader")
ok "every synced file is whole ($whole of $last)" test "${whole:-0}" -ge "$last"
ok "and stops" run_stop
tap_done
