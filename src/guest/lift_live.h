/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_live.h: the look ahead of lift_live.c as the lifter uses it.
 */
#ifndef GUEST_LIFT_LIVE_H
#define GUEST_LIFT_LIVE_H
#include <Zydis/Zydis.h>
#include "guest/lift.h"

const ZydisDecoder *x86_decoder(void);
/* x86_flags_live_in; code in [known_start, known_end) is known to be fetchable. */
unsigned x86_live_flags(const struct x86_lift_config *cfg, uint64_t pc, uint64_t known_start, uint64_t known_end);
/* VEX encodings of scalar instructions that one processor family had alone; the decoder knows them in every mode. */
static inline bool x86_only_knights_corner(const ZydisDecodedInstruction *insn)
{
    ZydisISAExt ext = insn->meta.isa_ext;
    return ext == ZYDIS_ISA_EXT_KNC || ext == ZYDIS_ISA_EXT_KNCE || ext == ZYDIS_ISA_EXT_KNCV;
}
#endif
