import threading, queue, time, concurrent.futures, asyncio, socket, select
n = 0; lock = threading.Lock()
def add():
    global n
    for _ in range(2000):
        with lock: n += 1
ts = [threading.Thread(target=add) for _ in range(8)]; [t.start() for t in ts]; [t.join() for t in ts]; print(n)
q = queue.Queue(); t = threading.Thread(target=lambda: [q.put(i) for i in range(1000)]); t.start(); print(sum(q.get() for _ in range(1000))); t.join()
with concurrent.futures.ThreadPoolExecutor(4) as e: print(sum(e.map(lambda x: x * x, range(500))))
async def w(i): await asyncio.sleep(0.01); return i
async def main(): print(sum(await asyncio.gather(*[w(i) for i in range(50)])))
asyncio.run(main()); s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
def serve(): c, _ = s.accept(); c.sendall(c.recv(100).upper()); c.close()
t = threading.Thread(target=serve); t.start(); c = socket.create_connection(s.getsockname()); c.sendall(b'hello'); print(c.recv(100)); t.join()
ev = threading.Event(); threading.Timer(0.05, ev.set).start(); print(ev.wait(5)); print(select.select([], [], [], 0.01))
