#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mutate.py --wherry PROGRAM [--count N] [--seed N]: ELF programs with damaged headers, natively and under wherry. wherry must not fail
by itself, must refuse what the kernel refuses (in one line, with a shell's status), and a program that runs must end as it does natively;
but for a malformed identification, which the kernel doesn't look at and wherry names.
Ends with 'N passed, N failed'."""
import argparse, os, random, re, shutil, struct, subprocess, sys, tempfile

CORNERS = [0, 1, 2, 7, 8, 0xfff, 0x1000, 0x1001, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x400000, 0x555555554000, 0x700000000000, 0x700020000000,
           0x70ffffff0000, 0x7fffffffe000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 1 << 63, (1 << 63) - 1, (1 << 64) - 1, (1 << 64) - 4096]
HEADER = [(16, 2), (18, 2), (20, 4), (24, 8), (32, 8), (40, 8), (48, 4), (52, 2), (54, 2), (56, 2), (58, 2), (60, 2), (62, 2), (4, 1), (5, 1), (6, 1), (7, 1)]
FIELDS = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8)]
TYPES = [0, 1, 2, 3, 4, 6, 7, 0x6474e550, 0x6474e551, 0x6474e552, 0x6474e553, 0x70000000]
SOURCE = '#include <stdio.h>\nstatic __thread int t = 5; static int b[5000]; int main(int c, char **v) { printf("hello %d\\n", t + b[4000]); return c + 6; }\n'


def put(data, at, size, value):
    if at + size <= len(data):
        data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, 'little')


def one_change(data, rng, phoff, phnum):
    """One damage: a header field, a program header's field, a type, a swap of two of them, a cut, a random byte."""
    kind = rng.randrange(10)
    ph = phoff + 56 * rng.randrange(phnum)
    if kind < 2:
        at, size = rng.choice(HEADER)
        put(data, at, size, rng.choice(CORNERS))
    elif kind < 5:
        at, size = rng.choice(FIELDS)
        put(data, ph + at, size, rng.choice(CORNERS))
    elif kind == 5:
        at, size = rng.choice(FIELDS[2:])
        old = int.from_bytes(data[ph + at:ph + at + 8], 'little')
        put(data, ph + at, size, old + rng.choice([-0x1000, -8, -1, 1, 8, 0x1000, 0x100000, 1 << 40]))
    elif kind == 6:
        put(data, ph, 4, rng.choice(TYPES))
    elif kind == 7:
        other = phoff + 56 * rng.randrange(phnum)
        data[ph:ph + 56], data[other:other + 56] = data[other:other + 56], data[ph:ph + 56]
    elif kind == 8:
        del data[rng.randrange(len(data)):]
    else:
        at = rng.randrange(min(len(data), 1024))
        data[at] = rng.randrange(256)


def mutate(original, rng):
    data = bytearray(original)
    phoff, phnum = struct.unpack_from('<Q', data, 32)[0], struct.unpack_from('<H', data, 56)[0]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if len(data) > 64:
            one_change(data, rng, phoff, phnum)
    return bytes(data)


def run(command, directory):
    """(status as a shell would see it, standard output, standard error); a program that could not be started: 126"""
    try:
        p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, cwd=directory)
        return p.returncode, p.stdout[:1000], p.stderr[:1000]
    except subprocess.TimeoutExpired:
        return 'hangs', b'', b''
    except OSError:
        return 126, b'', b''


def judge(native, wherry):
    """Why this is a failure, or None."""
    if b'internal error' in wherry[2] or b'Sanitizer' in wherry[2] or (b'assert' in wherry[2] and b'glibc' not in wherry[2]):
        return 'wherry fails: %r' % wherry[2]
    if wherry[0] == 'hangs' and native[0] != 'hangs':
        return 'hangs, natively %s' % native[0]
    if native[0] == 7 and not re.search(b'malformed ELF header|[(]x32[)]', wherry[2]) and (wherry[0] != 7 or wherry[1] != native[1]):
        return 'does not run: %s %r' % (wherry[0], wherry[2])
    elsewhere = b'cannot apply additional memory protection' in native[2]       # the C library, of a place where only wherry's guest has its stack
    if native[0] != 7 and wherry[0] == 7 and native[0] not in (126, -11, -9, 'hangs') and not elsewhere:
        return 'runs, natively %s' % native[0]
    if wherry[0] in (126, 127) and not native[1] and wherry[2].count(b'\n') not in (0, 1, 2):
        return 'many words: %r' % wherry[2]
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--wherry', required=True)
    parser.add_argument('--count', type=int, default=400)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    directory, passed, failed = tempfile.mkdtemp(), 0, 0
    originals = []
    for n, flags in enumerate((['-static'], ['-static-pie'], ['-no-pie'], ['-pie', '-fPIE'])):
        out = os.path.join(directory, 'original%d' % n)
        subprocess.run(['gcc', '-x', 'c', '-', '-O1', '-o', out] + flags, input=SOURCE.encode(), check=True)
        originals.append(open(out, 'rb').read())
    for i in range(options.count):
        rng = random.Random(options.seed * 1000003 + i)
        path = os.path.join(directory, 'program%d' % i)
        with open(path, 'wb') as f:
            f.write(mutate(originals[i % 4], rng))
        os.chmod(path, 0o755)
        why = judge(run([path], directory), run([os.path.abspath(options.wherry), path], directory))
        passed, failed = passed + (not why), failed + bool(why)
        if why:
            print('FAIL mutated ELF %d of seed %d: %s' % (i, options.seed, why))
        os.unlink(path)
    shutil.rmtree(directory)
    print('%d passed, %d failed' % (passed, failed))
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
