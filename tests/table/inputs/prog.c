#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; double v; };
static int cmp(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static unsigned hash(const char *s) { unsigned h = 5381; while (*s) h = h * 33 ^ (unsigned char)*s++; return h; }
int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 100, *a = malloc(n * sizeof *a);
    struct node *l = NULL; double s = 0; long double q = 1;
    for (int i = 0; i < n; i++) a[i] = (int)((i * 7919u) % 10007);
    qsort(a, n, sizeof *a, cmp);
    for (int i = 0; i < n; i++) { struct node *p = malloc(sizeof *p); p->next = l; p->v = sqrt(i) * sin(a[i]); l = p; q += q / (i + 2.0L); }
    for (struct node *p = l; p; p = p->next) s += p->v;
    float f = 0; for (int i = 1; i < n; i++) f += 1.0f / i;
    printf("%d %d %.10f %.15Lg %f %u %a\n", a[0], a[n - 1], s, q, f, hash("hello"), s);
    switch (n % 7) { case 0: puts("zero"); break; case 1: puts("one"); break; case 2: puts("two"); break; case 3: puts("three"); break; default: puts("more"); }
    return n % 5;
}
