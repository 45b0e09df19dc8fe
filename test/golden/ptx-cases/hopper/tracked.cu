#include "common.cuh"
#include <cuda/barrier>
#include <utility>

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
