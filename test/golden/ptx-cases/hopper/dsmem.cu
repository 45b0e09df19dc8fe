#include "common.cuh"
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

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
  waitCluster(&full, 0);
  waitCluster(&words_full, 0);
  uint32_t* o = out + blockIdx.x * 144;
  o[t] = copied[t];
  o[64 + t] = sum[t];
  if (t < 8) o[128 + t] = words[t];
  if (t == 0) asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" :: "r"(mapa(s32(&freed), (rank + n - 1) % n)) : "memory");
  waitCluster(&freed, 0);
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
