#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cuda/pipeline>
#include <cuda/barrier>
#include <cstdint>
namespace cg = cooperative_groups;
// cuda::pipeline with shared state and roles.
extern "C" __global__ void pipe(const int* in, int* out, int n) {
  constexpr int stages = 3;
  __shared__ int buf[stages][64];
  auto block = cg::this_thread_block();
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope::thread_scope_block, stages> state;
  auto p = cuda::make_pipeline(block, &state, 32);   // 32 producers
  int sum = 0;
  if (threadIdx.x < 32) {
    for (int i = 0; i < n; i++) {
      p.producer_acquire();
      cuda::memcpy_async(&buf[i % stages][threadIdx.x * 2], in + i * 64 + threadIdx.x * 2, cuda::aligned_size_t<8>(8), p);
      p.producer_commit();
    }
  } else {
    for (int i = 0; i < n; i++) {
      p.consumer_wait();
      sum += buf[i % stages][threadIdx.x - 32] * (i + 1);
      p.consumer_release();
    }
    out[threadIdx.x - 32] = sum;
  }
}
