import math, hashlib, zlib, decimal, fractions, random, itertools, collections, struct
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(20))
sieve = bytearray([1]) * 100000
for i in range(2, 317):
    if sieve[i]: sieve[i * i::i] = bytes(len(sieve[i * i::i]))
print(sum(sieve) - 2)
print(sum(math.sin(i) * math.sqrt(i) for i in range(50000)))
print(math.factorial(300) % (10 ** 40 + 7), pow(3, 10 ** 6, 10 ** 9 + 7), 2 ** 1000 // 3 ** 300)
for h in ('md5', 'sha1', 'sha256', 'sha512', 'blake2b', 'sha3_256'): print(h, hashlib.new(h, b'abc' * 10000).hexdigest())
print(zlib.crc32(b'hello' * 1000), zlib.adler32(b'x' * 9999), len(zlib.compress(bytes(range(256)) * 400)))
decimal.getcontext().prec = 60; print(decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7)
print(sum(fractions.Fraction(1, k) for k in range(1, 60)))
random.seed(42); print([random.randint(0, 99) for _ in range(10)], random.random(), random.gauss(0, 1))
print(sorted(collections.Counter('the quick brown fox' * 20).items())[:5], list(itertools.permutations('abc'))[3])
class A:
    def __init__(self, v): self.v = v
    def __lt__(self, o): return self.v < o.v
print([a.v for a in sorted(A((i * 7919) % 1009) for i in range(2000))][::400])
d = {}
for i in range(50000): d[i * 7919 % 10007] = d.get(i % 997, 0) + i
print(len(d), sum(d.values())); print(struct.pack('<dfhq', 1.5, 2.5, -3, 1 << 40).hex())
print(repr(0.1 + 0.2), float('1e-320'), math.fsum([0.1] * 10), round(2.675, 2), 1e308 * 10, float('nan'), divmod(-7, 2), (-8) ** (1 / 3))
try: 1 / 0
except ZeroDivisionError as e: print(e)
def gen():
    x = yield 1
    yield x * 2
g = gen(); print(next(g), g.send(21)); print('%5.2f|%-6s|%x|{:>8,.2f}'.format(1234.5) % (3.14159, 'ab', 255))
