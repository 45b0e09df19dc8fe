#include "case.h"
struct B { u32 a : 5; i32 b : 7; u32 c : 20; u64 d : 33; };
HD void body(int i, const u32* in, u32* out) { B x; x.a = in[i]; x.b = (i32)in[i + 1]; x.c = in[i + 2]; x.d = ((u64)in[i + 3] << 10) | in[i + 4]; x.b += x.a; x.c -= x.b; x.d ^= x.c; bool p = x.a > 3, q = x.b < 0; u32 r = (p && q) + 2 * (p || q) + 4 * (p != q) + 8 * !p; signed char sc = (signed char)in[i]; unsigned char uc = (unsigned char)in[i]; short ss = (short)in[i]; r += sc * 3 + uc / 3 + (ss >> 3) + ((unsigned short)ss >> 2); r ^= x.a + x.b + x.c + (u32)x.d + (u32)(x.d >> 32); long long m = (long long)sc * ss * (int)in[i + 1]; r += (u32)(m >> 3) ^ (u32)(m >> 35); out[i] = r; }
EACH
