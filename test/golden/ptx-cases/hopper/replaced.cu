#include "common.cuh"

// A map changed on the device: made for one tensor, each block turns it to its own, of another shape and type.
extern "C" __global__ void replaced(const __grid_constant__ CUtensorMap map, uint8_t* tensors, CUtensorMap* maps, uint32_t* out, int strideBytes, int width, int height) {
  __shared__ __align__(1024) uint8_t box[512];
  __shared__ __align__(128) CUtensorMap own;
  __shared__ uint64_t full;
  int t = threadIdx.x;
  ((uint32_t*)&own)[t] = ((const uint32_t*)&map)[t];
  __syncwarp();
  CUtensorMap* there = maps + blockIdx.x;
  uint64_t address = (uint64_t)(tensors + (size_t)blockIdx.x * strideBytes * height);
  if (t == 0) {
    init(&full, 1);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    uint32_t m = s32(&own);
    asm volatile("tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%0], %1;" :: "r"(m), "l"(address) : "memory");
    asm volatile("tensormap.replace.tile.rank.shared::cta.b1024.b32 [%0], %1;" :: "r"(m), "r"(1) : "memory");
    asm volatile("tensormap.replace.tile.global_dim.shared::cta.b1024.b32 [%0], 0, %1;" :: "r"(m), "r"(width) : "memory");
    asm volatile("tensormap.replace.tile.global_dim.shared::cta.b1024.b32 [%0], 1, %1;" :: "r"(m), "r"(height) : "memory");
    asm volatile("tensormap.replace.tile.global_stride.shared::cta.b1024.b64 [%0], 0, %1;" :: "r"(m), "l"((uint64_t)strideBytes) : "memory");
    asm volatile("tensormap.replace.tile.box_dim.shared::cta.b1024.b32 [%0], 0, %1;" :: "r"(m), "r"(16) : "memory");
    asm volatile("tensormap.replace.tile.box_dim.shared::cta.b1024.b32 [%0], 1, %1;" :: "r"(m), "r"(8) : "memory");
    asm volatile("tensormap.replace.tile.element_stride.shared::cta.b1024.b32 [%0], 1, %1;" :: "r"(m), "r"(1) : "memory");
    asm volatile("tensormap.replace.tile.elemtype.shared::cta.b1024.b32 [%0], 10;" :: "r"(m) : "memory");
    asm volatile("tensormap.replace.tile.interleave_layout.shared::cta.b1024.b32 [%0], 0;" :: "r"(m) : "memory");
    asm volatile("tensormap.replace.tile.swizzle_mode.shared::cta.b1024.b32 [%0], 1;" :: "r"(m) : "memory");
    asm volatile("tensormap.replace.tile.fill_mode.shared::cta.b1024.b32 [%0], 0;" :: "r"(m) : "memory");
  }
  __syncwarp();
  asm volatile("tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%0], [%1], 128;" :: "l"(there), "r"(s32(&own)) : "memory");
  __syncwarp();
  if (t == 0) {
    asm volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" :: "l"(there) : "memory");
    expect(&full, 256);
    asm volatile("cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" :: "r"(s32(box)), "l"(there), "r"(s32(&full)), "r"(2), "r"(-1) : "memory");
  }
  wait(&full, 0);
  for (int i = t; i < 64; i += 32) out[blockIdx.x * 64 + i] = ((uint32_t*)box)[i];
}
