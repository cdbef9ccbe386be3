def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(28))
d = {}
for i in range(1200000): d[i * 7919 % 10007] = d.get(i % 997, 0) + i
print(sum(d.values()))
s = ''.join(chr(97 + i % 26) for i in range(300000))
print(sum(1 for a, b in zip(s, s[1:]) if a < b), sorted(s.split('m'))[5])
x = 0.0
for i in range(1600000): x += (i % 7) * 0.5 - x / 3
print(x)
class P:
    def __init__(self, v): self.v = v
    def step(self): self.v = (self.v * 31 + 7) % 1000003; return self.v
p = P(1); print(sum(p.step() for _ in range(1200000)))
