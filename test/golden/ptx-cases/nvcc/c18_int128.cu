#include "case.h"
typedef unsigned __int128 U; typedef __int128 I;
HD void body(int i, const u32* in, u32* out) { U a = ((U)in[i] << 96) | ((U)in[i + 1] << 64) | ((U)in[i + 2] << 32) | in[i + 3], b = ((U)in[i + 4] << 40) | in[i + 5]; U r = a * b + (a >> (in[i] & 127)) - (b << (in[i + 1] & 127)); r ^= a / b; r += a % (b >> 30 | 1); I s = (I)a; r ^= (U)(s / (I)(b | 1)) + (U)(s >> 77); r += (U)(s < (I)b) + (a < b) * 3; put64(out, i, (u64)r ^ (u64)(r >> 64)); }
EACH
