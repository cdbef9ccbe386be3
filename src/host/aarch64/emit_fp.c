#include "host/aarch64/emit.h"
bool emit_fp(struct emitter *e, const struct ir_insn *in) { return false; }
