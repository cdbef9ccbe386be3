struct item@ { struct item@ *left, *right; int key; double weight; char name[24]; };
static struct item@ *insert@(struct item@ *t, int key)
{
    if (!t) { t = calloc(1, sizeof *t); t->key = key; t->weight = sqrt((double)key); snprintf(t->name, sizeof t->name, "n%d", key); return t; }
    if (key < t->key) t->left = insert@(t->left, key); else if (key > t->key) t->right = insert@(t->right, key);
    return t;
}
static double walk@(const struct item@ *t, int depth)
{
    double s = 0;
    switch (depth % 5) { case 0: s += 1; break; case 1: s -= t ? t->weight : 0; break; case 2: s *= 2; break; case 3: s += strlen(t ? t->name : ""); break; default: s = -s; }
    return t ? s + walk@(t->left, depth + 1) + walk@(t->right, depth + 1) : s;
}
static unsigned long mix@(const unsigned char *p, size_t n)
{
    unsigned long h = 14695981039346656037ul;
    for (size_t i = 0; i < n; i++) { h ^= p[i]; h *= 1099511628211ul; if (h & 1024) h = (h << 7) | (h >> 57); }
    for (int i = 0; i < 8; i++) for (int j = i; j < 8; j++) h += (h >> (i * 3 + 1)) ^ (unsigned long)(i * j);
    return h;
}
int use@(int n, char **v)
{
    struct item@ *t = NULL; int a[64];
    for (int i = 0; i < n; i++) { t = insert@(t, (i * 7919) % 1009); a[i & 63] = i * i; }
    for (int i = 1; i < 64; i++) for (int j = i; j > 0 && a[j - 1] > a[j]; j--) { int x = a[j]; a[j] = a[j - 1]; a[j - 1] = x; }
    printf("%f %lu %d %s\n", walk@(t, 0), mix@((unsigned char *)a, sizeof a), a[3], v[0]);
    return (int)mix@((unsigned char *)v[0], strlen(v[0])) % (n + 1);
}
