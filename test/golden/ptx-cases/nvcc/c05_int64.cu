#include "case.h"
HD void body(int i, const u32* in, u32* out) { u64 a = ((u64)in[i] << 32) | in[i + 1], b = ((u64)in[i + 2] << 32) | in[i + 3]; i64 sa = (i64)a, sb = (i64)b; u32 s = in[i + 4] & 63;
  u64 r = a * b; r ^= a / (b >> s | 1); r += a % (b >> s | 1); r ^= (u64)(sa / (sb >> s | 1)); r -= (u64)(sa % (sb >> (s / 2) | 1)); r ^= a << s; r ^= (u64)(sa >> s); r += a >> s; r ^= (u64)(sa < sb) << 7; r ^= (u64)(a < b) << 9; r += (u64)(sa > sb ? sa : sb); r ^= (a < b ? a : b);
  r += (u64)(i64)(double)sa; r ^= (u64)(float)(a >> 20); r -= (u64)(i64)(float)(sa >> 11); r += ~a; r ^= (u64)-sb; put64(out, i, r); }
EACH
