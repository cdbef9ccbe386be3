/* SPDX-License-Identifier: GPL-2.0-or-later
 * emitter.h: what all hosts' emitters say in the same words. A host's emit.h includes it behind its struct emitter, of which this needs the fields b,
 * i, error, env, o (env's offsets), map (reg_at, by 8 bytes of the state: 1 + register, or 0) and spill_until, and behind MAP_BYTES, NO_REG and N_SPILLS.
 */
static inline unsigned type_size(unsigned t) { return ir_type_size[t]; }
static inline unsigned type_bits(unsigned t) { return t == IR_I1 ? 1 : 8u * ir_type_size[t]; }
static inline bool is_gpr_type(unsigned t) { return t >= IR_I1 && t <= IR_I64; }
static inline const struct ir_insn *insn(const struct emitter *e, ir_ref r) { return &e->b->insn[r]; }
static inline bool feature(const struct emitter *e, unsigned f) { return (e->env->features & f) != 0; }
static inline int32_t spill_at(const struct emitter *e, unsigned offset) { return (int32_t)(e->o->spill + offset); }
static inline unsigned slot_reg(const struct emitter *e, int64_t offset)     /* of the mapped slot that this byte of the state belongs to, or NO_REG */
{
    return offset >= 0 && offset < MAP_BYTES && e->map->reg_at[offset / 8] ? e->map->reg_at[offset / 8] - 1u : NO_REG;
}
static inline bool counts_entries(const struct emitter *e)                   /* H6 of host.h */
{
    bool counts = e->env->heat > 1;
    for (unsigned i = 0; i < e->b->n && e->env->heat && !counts; i++)
        counts = (e->b->insn[i].op == IR_EXIT || e->b->insn[i].op == IR_EXITIF) && e->b->insn[i].mod & IR_EXIT_POLL;
    return counts;
}
static inline int32_t alloc_spill(struct emitter *e, unsigned until)         /* free again behind the instruction `until` */
{
    for (unsigned k = 0; k < N_SPILLS; k++)
        if (e->spill_until[k] == NO_INSN || e->spill_until[k] < e->i) {
            e->spill_until[k] = (uint16_t)until;
            return spill_at(e, SPILL_FIRST + k * SPILL_SLOT);
        }
    e->error = e->error ? e->error : -1;                                     /* a smaller block may have room */
    return spill_at(e, SPILL_FIRST);
}
