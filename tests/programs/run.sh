#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh: builds each guest program here, runs it natively and under $WHERRY and compares standard output and exit status.
#   WHERRY="build/wherry-x86_64 -tier 1" tests/programs/run.sh [NAME...]
# SKIP: names to leave out. LINK: "dynamic" (default), "static" or "both". WORK: where the programs are built. Prints a line each, then `N passed, N failed`.
here=$(cd "$(dirname "$0")" && pwd)
WHERRY=${WHERRY:-$here/../../build/wherry-x86_64}
CC=${CC:-gcc}
work=${WORK:-$(mktemp -d)}
[ -n "$WORK" ] || trap 'rm -rf "$work"' EXIT
passed=0 failed=0

run() {  # run NAME OUT COMMAND...: output to OUT, exit status as the last line
    local name=$1 out=$2; shift 2
    (cd "$work" && timeout -k 5 "${TIMEOUT:-60}" "$@" >"$out" 2>"$out.err" </dev/null; echo "status $?" >>"$out") 2>/dev/null
}

check() {  # check NAME LINK
    local name=$1 link=$2 flags=
    [ "$link" = static ] && flags=-static
    local bin=$work/$name.$link
    if ! $CC -std=gnu11 -D_GNU_SOURCE -O1 -g -w -pthread $flags -o "$bin" "$here/$name.c" -lm; then
        echo "FAIL $name ($link): does not build"; failed=$((failed + 1)); return
    fi
    local WHERRY_EXACT_ADDRESSES
    [ "$name" = addresses ] && export WHERRY_EXACT_ADDRESSES=1
    run "$name" "$bin.native" "$bin"
    run "$name" "$bin.wherry" $WHERRY "$bin"
    if cmp -s "$bin.native" "$bin.wherry"; then
        echo "ok   $name ($link)"; passed=$((passed + 1))
    else
        echo "FAIL $name ($link)"; failed=$((failed + 1))
        diff "$bin.native" "$bin.wherry" | head -${DIFF_LINES:-6} | sed 's/^/     /'
        head -${DIFF_LINES:-6} "$bin.wherry.err" | sed 's/^/     stderr: /'
    fi
}

case ${LINK:-dynamic} in both) links="dynamic static" ;; *) links=${LINK:-dynamic} ;; esac
names=${*:-$(cd "$here" && ls *.c | sed 's/\.c$//')}
for name in $names; do
    case " $SKIP " in *" $name "*) continue ;; esac
    for link in $links; do check "$name" "$link"; done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
