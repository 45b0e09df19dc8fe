// D = A * B^T in e4m3, as Hopper's kernels are made: clusters of two blocks share each B tile by multicast, a producer warp group
// feeds a ring of two stages, a consumer warp group multiplies with wgmma and stores by TMA.
#include "common.cuh"

constexpr int stages = 2, rowsA = 64, rowsB = 64, depth = 128;
extern __shared__ __align__(1024) uint8_t smem[];

__device__ __forceinline__ uint64_t descriptor(uint32_t address) { return ((address & 0x3ffff) >> 4) | (uint64_t(1) << 16) | (uint64_t(1024 >> 4) << 32) | (uint64_t(1) << 62); }

extern "C" __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(256, 1) gemm(const __grid_constant__ CUtensorMap mapA, const __grid_constant__ CUtensorMap mapB, const __grid_constant__ CUtensorMap mapD, int steps) {
  __shared__ uint64_t full[stages], empty[stages];
  uint8_t *a = smem, *b = smem + stages * rowsA * depth, *d = b + stages * rowsB * depth;
  uint32_t rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  #pragma unroll 1
  for (int s = 0; s < stages && threadIdx.x == 0; s++) { init(&full[s], 1); init(&empty[s], 8); }
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  if (threadIdx.x < 128) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (threadIdx.x == 0) {
      #pragma unroll 1
      for (int k = 0; k < steps; k++) {
        int s = k % stages;
        wait(&empty[s], ((k / stages) & 1) ^ 1);
        expect(&full[s], (rowsA + rowsB) * depth);
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
          :: "r"(s32(a + s * rowsA * depth)), "l"(&mapA), "r"(s32(&full[s])), "r"(k * depth), "r"((int)blockIdx.x * rowsA) : "memory");
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4}], [%2], %5;"
          :: "r"(s32(b + s * rowsB * depth + rank * (rowsB / 2) * depth)), "l"(&mapB), "r"(s32(&full[s])), "r"(k * depth), "r"((int)rank * (rowsB / 2)), "h"((uint16_t)3) : "memory");
      }
    }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    int t = threadIdx.x - 128;
    float c[32];
    for (int i = 0; i < 32; i++) c[i] = 0;
    #pragma unroll 1
    for (int k = 0; k < steps; k++) {
      int s = k % stages;
      waitCluster(&full[s], (k / stages) & 1);
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
      #pragma unroll 1
      for (int i = 0; i < 4; i++) {
        uint64_t da = descriptor(s32(a + s * rowsA * depth) + 32 * i), db = descriptor(s32(b + s * rowsB * depth) + 32 * i);
        asm volatile("wgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, 1, 1, 1;"
          : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), "+f"(c[8]), "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]),
            "+f"(c[16]), "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), "+f"(c[24]), "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31])
          : "l"(da), "l"(db));
      }
      asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
      // Both blocks wrote to this stage, so both must know that it is free.
      if (t % 32 < 2) asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" :: "r"(mapa(s32(&empty[s]), t % 32)) : "memory");
    }
    // 16 columns of 32-bit elements a box: four boxes of 64 rows.
    float2* own = (float2*)d + (t / 32 * 16 + t % 32 / 4) * 8 + t % 4;
    for (int i = 0; i < 32; i += 2) own[(i >> 3) * 512 + 64 * ((i >> 1) & 1) + 4 * ((i >> 2) & 1)] = make_float2(c[i], c[i + 1]);
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("bar.sync 1, 128;" ::: "memory");
    if (t == 0) {
      #pragma unroll 1
      for (int j = 0; j < 4; j++)
        asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" :: "l"(&mapD), "r"(s32(d + j * 4096)), "r"(16 * j), "r"((int)blockIdx.x * rowsA) : "memory");
      asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group.read 0;" ::: "memory");
    }
  }
  asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory");
}
