#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh WHERRY: the command line, the messages and the exit statuses. Prints FAIL lines and ends with 'N passed, N failed'.
wherry=$(realpath "$1")
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir" || exit 1
passed=0 failed=0
# qemu-user turns the environment's order around, and the script that stands for wherry under it may add a variable of its shell's
if [ -n "${RUNNER-}" ]; then as_set() { grep -v '^PWD=' | sort; }; else as_set() { cat; }; fi
export -f as_set

# expect NAME STATUS PATTERN COMMAND...: exit status, and a pattern (grep -E) that stdout and stderr together contain; '' = no output at all
expect() {
    local name=$1 status=$2 pattern=$3 out got; shift 3
    out=$(timeout 60 "$@" 2>&1 </dev/null); got=$?
    if [ "$got" != "$status" ]; then echo "FAIL $name: exit status $got, expected $status: ${out:0:300}"; failed=$((failed + 1))
    elif [ -z "$pattern" ] && [ -n "$out" ]; then echo "FAIL $name: unexpected output: ${out:0:300}"; failed=$((failed + 1))
    elif ! grep -qE -- "$pattern" <<<"$out"; then echo "FAIL $name: no '$pattern' in: ${out:0:300}"; failed=$((failed + 1))
    else passed=$((passed + 1)); fi
}
# lines NAME N COMMAND...: standard error has exactly N lines
lines() {
    local name=$1 n=$2 got; shift 2
    got=$(timeout 60 "$@" 2>&1 >/dev/null </dev/null | wc -l)
    if [ "$got" = "$n" ]; then passed=$((passed + 1)); else echo "FAIL $name: $got lines on standard error, expected $n"; failed=$((failed + 1)); fi
}
build() { gcc -O1 -x c - -o "$@" || { echo "FAIL build $1"; failed=$((failed + 1)); }; }

# --- options and environment
expect version 0 'wherry.* [0-9]+\.[0-9]+' "$wherry" -version
expect version-long 0 'wherry' "$wherry" --version
expect help 0 '-L ' "$wherry" -help
expect help-strace 0 'strace' "$wherry" --help
expect no-program 1 'usage|PROGRAM' "$wherry"
expect bad-option 1 'nosuch' "$wherry" -nosuch /bin/true
expect bad-log 1 'nosuch' "$wherry" -d nosuch /bin/true
expect bad-cpu 1 'nosuch' "$wherry" -cpu nosuch /bin/true
expect cpu-list 0 'qemu64|max' "$wherry" -cpu help /bin/true
expect log-list 0 'in_asm' "$wherry" -d help /bin/true
expect set-env 0 '^A=b c$' "$wherry" -E 'A=b c' /usr/bin/env
expect set-env-order 0 '^A=2$' "$wherry" -E A=1 -E A=2 /usr/bin/env
expect unset-env 0 '^none$' env A=1 "$wherry" -U A /bin/sh -c 'echo ${A-none}'
expect argv0 0 '^other ' "$wherry" -0 other /bin/sh -c 'tr "\0" " " </proc/self/cmdline; echo; echo $0' 
expect argv0-env 0 'xyz' env QEMU_ARGV0=xyz "$wherry" /bin/bash -c 'read -r -d "" x </proc/$$/cmdline; echo $x'
expect strace 0 'exit_group\(0\)' "$wherry" -strace /bin/true
expect strace-env 0 'exit_group\(0\)' env QEMU_STRACE=1 "$wherry" /bin/true
expect tier0 0 '^7$' "$wherry" -tier 0 /bin/echo 7
expect tier1 0 '^7$' "$wherry" -tier 1 /bin/echo 7
expect tier-env 0 '^7$' env WHERRY_TIER=0 "$wherry" /bin/echo 7
expect bad-tier 1 'tier' "$wherry" -tier 9 /bin/true
expect stats 0 'blocks' "$wherry" --stats /bin/true
expect log-file 0 '' "$wherry" -d in_asm -D log.txt /bin/true
expect log-content 0 'push|mov' head -c 100000 log.txt
# what the guest writes to a closed descriptor never lands in the log, which is no descriptor of the guest's
for closed in '>&-' '<&- >&-' '<&- >&- 2>&-'; do
    expect "log-closed $closed" 3 '' bash -c "'$wherry' -d in_asm,exec -strace -D log3.txt /bin/sh -c 'echo secretword 2>/dev/null; /bin/echo secretword 2>/dev/null; exit 3' $closed"
    expect "log-closed-content $closed" 1 '' grep -a '^secretword' log3.txt
done
expect log-input-closed 0 '^0$' bash -c "'$wherry' -d in_asm -D log3.txt /bin/cat <&- 2>/dev/null | wc -c"
expect log-hidden 0 '' bash -c "/bin/ls /proc/self/fd >fds; '$wherry' -d in_asm -D log3.txt /bin/ls /proc/self/fd | diff fds -"
expect log-kept 0 '' bash -c "'$wherry' -strace -D log3.txt /usr/bin/python3 -c 'import os; os.closerange(3, 70000); os.getpid(); os._exit(0)'; grep -q getpid log3.txt"
for item in in_asm ir ir_opt out_asm exec cpu nochain; do expect "log-$item" 0 '^hi$' "$wherry" -d $item -D log2.txt /bin/echo hi; done
expect search-path 0 '^hi$' "$wherry" echo hi
expect stack-size 0 '^ok$' "$wherry" -s 67108864 /bin/echo ok
printf '#include <stdio.h>\n#include <alloca.h>\nint main(void){ volatile char *p = alloca(12 << 20); p[0] = 5; printf("%%d\\n", p[0]); }' | build large-frame
expect stack-limit 139 '.' bash -c "ulimit -s 8192 -c 0; '$wherry' ./large-frame 2>/dev/null; exit \$?"
expect stack-larger 0 '^5$' bash -c "ulimit -s 8192 -c 0; '$wherry' -s 16M ./large-frame"
expect stack-smaller 139 '.' bash -c "ulimit -s 65536 -c 0; '$wherry' -s 8M ./large-frame 2>/dev/null; exit \$?"
expect stack-by-limit 0 '^5$' bash -c "ulimit -s 65536 -c 0; '$wherry' ./large-frame"
expect stack-tiny 0 '^ok$' bash -c "ulimit -s 64; '$wherry' /bin/echo ok"
expect stdin 0 '^abc$' bash -c "echo abc | '$wherry' /bin/cat"
expect environment-unchanged 0 '' bash -c "diff <(env -i A=1 B=2 /usr/bin/env | as_set) <(env -i A=1 B=2 '$wherry' /usr/bin/env | as_set)"
expect child-environment 0 '' bash -c "diff <(env -i A=1 /bin/sh -c /usr/bin/env | as_set) <(env -i A=1 '$wherry' /bin/sh -c /usr/bin/env | as_set)"

# --- how programs end
expect exit-status 37 '' "$wherry" /bin/sh -c 'exit 37'
expect death-term 143 '.' bash -c "'$wherry' /bin/sh -c 'kill -TERM \$\$' 2>/dev/null; exit \$?"
expect death-segv 139 '.' bash -c "'$wherry' /bin/sh -c 'kill -SEGV \$\$' 2>/dev/null; exit \$?"

# --- bad input: one line, the status that a shell gives
expect missing-program 127 'nothere.*(No such file|not found)' "$wherry" ./nothere
lines missing-program-line 1 "$wherry" ./nothere
expect missing-in-path 127 'nothere-at-all' "$wherry" nothere-at-all
expect directory 126 'directory|denied' "$wherry" /tmp
echo 'not a program, just text' >text; chmod +x text
expect not-elf 126 'text.*(not an ELF|not.*ELF)' "$wherry" ./text
lines not-elf-line 1 "$wherry" ./text
: >empty; chmod +x empty
expect empty 126 'empty' "$wherry" ./empty
cp /bin/true noexec; chmod -x noexec
expect not-executable 126 '(denied|not executable|permission)' "$wherry" ./noexec
cp /bin/true elf; chmod +x elf
head -c 100 /bin/true >short; chmod +x short
expect truncated-header 126 'short.*truncated' "$wherry" ./short
head -c 6000 /bin/true >cut; chmod +x cut
expect truncated 126 'cut.*(truncated|beyond)' "$wherry" ./cut
# poke NAME OFFSET HEX...: /bin/true with bytes changed
poke() { cp /bin/true "$1"; printf "$(printf '\\x%s' "${@:3}")" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
poke arm 18 b7 00;    expect aarch64 126 'AArch64|aarch64|Arm' "$wherry" ./arm
poke ppc 18 15 00;    expect ppc64 126 'PowerPC|POWER|ppc64' "$wherry" ./ppc
poke riscv 18 f3 00;  expect riscv 126 'RISC-V' "$wherry" ./riscv
poke i386 4 01;       expect class32 126 '32-bit|i386' "$wherry" ./i386
poke be 5 02;         expect big-endian 126 'endian' "$wherry" ./be
poke rel 16 01 00;    expect object-file 126 'rel.*(object|relocatable|not executable|not a program)' "$wherry" ./rel
poke phnum 56 ff ff;  expect header-count 126 'phnum' "$wherry" ./phnum
poke phoff 32 ff ff ff ff ff ff ff 7f; expect header-offset 126 'phoff' "$wherry" ./phoff
lines bad-line 1 "$wherry" ./phoff
printf '#include <stdio.h>\nint main(void){ puts("x"); }' | build interp -Wl,--dynamic-linker=/nowhere/ld.so
expect missing-interpreter 127 '/nowhere/ld.so' "$wherry" ./interp
printf 'int f(void){return 1;}' | build libgone.so -shared -fPIC
printf 'int f(void); int main(void){ return f(); }' | build needs -L. -lgone; rm libgone.so
expect missing-library 127 'libgone.so' "$wherry" ./needs
printf 'int main(void){ __asm__("ud2"); }' | build ud2
expect illegal 132 '.' bash -c "'$wherry' ./ud2 2>/dev/null; exit \$?"
expect illegal-unimp 132 '0f 0b' bash -c "'$wherry' -d unimp ./ud2; exit \$?"
printf '#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\nint main(void){ long r = syscall(9999); printf("%%ld %%d\\n", r, errno); }' | build nosys
expect unknown-syscall 0 '^-1 38$' "$wherry" ./nosys
expect unknown-syscall-strace 0 '9999' "$wherry" -strace ./nosys

# --- kinds of programs
hello='#include <stdio.h>\nint main(int c, char **v){ printf("hello %%d\\n", c); return 5; }'
for kind in "static -static" "static-pie -static-pie" "dynamic -no-pie" "pie -pie -fPIE"; do
    set -- $kind; printf "$hello" | build "hello-$1" "${@:2}"; expect "run-$1" 5 '^hello 2$' "$wherry" ./hello-"$1" x
done

# --- roots: absolute and relative links inside
mkdir -p root/usr/lib64 root/usr/bin root/etc root/data
ln -s usr/lib64 root/lib64; ln -s /usr/bin root/bin; ln -s /data/real root/etc/abs; ln -s ../data/real root/etc/relative; ln -s /etc/abs root/etc/twice; ln -s ../../../../etc/abs root/etc/above; echo inside >root/data/real
expect root-absolute 0 '^inside$' "$wherry" -L root /bin/cat /etc/abs
expect root-relative 0 '^inside$' "$wherry" -L root /bin/cat /etc/relative
expect root-twice 0 '^inside$' "$wherry" -L root /bin/cat /etc/twice
expect root-above 0 '^inside$' "$wherry" -L root /bin/cat /etc/above
expect root-env 0 '^inside$' env QEMU_LD_PREFIX="$dir/root" "$wherry" /bin/cat /etc/abs
expect root-falls-back 0 'root' "$wherry" -L root /bin/grep root /etc/passwd
expect root-child 0 '^inside$' "$wherry" -L root /bin/sh -c 'cat /etc/abs'
# the kernel's names of directories and files are the host's: a file made by such a name is where the relative name leads too
expect root-cwd 0 '^made$' "$wherry" -L root /bin/sh -c 'cd /data && echo made >"$(/bin/pwd -P)/new" && cat new'
expect root-cwd-host 0 "^$dir/root/data\$" "$wherry" -L root /bin/sh -c 'cd /data && readlink /proc/self/cwd'

# --- short of memory is not a missing library. The first limits at which a program loads: one of them has room for the linker only.
# (an emulator takes the memory itself; AddressSanitizer's shadow is larger than any limit)
if [ -z "${RUNNER-}${ASAN_OPTIONS-}" ]; then
    limit=10000
    while [ $limit -lt 60000 ] && out=$(ulimit -v $limit; "$wherry" /bin/true 2>&1); [ $? != 127 ]; do limit=$((limit + 250)); done
    expect memory-short 127 'memory is too short for .*librar.*ulimit -v' bash -c "ulimit -v $limit; '$wherry' /bin/true"
    expect memory-short-other 127 '^/bin/sh: 1: nosuch: not found$' bash -c "ulimit -v 4000000; '$wherry' /bin/sh -c nosuch"
fi
expect filters-option 126 'not the filters' "$wherry" -seccomp 77 /bin/true

# --- the guest's view
expect uname 0 '^x86_64$' "$wherry" /bin/uname -m
expect proc-exe 0 "/(usr/)?bin/readlink$" "$wherry" /bin/readlink /proc/self/exe
expect proc-cmdline 0 '^/bin/cat /proc/self/cmdline' bash -c "'$wherry' /bin/cat /proc/self/cmdline | tr '\\0' ' '"
expect proc-maps 0 '\[stack\]' "$wherry" /bin/cat /proc/self/maps
expect proc-maps-exe 0 'r-xp .*/cat$' "$wherry" /bin/cat /proc/self/maps
expect proc-maps-clean 1 '' bash -c "'$wherry' /bin/cat /proc/self/maps | grep wherry"
expect proc-cpuinfo 0 'sse4_2' "$wherry" /bin/cat /proc/cpuinfo
expect proc-auxv 0 '' bash -c "'$wherry' /usr/bin/od -An -t u8 -w16 /proc/self/auxv | grep -q '^ *6 *4096'"

# --- any bytes as a program never crash wherry itself
n=0; bad=0
for seed in $(seq 1 60); do
    n=$((n + 1)); RANDOM=$seed; cp hello-static fuzz
    for k in 1 2 3; do                               # not in a subshell, which has random numbers of its own
        printf -v byte '\\x%02x' $((RANDOM % 256)); place=$((RANDOM % 400))
        printf "$byte" | dd of=fuzz bs=1 seek=$place conv=notrunc 2>/dev/null
    done
    out=$(timeout 20 "$wherry" ./fuzz x 2>&1 </dev/null); got=$?
    case $out in *"internal"*|*"assert"*) bad=$((bad + 1)); cp fuzz "/tmp/wherry-fuzz-$seed" ;; esac
    [ $got != 124 ] && continue
    [ -z "${RUNNER-}" ] && { timeout 5 ./fuzz x >/dev/null 2>&1 </dev/null; [ $? = 124 ]; } && continue        # it loops natively too
    bad=$((bad + 1)); echo "FAIL mutated program $seed hangs"
done
if [ $bad = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL mutated programs: $bad of $n"; fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
