#include "common.cuh"
extern __shared__ __align__(1024) uint8_t smem[];

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
