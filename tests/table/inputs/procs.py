import subprocess, os, signal, tempfile, sys, multiprocessing
print(subprocess.check_output(['echo', 'hi'])); print(subprocess.run(['sh', '-c', 'echo e >&2; exit 5'], capture_output=True))
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(p.communicate(b'x' * 100000)[0] == b'x' * 100000)
try: subprocess.run(['/nonexistent'])
except FileNotFoundError as e: print(e)
try: subprocess.run(['sleep', '10'], timeout=0.2)
except subprocess.TimeoutExpired: print('timeout')
print(subprocess.run('kill -9 $$', shell=True).returncode); r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b'child'); os._exit(3)
print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); signal.signal(signal.SIGUSR1, lambda s, f: print('usr1')); os.kill(os.getpid(), signal.SIGUSR1)
def f(x): return x * x
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool: print(pool.map(f, range(10)))
    with tempfile.TemporaryDirectory() as d: open(d + '/a', 'w').write('1'); print(os.listdir(d))
    print(os.path.basename(os.readlink('/proc/self/exe')).startswith('python3'), open('/proc/self/cmdline').read().split('\0')[1:2], os.uname().machine)
    os.posix_spawn('/bin/echo', ['echo', 'spawned'], os.environ); os.wait()
    try: os.posix_spawn('/nonexistent', ['x'], {})
    except OSError as e: print(e.errno)
