// flags: -fmad=false
#include "case.h"
struct V { float x, y, z; }; struct M { V r[3]; int tag; char c; short s; };
HD V mul(M m, V v) { V o; o.x = m.r[0].x*v.x + m.r[0].y*v.y + m.r[0].z*v.z; o.y = m.r[1].x*v.x + m.r[1].y*v.y + m.r[1].z*v.z; o.z = m.r[2].x*v.x + m.r[2].y*v.y + m.r[2].z*v.z; return o; }
#ifdef __CUDACC__
__noinline__
#endif
HD M make(int i, const u32* in) { M m; for (int r = 0; r < 3; r++) { m.r[r].x = unit(in[i]); m.r[r].y = unit(in[i + r]); m.r[r].z = unit(in[i + 2 * r]); } m.tag = (int)in[i]; m.c = (char)in[i + 1]; m.s = (short)in[i + 2]; return m; }
HD void body(int i, const u32* in, u32* out) { M m = make(i, in); V v = {1.5f, -2.0f, unit(in[i + 7])}; for (int k = 0; k < 5; k++) v = mul(m, v); out[i] = asu(v.x) ^ asu(v.y) ^ asu(v.z) ^ (u32)(m.tag + m.c * m.s); }
EACH
