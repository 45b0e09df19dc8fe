// Global memory: blocks among each other.
#include <cuda/atomic>
#define T threadIdx.x
#define B blockIdx.x
__device__ unsigned counter, lockWord, flagWord, sense;
__device__ unsigned data[1024];
extern "C" {
__global__ void blocks_write_one(unsigned *out, const unsigned *in, int n) { if (T == 0) out[0] = B; }
__global__ void blocks_write_one_ok(unsigned *out, const unsigned *in, int n) { if (T == 0) atomicExch(out, B); }
__global__ void blocks_overlap(unsigned *out, const unsigned *in, int n) { out[B * (blockDim.x - 1) + T] = B * 1000 + T; }
__global__ void blocks_overlap_ok(unsigned *out, const unsigned *in, int n) { out[B * blockDim.x + T] = B * 1000 + T; }
__global__ void blocks_add_plain(unsigned *out, const unsigned *in, int n) { out[T] += in[T] + B; }
__global__ void blocks_add_ok(unsigned *out, const unsigned *in, int n) { atomicAdd(out + T, in[T] + B); }
__global__ void blocks_in_place(unsigned *out, const unsigned *in, int n) { int i = B * blockDim.x + T; unsigned x = out[(i + 1) % n]; out[i] = x + 1; }
__global__ void blocks_found_ok(unsigned *out, const unsigned *in, int n) { if (in[T + B] == 1) out[0] = 1; }
__global__ void warps_global(unsigned *out, const unsigned *in, int n) { out[T] = in[T]; out[T + 512] = out[127 - T]; }
__global__ void warps_global_ok(unsigned *out, const unsigned *in, int n) { out[T] = in[T]; __syncthreads(); out[T + 512] = out[127 - T]; }
// Message passing.
__global__ void message_ok(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __threadfence(); __syncthreads(); if (T == 0) { __threadfence(); *(volatile unsigned *)&flagWord = 1; } } else { if (T == 0) { while (*(volatile unsigned *)&flagWord == 0) { } __threadfence(); } __syncthreads(); out[T] = data[T]; } }
__global__ void message_no_fence(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) *(volatile unsigned *)&flagWord = 1; } else { if (T == 0) { while (*(volatile unsigned *)&flagWord == 0) { } __threadfence(); } __syncthreads(); out[T] = data[T]; } }
__global__ void message_no_acquire(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) { __threadfence(); *(volatile unsigned *)&flagWord = 1; } } else { if (T == 0) { while (*(volatile unsigned *)&flagWord == 0) { } } __syncthreads(); out[T] = data[T]; } }
__global__ void message_no_barrier(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __threadfence(); if (T == 0) { *(volatile unsigned *)&flagWord = 1; } } else { if (T == 0) { while (*(volatile unsigned *)&flagWord == 0) { } __threadfence(); } __syncthreads(); out[T] = data[T]; } }
__global__ void message_plain_flag(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) { __threadfence(); flagWord = 1; } } else { if (T == 0) { unsigned x; do { asm volatile("ld.global.u32 %0, [%1];" : "=r"(x) : "l"(&flagWord) : "memory"); } while (x == 0); __threadfence(); } __syncthreads(); out[T] = data[T]; } }
__global__ void message_block_fence(unsigned *out, const unsigned *in, int n) { if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) { __threadfence_block(); *(volatile unsigned *)&flagWord = 1; } } else { if (T == 0) { while (*(volatile unsigned *)&flagWord == 0) { } __threadfence(); } __syncthreads(); out[T] = data[T]; } }
__global__ void message_atomic_ok(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> f(flagWord); if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) f.store(1, cuda::memory_order_release); } else { while (f.load(cuda::memory_order_acquire) == 0) { } out[T] = data[T]; } }
__global__ void message_atomic_relaxed(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> f(flagWord); if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) f.store(1, cuda::memory_order_relaxed); } else { while (f.load(cuda::memory_order_acquire) == 0) { } out[T] = data[T]; } }
__global__ void message_atomic_scope(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_block> f(flagWord); if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) f.store(1, cuda::memory_order_release); } else { while (f.load(cuda::memory_order_acquire) == 0) { } out[T] = data[T]; } }
__global__ void message_default_ok(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_system> f(flagWord); if (B == 0) { data[T] = in[T] + 5; __syncthreads(); if (T == 0) f.store(1); } else { while (f.load() == 0) { } out[T] = data[T]; } }
__global__ void message_add_ok(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> f(flagWord); if (B < 3) { data[B * 128 + T] = in[T] + 5; __syncthreads(); if (T == 0) f.fetch_add(1, cuda::memory_order_acq_rel); } else { if (T == 0) while (f.load(cuda::memory_order_acquire) != 3) { } __syncthreads(); out[T] = data[T] + data[T + 128] + data[T + 256]; } }
__global__ void chain_ok(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> f(flagWord); if (T == 0) { while (f.load(cuda::memory_order_acquire) != B) { } data[0] += B; f.store(B + 1, cuda::memory_order_release); } }
__global__ void chain_bad(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> f(flagWord); if (T == 0) { while (f.load(cuda::memory_order_acquire) != B) { } f.store(B + 1, cuda::memory_order_release); data[0] += B; } }
// The last block adds up.
__global__ void last_block_ok(unsigned *out, const unsigned *in, int n) { __shared__ bool last; data[B * 128 + T] = in[T] + B; __threadfence(); __syncthreads(); if (T == 0) { unsigned t = atomicInc(&counter, gridDim.x); last = t == gridDim.x - 1; } __syncthreads(); if (last) { unsigned s = 0; for (int k = 0; k < gridDim.x; k++) s += data[k * 128 + T]; out[T] = s; } }
__global__ void last_block_guide_ok(unsigned *out, const unsigned *in, int n) { __shared__ bool last; unsigned x = in[T] + B; for (int k = 16; k; k >>= 1) x += __shfl_xor_sync(0xffffffff, x, k); if (T == 0) { ((volatile unsigned *)data)[B] = x; __threadfence(); unsigned t = atomicInc(&counter, gridDim.x); last = t == gridDim.x - 1; } __syncthreads(); if (last && T == 0) { unsigned s = 0; for (int k = 0; k < gridDim.x; k++) s += ((volatile unsigned *)data)[k]; out[0] = s; counter = 0; } }
__global__ void last_block_no_fence(unsigned *out, const unsigned *in, int n) { __shared__ bool last; data[B * 128 + T] = in[T] + B; __syncthreads(); if (T == 0) { unsigned t = atomicInc(&counter, gridDim.x); last = t == gridDim.x - 1; } __syncthreads(); if (last) { unsigned s = 0; for (int k = 0; k < gridDim.x; k++) s += data[k * 128 + T]; out[T] = s; } }
__global__ void last_block_no_barrier(unsigned *out, const unsigned *in, int n) { __shared__ bool last; data[B * 128 + T] = in[T] + B; if (T == 0) { __threadfence(); unsigned t = atomicInc(&counter, gridDim.x); last = t == gridDim.x - 1; } __syncthreads(); if (last) { unsigned s = 0; for (int k = 0; k < gridDim.x; k++) s += data[k * 128 + T]; out[T] = s; } }
// Locks.
__global__ void lock_ok(unsigned *out, const unsigned *in, int n) { if (T == 0) { while (atomicCAS(&lockWord, 0, 1) != 0) { } __threadfence(); data[0] += in[B]; data[1] += 1; __threadfence(); atomicExch(&lockWord, 0); } }
__global__ void lock_no_fence(unsigned *out, const unsigned *in, int n) { if (T == 0) { while (atomicCAS(&lockWord, 0, 1) != 0) { } data[0] += in[B]; data[1] += 1; atomicExch(&lockWord, 0); } }
__global__ void lock_outside(unsigned *out, const unsigned *in, int n) { if (T == 0) { while (atomicCAS(&lockWord, 0, 1) != 0) { } __threadfence(); data[0] += in[B]; __threadfence(); atomicExch(&lockWord, 0); data[1] += 1; } }
__global__ void lock_cuda_ok(unsigned *out, const unsigned *in, int n) { cuda::atomic_ref<unsigned, cuda::thread_scope_device> l(lockWord); if (T == 0) { while (l.exchange(1, cuda::memory_order_acquire) != 0) { } data[0] += in[B]; l.store(0, cuda::memory_order_release); } }
__global__ void lock_plain_unlock(unsigned *out, const unsigned *in, int n) { if (T == 0) { while (atomicCAS(&lockWord, 0, 1) != 0) { } __threadfence(); data[0] += in[B]; __threadfence(); lockWord = 0; } }
__global__ void lock_threads_ok(unsigned *out, const unsigned *in, int n) { bool done = false; while (!done) { if (atomicCAS(&lockWord, 0, 1) == 0) { __threadfence(); data[0] += in[T]; __threadfence(); atomicExch(&lockWord, 0); done = true; } } }
// A barrier of the grid.
__device__ __forceinline__ void grid_barrier(unsigned round, bool fence) { __syncthreads(); if (T == 0) { if (fence) __threadfence(); atomicAdd(&counter, 1); while (*(volatile unsigned *)&counter < round * gridDim.x) { } if (fence) __threadfence(); } __syncthreads(); }
__global__ void grid_ok(unsigned *out, const unsigned *in, int n) { int i = B * blockDim.x + T, j = (i + blockDim.x + 3) % (gridDim.x * blockDim.x); data[i] = in[i]; grid_barrier(1, true); unsigned x = data[j]; grid_barrier(2, true); data[i] = x + 1; grid_barrier(3, true); out[i] = data[j]; }
__global__ void grid_missing(unsigned *out, const unsigned *in, int n) { int i = B * blockDim.x + T, j = (i + blockDim.x + 3) % (gridDim.x * blockDim.x); data[i] = in[i]; grid_barrier(1, true); unsigned x = data[j]; data[i] = x + 1; grid_barrier(2, true); out[i] = data[j]; }
__global__ void grid_no_fence(unsigned *out, const unsigned *in, int n) { int i = B * blockDim.x + T, j = (i + blockDim.x + 3) % (gridDim.x * blockDim.x); data[i] = in[i]; grid_barrier(1, false); out[i] = data[j]; }
// Scopes of atomics.
__global__ void scope_add(unsigned *out, const unsigned *in, int n) { atomicAdd_block(out + T, 1); }
__global__ void scope_add_ok(unsigned *out, const unsigned *in, int n) { atomicAdd_block(out + T % 32 + B * 32, 1); }
__global__ void atomic_and_plain(unsigned *out, const unsigned *in, int n) { if (B == 0) atomicAdd(out + T, 1); else out[T + 1024] = out[T]; }
__global__ void warp_lanes_store(unsigned *out, const unsigned *in, int n) { out[T / 2 + B * 64] = T; }
__global__ void warp_lanes_store_ok(unsigned *out, const unsigned *in, int n) { out[T / 2 + B * 64] = T / 2; }
__global__ void read_only_ok(unsigned *out, const unsigned *in, int n) { unsigned t = 0; for (int k = 0; k < 64; k++) t += __ldg(in + (k * 7 + T) % n); out[B * blockDim.x + T] = t; }
}
