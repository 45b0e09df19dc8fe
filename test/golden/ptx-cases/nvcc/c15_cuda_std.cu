#include "case.h"
#ifdef __CUDACC__
#include <cuda/std/array>
#include <cuda/std/bit>

#include <cuda/std/optional>
#include <cuda/std/tuple>
#include <cuda/std/complex>
#include <cuda/atomic>
namespace S = cuda::std;
#else
#include <array>
#include <bit>
#include <optional>
#include <tuple>
#include <complex>
namespace S = std;
#endif
HD S::optional<u32> pick(u32 x) { if (x & 1) return x >> 1; return S::nullopt; }
HD S::tuple<u32, float> both(u32 x) { return S::tuple<u32, float>(x * 3, (float)(x & 7)); }
HD void body(int i, const u32* in, u32* out) { S::array<u32, 8> a; for (int k = 0; k < 8; k++) a[k] = in[i + k]; u32 r = (a[0] > a[1] ? a[0] : a[1]) ^ (a[2] < a[3] ? a[2] : a[3]); r += S::popcount(a[4]) + S::countl_zero(a[5] | 1) + S::rotl(a[6], 5); r += pick(a[7]).value_or(99); auto t = both(a[0]); r ^= S::get<0>(t) + (u32)S::get<1>(t); { u32 q = a[0]; a[0] = a[7]; a[7] = q; }; for (u32 x : a) r = r * 33 + x; out[i] = r; }
#ifdef __CUDACC__
extern "C" __global__ void k(const u32* in, u32* out, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; body(i, in, out); cuda::atomic_ref<u32, cuda::thread_scope_device> c(out[200]); c.fetch_add(i, cuda::memory_order_acq_rel); }
#else
MAIN({ for (int i = 0; i < N; i++) { body(i, in.data(), out.data()); out[200] += i; } })
#endif
