/* SPDX-License-Identifier: GPL-2.0-or-later
 * sigframe.c: the frame that a handler finds on its stack and rt_sigreturn takes back: x86-64's struct rt_sigframe with the whole
 * context, as a kernel without XSAVE lays it out. The alternate stack is the guest's own affair, so it is kept here too.
 * System V ABI x86-64 3.2.2 (red zone), sigaltstack(2), sigreturn(2), SDM vol. 1 10.5.1 (FXSAVE).
 */
#include <string.h>
#include "linux/hostcall.h"
#include "linux/sighand.h"

enum { RED_ZONE = 128, FPSTATE_SIZE = 512, MIN_ALTSTACK = 2048, USER_CS = 0x33, USER_SS = 0x2b };
enum { UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
#define ALT_ONSTACK 1u
#define ALT_DISABLE 2u
#define ALT_AUTODISARM (1u << 31)

struct guest_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct guest_ucontext {
    uint64_t flags, link;
    struct linux_stack stack;
    struct guest_sigcontext mc;
    uint64_t sigmask;
};
struct guest_sigframe {
    uint64_t restorer;
    struct guest_ucontext uc;
    siginfo_t info;
};
_Static_assert(sizeof(struct guest_sigcontext) == 256, "x86-64's struct sigcontext");
_Static_assert(sizeof(struct guest_sigframe) == 440, "x86-64's struct rt_sigframe");

/* ---- the alternate stack ---- */

static bool on_altstack(const struct linux_thread *t, uint64_t sp)
{
    return !(t->altstack_flags & ALT_AUTODISARM) && sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

uint32_t linux_altstack_state(const struct linux_thread *t, uint64_t sp)
{
    uint32_t state = !t->altstack_size ? ALT_DISABLE : on_altstack(t, sp) ? ALT_ONSTACK : 0;
    return state | (t->altstack_flags & ALT_AUTODISARM);
}

int64_t linux_set_altstack(struct linux_thread *t, const struct linux_stack *ss, uint64_t sp)
{
    uint32_t mode = ss->flags & ~ALT_AUTODISARM;
    if (t->altstack_size && on_altstack(t, sp)) return -EPERM;
    if (mode != ALT_DISABLE && mode != ALT_ONSTACK && mode != 0) return -EINVAL;
    if (mode == ALT_DISABLE) {
        t->altstack_sp = t->altstack_size = 0;
    } else {
        if (ss->sp == t->altstack_sp && ss->size == t->altstack_size && ss->flags == t->altstack_flags) return 0;      /* no change: no check */
        if (ss->size < MIN_ALTSTACK) return -ENOMEM;
        t->altstack_sp = ss->sp;
        t->altstack_size = ss->size;
    }
    t->altstack_flags = ss->flags;
    return 0;
}

/* ---- the frame ---- */

/* where context and state keep each other's general registers */
#define EACH_GPR(X) X(r8, R8) X(r9, R9) X(r10, R10) X(r11, R11) X(r12, R12) X(r13, R13) X(r14, R14) X(r15, R15) \
    X(di, RDI) X(si, RSI) X(bp, RBP) X(bx, RBX) X(dx, RDX) X(ax, RAX) X(cx, RCX) X(sp, RSP)

static void save_context(struct guest_ucontext *uc, const struct linux_thread *t, uint64_t fpstate)
{
    const struct x86_state *s = &t->cpu->state;
    struct guest_sigcontext *m = &uc->mc;
#define SAVE(field, reg) m->field = s->gpr[X86_##reg];
    EACH_GPR(SAVE)
#undef SAVE
    m->ip = s->pc;
    m->flags = x86_rflags(s);
    m->cs = USER_CS;
    m->ss = USER_SS;
    m->err = t->signals->err;
    m->trapno = t->signals->trapno;
    m->cr2 = t->signals->cr2;
    uc->sigmask = m->oldmask = t->restore_sigmask ? t->saved_sigmask : t->sigmask;
    m->fpstate = fpstate;
    uc->flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->stack = (struct linux_stack){ t->altstack_sp, t->altstack_flags, 0, t->altstack_size };     /* as it was set: sigreturn sets it again */
}

/* Stack pointer for the frame and, above it, the FXSAVE image; 0 when it leaves the alternate stack. */
static uint64_t place_frame(const struct linux_thread *t, const struct linux_sigaction *act, uint64_t *fpstate)
{
    uint64_t sp = t->cpu->state.gpr[X86_RSP];
    bool alt = on_altstack(t, sp) && t->altstack_size;
    sp -= RED_ZONE;
    if ((act->flags & LINUX_SA_ONSTACK) && t->altstack_size && !on_altstack(t, sp)) {
        sp = t->altstack_sp + t->altstack_size;
        alt = true;
    }
    *fpstate = (sp - FPSTATE_SIZE) & ~63ull;
    sp = ((*fpstate - sizeof(struct guest_sigframe)) & ~15ull) - 8;
    if (alt && !(sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size)) return 0;
    return sp;
}

/* a handler starts with the floating-point state of a new process */
static void reset_fp(struct x86_state *s)
{
    uint8_t image[FPSTATE_SIZE] __attribute__((aligned(64))) = { 0 };
    uint16_t fcw = 0x37f;
    uint32_t mxcsr = 0x1f80;
    memcpy(image, &fcw, 2);
    memcpy(image + 24, &mxcsr, 4);
    x86_fxrstor(s, image);
}

int linux_make_frame(struct cpu *cpu, const struct linux_sigaction *act, const siginfo_t *info)
{
    struct linux_thread *t = cpu->os;
    struct x86_state *s = &cpu->state;
    struct guest_sigframe frame = { .restorer = act->restorer, .info = *info };
    uint8_t image[FPSTATE_SIZE] __attribute__((aligned(64))) = { 0 };
    uint64_t fpstate, sp = place_frame(t, act, &fpstate);
    if (!sp || !(act->flags & LINUX_SA_RESTORER)) return -1;
    save_context(&frame.uc, t, fpstate);
    x86_fxsave(s, image);
    if (linux_put(fpstate, image, sizeof image) || linux_put(sp, &frame, sizeof frame)) return -1;
    if (t->altstack_flags & ALT_AUTODISARM) {
        t->altstack_sp = t->altstack_size = 0;
        t->altstack_flags = 0;
    }
    s->gpr[X86_RDI] = info->si_signo;
    s->gpr[X86_RSI] = sp + offsetof(struct guest_sigframe, info);
    s->gpr[X86_RDX] = sp + offsetof(struct guest_sigframe, uc);
    s->gpr[X86_RAX] = 0;
    s->gpr[X86_RSP] = sp;
    s->pc = act->handler;
    s->df = s->tf = 0;
    reset_fp(s);
    return 0;
}

static void restore_context(struct x86_state *s, const struct guest_sigcontext *m)
{
#define RESTORE(field, reg) s->gpr[X86_##reg] = m->field;
    EACH_GPR(RESTORE)
#undef RESTORE
    s->pc = m->ip;
    x86_set_rflags(s, m->flags);
}

static int64_t bad_frame(struct cpu *cpu)
{
    struct linux_thread *t = cpu->os;
    siginfo_t info = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
    t->signals->trapno = t->signals->err = 0;
    linux_force_signal(cpu, &info);
    return -LINUX_ESIGRETURN;
}

SYS(rt_sigreturn)
{
    struct linux_thread *t = cpu->os;
    struct guest_sigframe frame;
    struct x86_state before = cpu->state;
    uint8_t image[FPSTATE_SIZE] __attribute__((aligned(64)));
    if (engine_copy_from(&frame, cpu->state.gpr[X86_RSP] - 8, offsetof(struct guest_sigframe, info))) return bad_frame(cpu);
    if (frame.uc.mc.fpstate && (frame.uc.mc.fpstate & 15 || engine_copy_from(image, frame.uc.mc.fpstate, sizeof image))) return bad_frame(cpu);
    if (!frame.uc.mc.fpstate) reset_fp(&cpu->state);
    else if (x86_fxrstor(&cpu->state, image)) return bad_frame(cpu);
    uint64_t mask = frame.uc.sigmask & ~LINUX_UNBLOCKABLE, host = linux_host_mask(mask);
    if (host != linux_host_mask(t->sigmask) || t->pending) {
        int64_t r = linux_safe_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&host, 0, 8, 0, 0);
        if (r < 0) {                          /* another signal comes first, then this call again */
            cpu->state = before;
            return r;
        }
    }
    linux_note_sigmask(t, mask);
    restore_context(&cpu->state, &frame.uc.mc);
    linux_set_altstack(t, &frame.uc.stack, cpu->state.gpr[X86_RSP]);
    return -LINUX_ESIGRETURN;
}
