/* SPDX-License-Identifier: GPL-2.0-or-later
 * fpcontext: SSE and x87 registers, MXCSR and the control word survive handlers that use and change them; a handler may change them in the context. */
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
static volatile int hits;
static volatile double sink;
static uint32_t mxcsr(void) { uint32_t v; asm volatile("stmxcsr %0" : "=m"(v)); return v; }
static uint16_t fcw(void) { uint16_t v; asm volatile("fnstcw %0" : "=m"(v)); return v; }
static uint32_t in_handler; static uint16_t cw_handler;
static void hit(int sig) {
    if (!hits++) { in_handler = mxcsr(); cw_handler = fcw(); }
    fesetround(FE_UPWARD);
    sink = sqrt(hits) * 3.0;
    asm volatile("fldpi\n fldpi\n fmulp\n fstp %%st(0)" ::: "st");
}
static void change(int sig, siginfo_t *info, void *v) {
    ucontext_t *uc = v;
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    printf("xmm1 in the context %x, mxcsr %x, cwd %x\n", fp->_xmm[1].element[0], fp->mxcsr & ~0x3f, fp->cwd);
    fp->_xmm[1].element[0] = 0x42;
    fp->mxcsr = 0x1f80 | 0x6000;
}
int main(void) {
    signal(SIGALRM, hit);
    struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
    fesetround(FE_DOWNWARD);
    setitimer(ITIMER_REAL, &it, NULL);
    double a[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    long double ld = 1.0L;
    long n = 0;
    while (hits < 100) {
        for (int i = 0; i < 8; i++) a[i] = a[i] * 1.0000001;
        ld = ld * 1.0000001L;
        n++;
    }
    setitimer(ITIMER_REAL, &off, NULL);
    double b[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    long double le = 1.0L;
    for (long k = 0; k < n; k++) { for (int i = 0; i < 8; i++) b[i] = b[i] * 1.0000001; le = le * 1.0000001L; }
    printf("%s %s round %x\n", memcmp(a, b, sizeof a) ? "DIFFERENT" : "same", ld == le ? "same" : "DIFFERENT", fegetround());
    printf("in the handler mxcsr %x cw %x\n", in_handler, cw_handler);
    struct sigaction sa = { .sa_sigaction = change, .sa_flags = SA_SIGINFO };
    sigaction(SIGTRAP, &sa, NULL);
    uint32_t x = 0x1234, y;
    asm volatile("movd %1, %%xmm1\n int3\n movd %%xmm1, %0" : "=r"(y) : "r"(x) : "xmm1");
    printf("xmm1 after %x, mxcsr %x\n", y, mxcsr() & ~0x3f);
    return 0;
}
