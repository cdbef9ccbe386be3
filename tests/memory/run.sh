#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [--full]: the log of stress.c, native and under $WHERRY, with the host's own pages and with pages forced to 16 and 64 KiB ($PAGES).
# Last line: 'N passed, N failed'.
here=$(cd "$(dirname "$0")" && pwd)
WHERRY=${WHERRY:-$here/../../build/wherry-x86_64}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seeds='1 2 3 4' steps=800 passed=0 failed=0
[ "$1" = --full ] && seeds=$(seq 1 40) && steps=3000
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$work/stress" "$here/stress.c" || { echo '0 passed, 1 failed'; exit 1; }
for seed in ${SEEDS:-$seeds}; do
    timeout 60 "$work/stress" "$seed" $steps >"$work/native"
    for page in ${PAGES:-4096 16384 65536}; do
        WHERRY_HOST_PAGE=$page timeout 300 $WHERRY "$work/stress" "$seed" $steps >"$work/got" 2>"$work/err"
        if cmp -s "$work/native" "$work/got"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL seed $seed, pages of $page"
            diff "$work/native" "$work/got" | head -6 | sed 's/^/     /'
            head -3 "$work/err" | sed 's/^/     stderr: /'
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
