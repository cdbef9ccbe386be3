/* SPDX-License-Identifier: GPL-2.0-or-later
 * redo.c: instructions in front of which regions are left (IR_TRAP_REDO) because the host's processor differs from x86's there, at a special number, a
 * misaligned locked operation, or because a helper's quick form does not do that case. Where regions look behind floating point, the second time the
 * region goes, and is made again without one look for a whole loop (llvm_block.one_look); once it is often, regions end in front of the instruction, and tier 1 does it in its own way.
 */
#include "engine/internal.h"

enum { OFTEN = 64, N_PLACES = 4096 };
static uint8_t times[N_PLACES];              /* by hash: others that fall on the same place only become slower */

static uint8_t *place(uint64_t pc) { return &times[pc * 0x9e3779b97f4a7c15ull >> 52]; }

bool redo_never(uint64_t pc) { return !__atomic_load_n(place(pc), __ATOMIC_RELAXED); }
bool redo_often(uint64_t pc) { return __atomic_load_n(place(pc), __ATOMIC_RELAXED) >= OFTEN; }

void redo_note(uint64_t pc)
{
    uint8_t n = __atomic_load_n(place(pc), __ATOMIC_RELAXED);
    if (n >= OFTEN)
        return;
    __atomic_store_n(place(pc), ++n, __ATOMIC_RELAXED);
    if ((n == 2 && engine.host->regions_look) || n == OFTEN)
        engine_invalidate(pc, 1);
}
