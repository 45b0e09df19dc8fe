#include "case.h"
HD void body(int i, const u32* in, u32* out) { u32 a = in[i]; i32 s = (i32)a; u64 l = ((u64)a << 32) | in[i + 1]; u32 r = a / 3 + a % 7 + a / 10 * 11 + a / 641 + a % 1000003; r ^= (u32)(s / 5) + (u32)(s % 9) + (u32)(s / -13) + (u32)(s / 16) + (u32)(s % 32); r += (u32)(l / 1000000007ull) + (u32)(l % 97) + (u32)((i64)l / 12345) + (u32)((i64)l % 1001); unsigned short h = (unsigned short)a; short sh = (short)a; r ^= h / 7 + h % 10; r += (u32)(sh / 3) + (u32)(sh % 11); out[i] = r; }
EACH
