#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the program table: each row natively and under wherry, and compares standard output, standard error and exit status.

run.py --wherry BUILD/wherry-x86_64 [--entries] [--table FILE] [--only REGEX] [--without 'ROW ...'] [-j N] [--timeout SECONDS] [--runner 'qemu-aarch64 -L ROOT'] [--option=-tier --option=0 ...]
--entries: under WHERRY_HOST_PAGE, sums up how many blocks were entered (--stats). Two more tests: less than 1 % of them may look addresses up because
there is code in the same host page, less than 3 % because a host page holds guest pages with different rights, which includes the first.
Prints a line a row and ends with 'N passed, N failed'; exit status 1 if any failed."""
import argparse, concurrent.futures, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
PI = os.path.join(HERE, '..', '..', 'bench', 'programs', 'pi.dc')

def make_inputs(d):
    """Deterministic inputs, the same on every machine."""
    state = 12345
    def rnd(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (state >> 33) % n
    syllables = 'lo rem ip sum do lor sit am et con sec te tur a di pi sci ng el it sed ei us mod tem por the qu ab cd be for and in ut la bo re'.split()
    words = [''.join(syllables[rnd(len(syllables))] for _ in range(1 + rnd(4))) for _ in range(3000)]
    text = '\n'.join(' '.join(words[min(rnd(3000), rnd(3000))] for _ in range(4 + rnd(9))) for _ in range(30000)) + '\n'
    open(d + '/text.txt', 'w').write(text)
    open(d + '/small.txt', 'w').write('\n'.join(text.split('\n')[:400]) + '\n')
    open(d + '/numbers.txt', 'w').write(''.join('%s %d %f\n' % (words[rnd(3000)], rnd(100000) - 50000, rnd(10 ** 9) / 7) for _ in range(2000)))
    noise = b''.join(((state * k + k * k * 2654435761) & (1 << 64) - 1).to_bytes(8, 'little') for k in range(1, 60001))
    data = (text.encode() + noise + bytes(200000) + bytes(range(256)) * 1000)[:4 << 20]
    open(d + '/data.bin', 'wb').write(data)
    open(d + '/small.bin', 'wb').write(data[1 << 20:(1 << 20) + 50000] + noise[:50000])
    big = b''.join(bytes([k]) + data[k * 1009:] for k in range(16))
    open(d + '/big.bin', 'wb').write(big[:30 << 20])
    for name in os.listdir(HERE + '/inputs'):
        shutil.copy(HERE + '/inputs/' + name, d)
    pi = open(PI).read()
    for digits in (50, 300):
        open('%s/pi%d.dc' % (d, digits), 'w').write(pi.replace('1000k', '%dk' % digits, 1))

def rows(path):
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            name, how, command = (x.strip() for x in line.split('|', 2))
            yield name, how, command

def argv_of(how, command, inputs):
    if how == 'run':
        return [w.replace('$BENCH', inputs) for w in shlex.split(command)]
    return ['/bin/' + how, '-c', command]

def execute(argv, inputs, extra, timeout):
    """extra: more of the environment"""
    d = tempfile.mkdtemp(prefix='wherry-table-')
    work = d + '/w'
    def unused(folder, names):                                  # the large ones that the row does not name
        line = ' '.join(argv)
        return [n for n in names if os.path.getsize(os.path.join(folder, n)) > 1 << 20 and n not in line]
    shutil.copytree(inputs, work, ignore=unused)
    # glibc's sin and exp give other last bits with FMA, which wherry's processor does not have: compare like with like
    env = {'GLIBC_TUNABLES': 'glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4', 'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': work, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'dumb', 'TMPDIR': '/tmp', **extra}
    env.update({k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')})       # tests/sanitize
    start = time.time()
    try:
        p = subprocess.Popen(argv, cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = p.communicate(timeout=timeout)
            result = (p.returncode, out, err.replace(work.encode(), b'DIR'))
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)                    # its children too
            p.communicate()
            result = ('timeout', b'', b'')
    except OSError as e:
        result = ('can not run: %s' % e, b'', b'')
    shutil.rmtree(d, ignore_errors=True)
    return result + (time.time() - start,)

def difference(native, wherry):
    for what, a, b in zip(('exit status', 'stdout', 'stderr'), native, wherry):
        if a == b:
            continue
        if what == 'exit status':
            return 'exit status %s, natively %s; stderr: %s' % (b, a, wherry[2][-300:].decode(errors='replace'))
        al, bl = a.split(b'\n'), b.split(b'\n')
        for n, (x, y) in enumerate(zip(al + [b'(end)'], bl + [b'(end)'])):
            if x != y:
                return '%s line %d: %r, natively %r' % (what, n + 1, y[:160], x[:160])
    return None

def normalise(err):
    """PIDs and addresses in messages differ from run to run."""
    return re.sub(rb'\b\d{3,7}\b', b'N', re.sub(rb'/tmp/[A-Za-z0-9._-]+', b'TMP', err))

def entries(path):
    """The counters, of all processes that wrote their statistics to the file"""
    if not os.path.exists(path):
        return 0, 0, 0
    text = open(path, errors='replace').read()
    return tuple(sum(int(n) for n in re.findall(r'^ +%s +(\d+) ' % name, text, re.M)) for name in ('code-entries', 'checked-entries', 'entries'))

def main():
    p = argparse.ArgumentParser()
    p.add_argument('--wherry', required=True); p.add_argument('--table', default=HERE + '/programs.txt')
    p.add_argument('--only', default=''); p.add_argument('--without', default='', help='rows to leave out, by blanks'); p.add_argument('-j', type=int, default=2); p.add_argument('--runner', default=''); p.add_argument('--option', action='append', default=[])
    p.add_argument('--entries', action='store_true'); p.add_argument('--timeout', type=int, default=600, help='seconds that a program may take')
    a = p.parse_args()
    runner = shlex.split(a.runner)
    if runner:
        runner[0] = shutil.which(runner[0]) or runner[0]
    wherry = runner + [os.path.abspath(a.wherry)] + (['-runner', ' '.join(runner)] if runner else []) + a.option
    inputs = tempfile.mkdtemp(prefix='wherry-inputs-')
    make_inputs(inputs)
    passed = failed = 0
    logs, sums = tempfile.mkdtemp(prefix='wherry-stats-'), [0, 0, 0]
    def one(row):
        name, how, command = row
        log = logs + '/' + name
        stats = {'WHERRY_STATS': '1', 'WHERRY_LOG_FILENAME': log} if a.entries else {}
        stats.update((k, os.environ[k]) for k in ['WHERRY_HOST_PAGE', 'WHERRY_TIER'] if k in os.environ)
        argv = argv_of(how, command, inputs)
        program = shutil.which(argv[0]) or argv[0]
        native = execute([program] + argv[1:], inputs, {}, a.timeout)
        under = execute(wherry + [program] + argv[1:], inputs, stats, a.timeout)
        under = under[:2] + (re.sub(rb'wherry: statistics\n(  .*\n)*', b'', under[2]),) + under[3:]       # of a process that has lost the log
        clean = lambda r: (r[0], r[1], normalise(re.sub(rb'qemu: uncaught target signal .*\n', b'', r[2]) if runner else r[2]))
        return name, difference(clean(native), clean(under)), native[3], under[3], entries(log)
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        for name, bad, tn, tw, looked in pool.map(one, [r for r in rows(a.table) if re.search(a.only, r[0]) and r[0] not in a.without.split()]):
            if bad:
                failed += 1; print('FAIL %s: %s' % (name, bad), flush=True)
            else:
                passed += 1; print('ok   %-18s native %.2f s, wherry %.2f s%s' % (name, tn, tw, ', %.2f %% of %d entries' % (100 * looked[1] / (looked[2] or 1), looked[2]) if a.entries else ''), flush=True)
            sums = [x + y for x, y in zip(sums, looked)]
    if a.entries:
        for k, what, limit in (0, 'code', 1), (1, 'any', 3):
            good = sums[2] and sums[k] * 100 < limit * sums[2]
            print('%s entries-%s: %d of %d blocks entered, %.3f %%' % ('ok  ' if good else 'FAIL', what, sums[k], sums[2], 100 * sums[k] / (sums[2] or 1)))
            passed += bool(good); failed += not good
    shutil.rmtree(logs, ignore_errors=True)
    shutil.rmtree(inputs, ignore_errors=True)
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(1 if failed else 0)

main()
