# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of another processor run here under qemu-user with a plugin that counts instructions (tools/count.c).

struct of a build directory BUILD = build-HOST: BUILD/run libraries that wherry itself needs (tools/cross-sysroot); BUILD/native programs of
that processor from Debian; BUILD/amd64 the same programs for x86-64; BUILD/box64 Box64 where Debian has it; BUILD/bench compiled programs."""
import hashlib, os, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, '..', 'tools')
DEBIAN = {'aarch64': 'arm64', 'ppc64le': 'ppc64el'}
COMPILER = {'aarch64': 'aarch64-linux-gnu-gcc', 'ppc64le': 'powerpc64le-linux-gnu-gcc'}
PROGRAMS = ['dc', 'bzip2', 'sqlite3', 'lua5.4']
COMPILED = {'int': [], 'double': ['-lm'], 'hello': [], 'hello-static': ['-static']}
LATER_SUITE = 'trixie'                              # where Box64 is taken from if this machine's own Debian has none
CODE_CACHE = 'from=0x700000000000,to=0x700020000000'    # LAYOUT_CODE_CACHE (src/engine/engine.h)
ENVIRONMENT = {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'}
WAYS = ('native', 'wherry', 'qemu', 'box64')

class Unavailable(Exception):
    pass

class Count:
    """What one run did: all instructions, those in translated code, blocks that the plugin saw, and a digest of status and output."""
    def __init__(self, numbers, output, status):
        self.all, self.inside = numbers[0], numbers[1]
        self.output, self.status = output, status
        self.same = hashlib.sha256(b'%d\n' % status + output).hexdigest()

class Host:
    def __init__(self, name, build):
        self.name, self.build = name, os.path.abspath(build)
        if name not in DEBIAN:
            raise Unavailable('no such host: %s (%s)' % (name, ', '.join(DEBIAN)))
        self.qemu = shutil.which('qemu-' + name)
        if not self.qemu:
            raise Unavailable('qemu-%s is not installed (Debian package qemu-user)' % name)
        if b'-plugin' not in subprocess.run([self.qemu, '-h'], capture_output=True).stdout:
            raise Unavailable('%s takes no plugins, so nothing can be counted. The qemu-user of Debian 12 (7.2) takes them; '
                              'static builds, such as those of Debian 13, do not.' % self.qemu)
        self.plugin = self.build + '/count.so'
        source = TOOLS + '/count.c'
        if not newer(self.plugin, source):
            os.makedirs(self.build, exist_ok=True)
            subprocess.run(['gcc', '-O2', '-shared', '-fPIC', source, '-o', self.plugin], check=True)
        self.native, self.amd64, self.box64 = (self.build + d for d in ('/native', '/amd64', '/box64'))
        self.compiled = self.build + '/bench'
        self.libraries = ':'.join(self.amd64 + d for d in ('/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'))

    def prepare(self, ways=('native', 'wherry')):
        """Unpack Debian's trees and compile the programs; what is there already is kept."""
        note = lambda what: print('Fetching %s from Debian ...' % what, file=sys.stderr, flush=True)
        wanted = PROGRAMS + ['qemu-user']
        for tree, options, packages in ((self.native, ['--arch', DEBIAN[self.name]], wanted), (self.amd64, [], PROGRAMS)):
            if read(tree + '/.packages') != ' '.join(packages):
                note('%s for %s' % (', '.join(packages), options[-1] if options else 'amd64'))
            subprocess.run([TOOLS + '/collect-root'] + options + [tree] + packages, check=True)
        if 'box64' in ways:
            self.prepare_box64(note)
        for kind, compiler in (('amd64', 'gcc'), ('host', COMPILER[self.name])):
            os.makedirs(self.compiled + '/' + kind, exist_ok=True)
            for program, options in COMPILED.items():
                source, out = HERE + '/programs/%s.c' % program.split('-')[0], '%s/%s/%s' % (self.compiled, kind, program)
                if not newer(out, source):
                    subprocess.run([compiler, '-O2', source, '-o', out] + options, check=True)

    def prepare_box64(self, note):
        """This machine's Debian first, then a later one; an empty mark is left where neither has it for this processor."""
        if os.path.exists(self.box64 + '/.packages') or os.path.exists(self.box64 + '.none'):
            return
        note('box64 for ' + DEBIAN[self.name])
        for options in ([], ['--suite', LATER_SUITE]):
            argv = [TOOLS + '/collect-root', '--arch', DEBIAN[self.name]] + options + [self.box64, 'box64']
            if subprocess.run(argv, stderr=subprocess.DEVNULL).returncode == 0:
                return
        shutil.rmtree(self.box64, ignore_errors=True)
        open(self.box64 + '.none', 'w').close()

    def program(self, kind, name):
        """The path of a program of COMPILED or PROGRAMS; kind: host or amd64"""
        if name in COMPILED:
            return '%s/%s/%s' % (self.compiled, kind, name)
        return '%s/usr/bin/%s' % (self.amd64 if kind == 'amd64' else self.native, name)

    def command(self, way, name, options=()):
        """(qemu's tree, argv, environment) that runs a program this way; None where there is no such way"""
        amd64 = self.program('amd64', name)
        if way == 'native':
            return self.native, [self.program('host', name)], {}
        if way == 'wherry':
            return self.build + '/run', [self.build + '/wherry-x86_64', '-L', self.amd64] + list(options) + [amd64], {}
        if way == 'qemu':
            return self.native, [self.native + '/usr/bin/qemu-x86_64', '-L', self.amd64, amd64], {}
        if os.path.exists(self.box64 + '/usr/bin/box64'):
            return self.box64, [self.box64 + '/usr/bin/box64', amd64], {'BOX64_LD_LIBRARY_PATH': self.libraries, 'BOX64_NOBANNER': '1', 'BOX64_LOG': '0'}
        return None

    def expected(self, argv):
        """The digest of what the x86-64 program does on an x86-64 processor; None on a machine that has none. The compiled programs may
        differ natively on other processors: there gcc contracts a * b + c."""
        if os.uname().machine != 'x86_64':
            return None
        program = self.program('amd64', argv[0])
        loader = [] if argv[0].endswith('-static') else [self.amd64 + '/lib64/ld-linux-x86-64.so.2', '--library-path', self.libraries]
        p = subprocess.run(loader + [program] + argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        return Count((0, 0), p.stdout, p.returncode).same

    def count(self, way, argv, options=()):
        """Run argv = [program, arguments...] this way and count. None where there is no such way."""
        found = self.command(way, argv[0], options)
        if not found:
            return None
        tree, command, environment = found
        with tempfile.TemporaryDirectory(prefix='wherry-count-') as d:
            full = [self.qemu, '-L', tree, '-plugin', '%s,out=%s/count,%s' % (self.plugin, d, CODE_CACHE)] + command + argv[1:]
            p = subprocess.run(full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**ENVIRONMENT, **environment})
            try:
                numbers = [int(n) for n in open(d + '/count').readline().split()]
            except OSError:
                raise RuntimeError('%s: no count; status %d: %s' % (' '.join(full), p.returncode, p.stderr.decode(errors='replace')[-500:]))
            return Count(numbers, p.stdout, p.returncode)

def newer(made, source):
    return os.path.exists(made) and os.path.getmtime(made) >= os.path.getmtime(source)

def read(path):
    try:
        return open(path).read().strip()
    except OSError:
        return None
