// Distributed shared memory, remote barriers, rings and maps made on the device.
#include <cuda.h>
#include <cuda/barrier>
#include <cooperative_groups.h>
#include <cstdint>
#include <utility>
namespace cg = cooperative_groups;
__device__ __forceinline__ uint32_t s32(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }
__device__ __forceinline__ void init(uint64_t* b, int n) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(s32(b)), "r"(n) : "memory"); }
__device__ __forceinline__ void wait(uint64_t* b, uint32_t parity) {
  asm volatile("{\n.reg .pred p;\nW: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], %1, 0x989680;\n@p bra D;\nbra W;\nD:\n}" :: "r"(s32(b)), "r"(parity) : "memory");
}
__device__ __forceinline__ void expect(uint64_t* b, uint32_t n) { asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], %1;" :: "r"(s32(b)), "r"(n) : "memory"); }
__device__ __forceinline__ void arrive(uint64_t* b) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(s32(b)) : "memory"); }
__device__ __forceinline__ uint32_t mapa(uint32_t a, uint32_t rank) { uint32_t r; asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(rank)); return r; }
__device__ __forceinline__ void clusterSync() { asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory"); }

// Each block sends its words to the next one (bulk copy), adds them to the one after (bulk reduction), and stores and adds single
// words there (st.async, red.async); a remote arrival tells that its own buffers are free again.
extern "C" __global__ void dsmem(const uint32_t* in, uint32_t* out) {
  __shared__ __align__(128) uint32_t mine[64], copied[64], sum[64], words[8];
  __shared__ uint64_t full, words_full, freed;
  cg::cluster_group cluster = cg::this_cluster();
  uint32_t rank = cluster.block_rank(), n = cluster.num_blocks();
  int t = threadIdx.x;
  mine[t] = in[blockIdx.x * 64 + t];
  sum[t] = 1000 * rank;
  if (t < 8) words[t] = 7;
  if (t == 0) { init(&full, 1); init(&words_full, 1); init(&freed, 1); asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
  asm volatile("fence.proxy.async;" ::: "memory");
  cluster.sync();
  if (t == 0) {
    expect(&full, 512);
    uint32_t next = (rank + 1) % n, after = (rank + 2) % n;
    asm volatile("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" :: "r"(mapa(s32(copied), next)), "r"(s32(mine)), "r"(256), "r"(mapa(s32(&full), next)) : "memory");
    asm volatile("cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes.add.u32 [%0], [%1], %2, [%3];" :: "r"(mapa(s32(sum), after)), "r"(s32(mine)), "r"(256), "r"(mapa(s32(&full), after)) : "memory");
    expect(&words_full, 4 * 4 + 8 + 4 + 4);
    uint32_t to = mapa(s32(words), next), bar = mapa(s32(&words_full), next);
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.u32 [%0], {%2, %3, %4, %5}, [%1];" :: "r"(to), "r"(bar), "r"(rank), "r"(rank + 10), "r"(rank + 20), "r"(rank + 30) : "memory");
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%0], %2, [%1];" :: "r"(to + 16), "r"(bar), "l"(0x1234567800000000ull + rank) : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %2, [%1];" :: "r"(to + 24), "r"(bar), "r"(rank + 1) : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.max.s32 [%0], %2, [%1];" :: "r"(to + 28), "r"(bar), "r"(100 + rank) : "memory");
  }
  wait(&full, 0);
  wait(&words_full, 0);
  uint32_t* o = out + blockIdx.x * 144;
  o[t] = copied[t];
  o[64 + t] = sum[t];
  if (t < 8) o[128 + t] = words[t];
  if (t == 0) asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" :: "r"(mapa(s32(&freed), (rank + n - 1) % n)) : "memory");
  wait(&freed, 0);
  // Loads, stores and atomics of another block's memory, through generic addresses too.
  cluster.sync();
  uint32_t* other = cluster.map_shared_rank(words, (rank + 1) % n);
  atomicAdd(other + 1, t);
  cluster.sync();
  if (t == 0) {
    uint32_t there, own, isCluster, isCta;
    asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(there) : "r"(mapa(s32(words + 1), (rank + 1) % n)));
    asm("getctarank.u64 %0, %1;" : "=r"(own) : "l"(other));
    asm("{.reg .pred p; isspacep.shared::cluster p, %1; selp.u32 %0, 1, 0, p;}" : "=r"(isCluster) : "l"(other));
    asm("{.reg .pred p; isspacep.shared::cta p, %1; selp.u32 %0, 1, 0, p;}" : "=r"(isCta) : "l"(other));
    o[136] = words[1]; o[137] = there; o[138] = own; o[139] = isCluster * 10 + isCta;
    o[140] = cluster.dim_blocks().x * 100 + cluster.block_index().x; o[141] = n;
  }
  cluster.sync();
}

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

// libcu++: arrive_tx, memcpy_async by bulk copies, tokens; then cp.async tracked by an mbarrier.
using barrier = cuda::barrier<cuda::thread_scope_block>;
extern "C" __global__ void tracked(const uint32_t* in, uint32_t* out) {
  __shared__ __align__(128) uint32_t a[128], c[128];
  #pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ barrier bar;
  __shared__ uint64_t copies;
  int t = threadIdx.x;
  if (t == 0) { init(&bar, blockDim.x); cuda::device::experimental::fence_proxy_async_shared_cta(); init(&copies, blockDim.x); }
  __syncthreads();
  barrier::arrival_token token;
  if (t == 0) {
    cuda::device::experimental::cp_async_bulk_global_to_shared(a, in, 512, bar);
    token = cuda::device::barrier_arrive_tx(bar, 1, 512);
  } else token = bar.arrive();
  uint32_t to = s32(c + t);
  asm volatile("cp.async.ca.shared::cta.global [%0], [%1], 4;" :: "r"(to), "l"(in + 128 + t) : "memory");
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" :: "r"(s32(&copies)) : "memory");
  bar.wait(std::move(token));
  uint32_t x = a[(t + 1) % 128];
  wait(&copies, 0);
  uint32_t y = c[(t + 5) % 128];
  // The next phase: two counts by one thread, one thread drops out for good.
  uint32_t pending = 0;
  if (t == 0) {
    uint64_t state;
    asm volatile("mbarrier.arrive.noComplete.shared::cta.b64 %0, [%1], 2;" : "=l"(state) : "r"(s32(&copies)) : "memory");
    asm volatile("mbarrier.pending_count.b64 %0, %1;" : "=r"(pending) : "l"(state));
  }
  __syncthreads();
  if (t == 1) asm volatile("{.reg .b64 s; mbarrier.arrive_drop.shared::cta.b64 s, [%0];}" :: "r"(s32(&copies)) : "memory");
  if (t >= 2 && t < 127) arrive(&copies);
  wait(&copies, 1);
  // One less is expected from here on.
  if (t < 127) arrive(&copies);
  wait(&copies, 0);
  out[t] = x + y;
  if (t == 0) out[128] = pending;
}
