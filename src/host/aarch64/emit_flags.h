/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flags.h: what the files for flags share. An operation sets NZCV when somebody reads its port; conditions test NZCV directly (emit_cond.c);
 * when something else needs NZCV first, it is saved beside the port's parity and auxiliary values. PUTF brings a port to x5, x6 and x7 (emit_putf.c).
 */
#ifndef HOST_AARCH64_EMIT_FLAGS_H
#define HOST_AARCH64_EMIT_FLAGS_H
#include "host/aarch64/emit.h"

static inline void mrs_nzcv(struct emitter *e, unsigned d) { asm_put(&e->a, 0xd53b4200 | d); }
static inline void msr_nzcv(struct emitter *e, unsigned n) { asm_put(&e->a, 0xd51b4200 | n); }

/* what the port needs besides NZCV, and where it goes: to x6, x7 at once or to the port's place in memory */
struct port { bool p, a, early, nz; };

void prepare_flags(struct emitter *e, ir_ref fl);                            /* NZCV as `fl` left it */
void flags_image(struct emitter *e, ir_ref fl);                              /* T1 = x5's form (subtraction's NZCV) of the port; NZCV is as `fl` left it or fl is packed */
void put_nz(struct emitter *e, ir_ref fl, const struct ir_insn *putf);
struct port port_of(const struct emitter *e, const struct ir_insn *in);
void keep_a(struct emitter *e, const struct port *p, unsigned n, unsigned m, bool constant, int64_t c);
void keep_p(struct emitter *e, const struct port *p, unsigned reg, bool a_is_zero);
void finish_flags(struct emitter *e, enum port_kind kind);
unsigned flag_dst(struct emitter *e, const struct port *p, bool used);       /* where the result goes: nowhere if only its flags count */
void flag_result(struct emitter *e, unsigned dst, bool clean);
void load_carry(struct emitter *e, ir_ref r, bool sub);                      /* NZCV.C = carry in (add) or not borrow (sub) */
unsigned shifted_in(struct emitter *e, const struct ir_insn *in, unsigned m);  /* emit_int.c */
bool emit_sums(struct emitter *e, const struct ir_insn *in);
bool emit_flag_shift(struct emitter *e, const struct ir_insn *in);
#endif
