#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cuda/barrier>
#include <cstdint>
namespace cg = cooperative_groups;
// cg::memcpy_async and wait_prior.
extern "C" __global__ void cgcopy(const int* in, int* out, int n) {
  __shared__ int buf[2][128];
  auto block = cg::this_thread_block();
  cg::memcpy_async(block, buf[0], in, cuda::aligned_size_t<16>(512));
  int sum = 0;
  for (int i = 1; i < n; i++) {
    cg::memcpy_async(block, buf[i & 1], in + i * 128, cuda::aligned_size_t<16>(512));
    cg::wait_prior<1>(block);
    sum += buf[(i - 1) & 1][(threadIdx.x + i) % 128];
    block.sync();
  }
  cg::wait(block);
  sum += buf[(n - 1) & 1][threadIdx.x];
  out[threadIdx.x] = sum;
}
// cuda::memcpy_async on a barrier (cp.async.bulk on sm_90 when aligned).
extern "C" __global__ void barcopy(const int* in, int* out) {
  __shared__ alignas(16) int buf[256];
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  auto block = cg::this_thread_block();
  if (block.thread_rank() == 0) init(&bar, block.size());
  block.sync();
  cuda::memcpy_async(block, buf, in, cuda::aligned_size_t<16>(1024), bar);
  bar.arrive_and_wait();
  out[threadIdx.x] = buf[255 - threadIdx.x] + buf[threadIdx.x];
  bar.arrive_and_drop();
}
extern "C" __global__ void __cluster_dims__(4, 2, 1) clusterdims(int* out) {
  auto c = cg::this_cluster();
  __shared__ int v;
  auto b = cg::this_thread_block();
  if (threadIdx.x == 0) v = 0;
  c.sync();
  int* first = c.map_shared_rank(&v, 0);
  atomicAdd(first, (int)c.thread_rank());
  c.barrier_arrive(); c.barrier_wait();
  if (threadIdx.x == 0) {
    unsigned bid = blockIdx.x + gridDim.x * blockIdx.y;
    out[bid * 4] = *first; out[bid * 4 + 1] = c.block_rank(); out[bid * 4 + 2] = c.dim_blocks().y * 10 + c.block_index().y; out[bid * 4 + 3] = c.query_shared_rank(first);
  }
  c.sync();
}
