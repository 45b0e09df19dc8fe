#include "common.cuh"
extern __shared__ __align__(1024) uint8_t smem[];

template <int N> __device__ void load(const CUtensorMap* m, uint64_t* b, int c0, int c1, int c2, int c3, int c4) {
  if constexpr (N == 1) asm volatile("cp.async.bulk.tensor.1d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3}], [%2];" :: "r"(s32(smem)), "l"(m), "r"(s32(b)), "r"(c0) : "memory");
  if constexpr (N == 2) asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" :: "r"(s32(smem)), "l"(m), "r"(s32(b)), "r"(c0), "r"(c1) : "memory");
  if constexpr (N == 3) asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" :: "r"(s32(smem)), "l"(m), "r"(s32(b)), "r"(c0), "r"(c1), "r"(c2) : "memory");
  if constexpr (N == 4) asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];" :: "r"(s32(smem)), "l"(m), "r"(s32(b)), "r"(c0), "r"(c1), "r"(c2), "r"(c3) : "memory");
  if constexpr (N == 5) asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6, %7}], [%2];" :: "r"(s32(smem)), "l"(m), "r"(s32(b)), "r"(c0), "r"(c1), "r"(c2), "r"(c3), "r"(c4) : "memory");
}
// One box to shared memory, and its bytes as they lie there to `out`.
template <int N> __device__ void loadBox(const CUtensorMap& map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) {
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) { init(&bar, 1); asm volatile("prefetch.tensormap [%0];" :: "l"(&map) : "memory"); }
  __syncthreads();
  if (threadIdx.x == 0) { expect(&bar, bytes); load<N>(&map, &bar, c0, c1, c2, c3, c4); }
  wait(&bar, 0);
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) out[i] = ((uint32_t*)smem)[i];
}
extern "C" __global__ void load1(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) { loadBox<1>(map, out, bytes, c0, c1, c2, c3, c4); }
extern "C" __global__ void load2(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) { loadBox<2>(map, out, bytes, c0, c1, c2, c3, c4); }
extern "C" __global__ void load3(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) { loadBox<3>(map, out, bytes, c0, c1, c2, c3, c4); }
extern "C" __global__ void load4(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) { loadBox<4>(map, out, bytes, c0, c1, c2, c3, c4); }
extern "C" __global__ void load5(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int c0, int c1, int c2, int c3, int c4) { loadBox<5>(map, out, bytes, c0, c1, c2, c3, c4); }
