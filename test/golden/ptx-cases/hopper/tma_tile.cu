#include <cuda.h>
#include <cstdint>
__device__ __forceinline__ uint32_t s32(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }
__device__ __forceinline__ void init(uint64_t* b, int n) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(s32(b)), "r"(n) : "memory"); asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
__device__ __forceinline__ void wait(uint64_t* b, uint32_t parity) {
  asm volatile("{\n.reg .pred p;\nW: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra D;\nbra W;\nD:\n}" :: "r"(s32(b)), "r"(parity) : "memory");
}
__device__ __forceinline__ void expect(uint64_t* b, uint32_t n) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(s32(b)), "r"(n) : "memory"); }
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

// A box of shared memory, filled with the bytes of `in`, to the tensor: stored, then added to it.
extern "C" __global__ void storeAdd2(const __grid_constant__ CUtensorMap map, const uint32_t* in, int bytes, int c0, int c1, int times) {
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) ((uint32_t*)smem)[i] = in[i];
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" :: "l"(&map), "r"(s32(smem)), "r"(c0), "r"(c1) : "memory");
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
    for (int i = 0; i < times; i++) {
      asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%0, {%2, %3}], [%1];" :: "l"(&map), "r"(s32(smem)), "r"(c0), "r"(c1) : "memory");
      asm volatile("cp.async.bulk.commit_group;" ::: "memory");
    }
    asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
  }
  __syncthreads();
  // The source may be overwritten now.
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) ((uint32_t*)smem)[i] = 0xffffffff;
}

// Every block of a cluster loads its slice of the rows to all of them.
extern "C" __global__ void multicast2(const __grid_constant__ CUtensorMap map, uint32_t* out, int bytes, int rows) {
  __shared__ uint64_t bar;
  uint32_t rank, n;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
  if (threadIdx.x == 0) init(&bar, 1);
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  if (threadIdx.x == 0) {
    expect(&bar, bytes * n);
    uint16_t mask = (uint16_t)((1u << n) - 1);
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4}], [%2], %5;"
      :: "r"(s32(smem) + rank * bytes), "l"(&map), "r"(s32(&bar)), "r"(0), "r"((int)(blockIdx.x * rows)), "h"(mask) : "memory");
  }
  wait(&bar, 0);
  for (int i = threadIdx.x; i < bytes * n / 4; i += blockDim.x) out[blockIdx.x * (bytes * n / 4) + i] = ((uint32_t*)smem)[i];
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}
