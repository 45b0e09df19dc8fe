#include "case.h"
#ifdef __CUDACC__
__noinline__
#endif
HD u32 ack(u32 m, u32 n) { if (m == 0) return n + 1; if (n == 0) return ack(m - 1, 1); return ack(m - 1, ack(m, n - 1)); }
#ifdef __CUDACC__
__noinline__
#endif
HD u64 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
HD void body(int i, const u32* in, u32* out) { put64(out, i, fib(in[i] % 12) * 1000 + ack(in[i] % 3, in[i + 1] % 4)); }
EACH
