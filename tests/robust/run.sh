#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh WHERRY [NAME...]: each row of rows.txt natively and under wherry; standard output must be the same, and standard error may hold nothing of
# wherry's own. Rows that the machine itself can't run (no rights to mount, no such tool) are left out, by name. Prints FAIL lines and 'N passed, N failed'.
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
wherry=$work/$(basename "$1")           # where other users can run it too
install -m 755 "$1" "$wherry"; chmod 711 "$work"
module=$(dirname "$1")/wherry_llvm.so; [ ! -e "$module" ] || install -m 755 "$module" "$work"
shift
passed=0 failed=0 left=
declare -A need=( ["no proc"]="unshare -m true" ["read-only root"]="unshare -m true" ["job control"]="script -qec true /dev/null" [terminal]="script -qec true /dev/null"
    ["other root"]="chroot / true" [nobody]="setpriv --reuid 65534 --clear-groups true" ["own rights"]="setpriv --reuid 65534 --clear-groups true" ["drops rights"]="setpriv --reuid 65534 --clear-groups true" )

# run DIR PREFIX COMMAND: in a fresh directory, out of sight of what ran before
run() {
    mkdir -p "$work/$1/in" && cp /bin/true "$work/$1/in/hello" && chmod 711 "$work" "$work/$1"
    (cd "$work/$1/in" && timeout -k 2 60 bash -c "$3" row >"$work/$1/out" 2>"$work/$1/err" </dev/null; echo "status $?" >>"$work/$1/out") 2>/dev/null
    find "$work/$1/in" -mindepth 1 -delete 2>/dev/null
}

while IFS='|' read -r name command; do
    name=$(sed 's/ *$//' <<<"$name")
    case $name in ''|'#'*) continue ;; esac
    [ $# = 0 ] || { for n; do [ "$n" = "$name" ] && break; done; [ "$n" = "$name" ] || continue; }
    [ -z "${need[$name]}" ] || ${need[$name]} >/dev/null 2>&1 </dev/null || { left="$left, $name"; continue; }
    command=${command//@n/$'\n'}
    run native '' "${command//@/}"
    run wherry "$wherry" "${command//@/$wherry}"
    if ! cmp -s "$work/native/out" "$work/wherry/out"; then
        echo "FAIL robust $name"; failed=$((failed + 1))
        diff "$work/native/out" "$work/wherry/out" | head -n 8 | sed 's/^/     /'; head -n 4 "$work/wherry/err" | sed 's/^/     stderr: /'
    elif grep -q 'wherry: \|internal error\|assert' "$work/wherry/err"; then
        echo "FAIL robust $name: $(grep -m 1 'wherry: \|internal error\|assert' "$work/wherry/err")"; failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done <"$here/rows.txt"
[ -z "$left" ] || echo "left out, the machine can't: ${left#, }"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
