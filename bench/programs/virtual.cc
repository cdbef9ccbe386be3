// virtual calls: a tree of small objects walked again and again
#include <cstdio>
#include <memory>
#include <vector>
struct node { virtual long eval(long x) const = 0; virtual ~node() {} };
struct leaf : node { long k; leaf(long v) : k(v) {} long eval(long x) const override { return k ^ x; } };
struct sum : node { std::unique_ptr<node> a, b; sum(node *l, node *r) : a(l), b(r) {} long eval(long x) const override { return a->eval(x) + b->eval(x + 1); } };
struct twist : node { std::unique_ptr<node> a; twist(node *n) : a(n) {} long eval(long x) const override { return (a->eval(x * 3) << 1) ^ x; } };
static node *make(int d, long s) { if (!d) return new leaf(s); if (s % 3) return new sum(make(d - 1, s * 7 + 1), make(d - 1, s * 5 + 2)); return new twist(make(d - 1, s + 1)); }
int main() { std::unique_ptr<node> t(make(18, 1)); long r = 0; for (long i = 0; i < 4000; i++) r = r * 31 + t->eval(i); std::printf("%ld\n", r); }
