/* SPDX-License-Identifier: GPL-2.0-or-later
 * prop_names.h: the property names of ops.def, for a table that is made from it. They are too short to live anywhere else: include this right before
 * the table, in a file's last lines or with the names undefined behind it.
 */
#define P       IR_P_P
#define C       IR_P_C
#define FL      IR_P_FL
#define X       IR_P_X
#define S       IR_P_S
#define T       IR_P_T
#define TWO     IR_P_TWO
#define RDF     IR_P_RDF
#define P_STATE IR_P_STATE
#define P_FP    IR_P_FP
