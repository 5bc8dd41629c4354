#!/bin/bash
# A real browser opens the printed URL, runs a cell, and leaves a screenshot to look at in build/test/.
. "$(dirname "$0")/lib.sh"
. tests/vm/lib_run.bash
vm_need "$BOOT/../images/lab/image.json"
command -v chromium >/dev/null || { echo "1..0 # SKIP chromium is not in this tool root"; exit 77; }

mkdir -p "$OUT/test"
ok "the machine prints a URL" run_start
ok "a browser runs the first cell of the digits notebook" \
	tests/vm/browser.py "$URL" work/digits.ipynb "accuracy = 0.94472361809" "$OUT/test/browser.png"
ok "the screenshot is a picture" test "$(head -c 4 "$OUT/test/browser.png" | tail -c 3)" = PNG
ok "the machine stops" run_stop
tap_done
