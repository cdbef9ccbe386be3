/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_vectors.h: the steps of test_host_x86_64.c that work on vectors. */
static void random_vector(uint8_t *v) { for (unsigned k = 0; k < 16; k += 8) { int64_t c = corner(); memcpy(v + k, &c, 8); } }
static void step_vector(void) { step_alu(); }
static void step_float(void) { step_unary(); }
