#include "host/aarch64/emit.h"
bool emit_vec(struct emitter *e, const struct ir_insn *in) { return false; }
