#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pack.py DIR FILE: DIR as an initramfs: a cpio archive of the kind that the kernel unpacks ('newc', see the kernel's initramfs buffer format)."""
import os, stat, sys

def entry(out, name, mode, data, number):
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b'070701' + b''.join(b'%08x' % f for f in fields) + name + b'\0'
    out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

def main(top, path):
    number = 0
    with open(path, 'wb') as out:
        for where, dirs, files in os.walk(top):
            dirs.sort()
            for name in sorted(dirs + files):
                full = os.path.join(where, name)
                st = os.lstat(full)
                kind = stat.S_IFMT(st.st_mode)
                if kind not in (stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK):
                    continue
                data = os.readlink(full).encode() if kind == stat.S_IFLNK else open(full, 'rb').read() if kind == stat.S_IFREG else b''
                number += 1
                entry(out, os.path.relpath(full, top).encode(), st.st_mode, data, number)
        entry(out, b'TRAILER!!!', 0, b'', 0)

main(*sys.argv[1:])
