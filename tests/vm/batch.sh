#!/bin/bash
# qemu/run --batch: the notebook's result and status come back; bad input is named and never lost.
. "$(dirname "$0")/lib.sh"
. tests/vm/lib_run.bash
vm_need "$BOOT/../images/lab/image.json"

# batch WANTED_STATUS FILE [NAME=VALUE...]
batch() {
	local wanted=$1 file=$2 status=0
	shift 2
	timeout -k 10 900 env "$@" qemu/run --batch "$file" </dev/null >"$VM/out" 2>"$VM/err" || status=$?
	[ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; tail -n 20 "$VM/out" "$VM/err"; return 1; }
}
cell() { printf '{"cells":[%s],"metadata":{"kernelspec":{"name":"python3","display_name":"Python 3","language":"python"}},"nbformat":4,"nbformat_minor":5}\n' "$1"; }
code() { printf '{"cell_type":"code","id":"c%s","metadata":{},"execution_count":null,"outputs":[],"source":"%s"}' "$1" "$2"; }
says() { grep -Eq -- "$1" "$VM/out" "$VM/err" || { tail -n 20 "$VM/out" "$VM/err"; return 1; }; }

ok "no such file: 2" batch 2 "$WORK/nosuch.ipynb"
ok "and named" says 'nosuch.ipynb: no such file'
ok "outside the shared folder: 2" batch 2 tests/vm/jupyter_client.py
ok "and named" says 'outside the shared folder'
ok "neither notebook nor script: 2" batch 2 "$WORK"
cp "$examples"/*.csv "$WORK/table.csv" 2>/dev/null || echo a >"$WORK/table.csv"
ok "a table is no notebook: 2" batch 2 "$WORK/table.csv"

before=$(sha256sum <"$WORK/digits.ipynb")
ok "the digits notebook: 0" batch 0 "$WORK/digits.ipynb"
is "the input is untouched" "$(sha256sum <"$WORK/digits.ipynb")" "$before"
ok "the executed notebook lies beside it" test -s "$WORK/digits.executed.ipynb"
ok "owned by us" owned_by_us "$WORK/digits.executed.ipynb"
ok "its results agree with the committed ones" \
	tests/vm/check_digits.py tests/vm/digits.expected "$WORK/digits.executed.ipynb" "$VM/batch.png"

cell "$(code 1 'print(\"first cell\")'),$(code 2 '1 / 0'),$(code 3 'print(\"never\")')" >"$WORK/fails.ipynb"
before=$(sha256sum <"$WORK/fails.ipynb")
ok "a failing cell: 1" batch 1 "$WORK/fails.ipynb"
ok "what came before is streamed" says 'first cell'
ok "the error is named" says 'ZeroDivisionError'
is "the input is untouched" "$(sha256sum <"$WORK/fails.ipynb")" "$before"

cell "$(code 1 'print(\"big\")'),$(code 2 'x = []\nwhile True: x.append(bytearray(b\"x\") * (64 << 20))')" >"$WORK/big.ipynb"
ok "a kernel over the memory limit: 137" batch 137 "$WORK/big.ipynb"
ok "with the limit in the sentence" says '(memory|killed).*MiB'
ok "the input is still there" test -s "$WORK/big.ipynb"

printf 'import sys\nprint("from the script")\nsys.exit(7)\n' >"$WORK/seven.py"
ok "a script's own status: 7, without network" batch 7 "$WORK/seven.py" NET=none
ok "its output is streamed" says 'from the script'

# Ctrl-C in the middle.
printf 'import time\nprint("started", flush=True)\nopen("progress.txt", "w").write("half")\ntime.sleep(3600)\n' >"$WORK/long.py"
python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execvp(sys.argv[1], sys.argv[1:])' qemu/run --batch "$WORK/long.py" </dev/null >"$VM/run.out" 2>"$VM/run.err" &
RUN_PID=$!
ok "a long script starts" run_see '^started'
kill -INT "$RUN_PID"
wait "$RUN_PID"
is "Ctrl-C: 130" $? 130
RUN_PID=
ok "the machine stopped by itself" not grep -q killing "$VM/run.err"
is "what the script wrote is there" "$(cat "$WORK/progress.txt")" half

# A machine that dies without a word.
ok "a machine without a system: 125" batch 125 "$WORK/seven.py" APPEND="init=/nosuch panic=-1"
ok "and the console's place is named" says 'console: .*console.log'
ok "which says what happened" grep -a "Kernel panic" "$RUN/console.log"
tap_done
