#include "common.cuh"

// A ring of four stages: a producer warp fills them with 2-D boxes, a consumer warp adds them up; parities turn every four boxes.
extern "C" __global__ void ring(const __grid_constant__ CUtensorMap map, uint32_t* out, int boxes) {
  __shared__ __align__(1024) uint32_t stage[4][64];
  __shared__ uint64_t full[4], empty[4];
  if (threadIdx.x == 0) { for (int i = 0; i < 4; i++) { init(&full[i], 1); init(&empty[i], 32); } asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
  __syncthreads();
  if (threadIdx.x < 32) {
    if (threadIdx.x == 0) {
      for (int i = 0; i < boxes; i++) {
        int s = i % 4;
        wait(&empty[s], ((i / 4) & 1) ^ 1);
        expect(&full[s], 256);
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4}], [%2], %5;"
          :: "r"(s32(stage[s])), "l"(&map), "r"(s32(&full[s])), "r"(0), "r"((int)(blockIdx.x * boxes + i) * 8), "l"(0x1000000000000000ull) : "memory");
      }
    }
  } else {
    uint32_t a = 0, b = 0;
    for (int i = 0; i < boxes; i++) {
      int s = i % 4;
      wait(&full[s], (i / 4) & 1);
      a += stage[s][threadIdx.x - 32] * (i + 1);
      b += stage[s][threadIdx.x] * (i + 1);
      arrive(&empty[s]);
    }
    out[blockIdx.x * 64 + threadIdx.x - 32] = a;
    out[blockIdx.x * 64 + threadIdx.x] = b;
  }
}
