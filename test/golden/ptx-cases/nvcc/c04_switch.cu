#include "case.h"
HD u32 step(u32 op, u32 a, u32 b) { switch (op) { case 0: return a + b; case 1: return a - b; case 2: return a * b; case 3: return b ? a / b : 7; case 4: return b ? a % b : 9; case 5: return a & b; case 6: return a | b; case 7: return a ^ b; case 8: return a << (b & 31); case 9: return a >> (b & 31); case 10: return (u32)((i32)a >> (b & 31)); case 11: return ~a; case 12: return -a; case 13: return a < b; case 14: return (i32)a < (i32)b; default: return 0x1234; } }
HD void body(int i, const u32* in, u32* out) { u32 a = in[i]; for (int k = 0; k < 24; k++) a = step(in[i + k] % 17, a, in[i + k + 1]) + k; out[i] = a; }
EACH
