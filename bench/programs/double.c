/* double [LENGTH]: double-precision C: matrix product, n-body steps, a series. LENGTH (20) scales them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#define N 260
static double a[N][N], b[N][N], c[N][N];
int main(int argc, char **argv)
{
    int length = argc > 1 ? atoi(argv[1]) : 20;
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) a[i][j] = i + j * 0.5, b[i][j] = i - j * 0.25;
    for (int r = 0; r < length * 3 / 5; r++) for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) {
        double s = 0; for (int k = 0; k < N; k++) s += a[i][k] * b[k][j]; c[i][j] = s * 1e-3 + c[i][j]; }
    double x[5] = {0, 1, 2, 3, 4}, y[5] = {1, 0, 3, 2, 5}, vx[5] = {0}, vy[5] = {0};
    for (int t = 0; t < 30000 * length; t++) {
        for (int i = 0; i < 5; i++) for (int j = 0; j < 5; j++) if (i != j) {
            double dx = x[j] - x[i], dy = y[j] - y[i], q = dx * dx + dy * dy + 0.01, f = 1e-3 / (q * sqrt(q)); vx[i] += dx * f; vy[i] += dy * f; }
        for (int i = 0; i < 5; i++) x[i] += vx[i] * 1e-3, y[i] += vy[i] * 1e-3;
    }
    double s = 0; for (int i = 1; i < 3000000 * length; i++) s += 1.0 / i / i;
    printf("%.12g %.12g %.12g %.15g\n", c[3][7], x[0], y[4], s);
}
