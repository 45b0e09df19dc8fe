// Shared memory: who comes after whom.
#define T threadIdx.x
extern "C" {
__global__ void raw_warps(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; out[T] = s[127 - T]; }
__global__ void raw_warps_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); out[T] = s[127 - T]; }
__global__ void war_warps(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); unsigned x = s[(T + 64) % 128]; s[T] = x + 1; __syncthreads(); out[T] = s[T]; }
__global__ void war_warps_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); unsigned x = s[(T + 64) % 128]; __syncthreads(); s[T] = x + 1; __syncthreads(); out[T] = s[T]; }
__global__ void waw_warps(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[64]; s[T % 64] = T; __syncthreads(); out[T] = s[T % 64]; }
__global__ void waw_warps_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[64]; if (T < 64) s[T] = T; __syncthreads(); if (T >= 64) s[T % 64] = T; __syncthreads(); out[T] = s[T % 64]; }
__global__ void same_value_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned found; if (T == 0) found = 0; __syncthreads(); if (in[T] == 1) found = 1; __syncthreads(); out[T] = found; }
// In one warp.
__global__ void warp_neighbour(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; out[T] = s[T ^ 1]; }
__global__ void warp_neighbour_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; __syncwarp(); out[T] = s[T ^ 1]; }
__global__ void warp_reduce(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[64]; s[T] = in[T]; s[T + 32] = in[T + 32]; __syncwarp(); for (int k = 32; k > 0; k >>= 1) { s[T] += s[T + (T < k ? k : 0)]; } if (T == 0) out[0] = s[0]; }
__global__ void warp_reduce_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[64]; s[T] = in[T]; s[T + 32] = in[T + 32]; __syncwarp(); for (int k = 32; k > 0; k >>= 1) { unsigned x = s[T + (T < k ? k : 0)]; __syncwarp(); if (T < k) s[T] += x; __syncwarp(); } if (T == 0) out[0] = s[0]; }
__global__ void warp_reduce_volatile(unsigned *out, const unsigned *in, int n) { __shared__ unsigned m[64]; volatile unsigned *s = m; m[T] = in[T]; __syncthreads(); if (T < 32) { s[T] += s[T + 32]; if (T < 16) { s[T] += s[T + 16]; s[T] += s[T + 8]; s[T] += s[T + 4]; s[T] += s[T + 2]; s[T] += s[T + 1]; } } if (T == 0) out[0] = m[0]; }
__global__ void warp_two_lanes_store(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[16]; s[T / 2] = T; __syncwarp(); out[T] = s[T / 2]; }
__global__ void warp_two_lanes_store_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[16]; s[T / 2] = T / 2; __syncwarp(); out[T] = s[T / 2]; }
__global__ void warp_diverged(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; if (T < 16) s[T] = in[T] + 1; else s[T] = in[T] + 2; out[T] = s[31 - T]; }
__global__ void warp_diverged_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; if (T < 16) s[T] = in[T] + 1; else s[T] = in[T] + 2; __syncwarp(); out[T] = s[31 - T]; }
__global__ void warp_half_mask(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; if (T < 16) __syncwarp(0xffff); else __syncwarp(0xffff0000); out[T] = s[T ^ 16]; }
__global__ void warp_half_mask_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; if (T < 16) __syncwarp(0xffff); else __syncwarp(0xffff0000); out[T] = s[T ^ 8]; }
__global__ void warp_chain_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; if (T == 0) s[0] = in[0]; if (T < 2) __syncwarp(3); if (T == 1) s[1] = s[0] + 1; if (T == 1 || T == 2) __syncwarp(6); if (T == 2) out[0] = s[0] + s[1]; }
__global__ void warp_shfl_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; unsigned x = __shfl_xor_sync(0xffffffff, in[T], 1); out[T] = s[T ^ 1] + x; }
// Loops.
__global__ void double_buffer(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[2][128]; unsigned t = 0; for (int k = 0; k < 8; k++) { s[0][T] = in[k * 128 + T]; __syncthreads(); t += s[0][127 - T]; } out[T] = t; }
__global__ void double_buffer_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[2][128]; unsigned t = 0; for (int k = 0; k < 8; k++) { s[k & 1][T] = in[k * 128 + T]; __syncthreads(); t += s[k & 1][127 - T]; } out[T] = t; }
__global__ void scan_missing(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); for (int k = 1; k < 128; k *= 2) { unsigned x = T >= k ? s[T - k] : 0; s[T] += x; __syncthreads(); } out[T] = s[T]; }
__global__ void scan_missing_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); for (int k = 1; k < 128; k *= 2) { unsigned x = T >= k ? s[T - k] : 0; __syncthreads(); s[T] += x; __syncthreads(); } out[T] = s[T]; }
__global__ void reduce_tail(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); for (int k = 64; k > 0; k >>= 1) { if (T < k) s[T] += s[T + k]; if (k > 32) __syncthreads(); } if (T == 0) out[0] = s[0]; }
__global__ void reduce_tail_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); for (int k = 64; k > 0; k >>= 1) { if (T < k) s[T] += s[T + k]; __syncthreads(); } if (T == 0) out[0] = s[0]; }
__global__ void transpose_tile(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[16][17]; int x = T % 16, y = T / 16; s[y][x] = in[T]; out[T] = s[x][y]; }
__global__ void transpose_tile_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[16][17]; int x = T % 16, y = T / 16; s[y][x] = in[T]; __syncthreads(); out[T] = s[x][y]; }
// Small pieces.
__global__ void bytes_ok(unsigned *out, const unsigned *in, int n) { __shared__ __align__(4) unsigned char s[128]; s[T] = in[T]; __syncthreads(); out[T] = s[127 - T]; }
__global__ void bytes(unsigned *out, const unsigned *in, int n) { __shared__ __align__(4) unsigned char s[128]; s[T] = 0; if (T % 4 == 0) { *(unsigned *)(s + T) = in[T]; } __syncthreads(); out[T] = s[127 - T]; }
__global__ void halves_ok(unsigned *out, const unsigned *in, int n) { __shared__ __align__(4) unsigned short s[128]; s[T] = in[T]; __syncthreads(); if (T < 64) out[T] = ((unsigned *)s)[63 - T]; __syncthreads(); s[T] += 1; __syncthreads(); out[T] = s[T ^ 33]; }
// Atomics.
__global__ void histogram_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned h[16]; if (T < 16) h[T] = 0; __syncthreads(); atomicAdd(&h[T % 16], in[T]); __syncthreads(); if (T < 16) out[T] = h[T]; }
__global__ void histogram(unsigned *out, const unsigned *in, int n) { __shared__ unsigned h[16]; if (T < 16) h[T] = 0; atomicAdd(&h[T % 16], in[T]); __syncthreads(); if (T < 16) out[T] = h[T]; }
__global__ void histogram_read(unsigned *out, const unsigned *in, int n) { __shared__ unsigned h[16]; if (T < 16) h[T] = 0; __syncthreads(); atomicAdd(&h[T % 16], in[T]); if (T < 16) out[T] = h[T]; }
__global__ void histogram_plain(unsigned *out, const unsigned *in, int n) { __shared__ unsigned h[16]; if (T < 16) h[T] = 0; __syncthreads(); h[T % 16] += in[T]; __syncthreads(); if (T < 16) out[T] = h[T]; }
// Named barriers.
__device__ __forceinline__ void bar(int id, int count) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(count) : "memory"); }
__device__ __forceinline__ void arrive(int id, int count) { asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(count) : "memory"); }
__global__ void named_pairs_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; bar(1 + T / 64, 64); out[T] = s[T ^ 33]; }
__global__ void named_pairs(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; bar(1 + T / 64, 64); out[T] = s[T ^ 64]; }
__global__ void named_produce_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; if (T < 32) { for (int k = 0; k < 4; k++) { if (k) bar(2, 64); s[T] = in[T + k]; __threadfence_block(); arrive(1, 64); } } else { unsigned t = 0; for (int k = 0; k < 4; k++) { bar(1, 64); t += s[63 - T]; if (k < 3) arrive(2, 64); } out[T] = t; } }
__global__ void named_produce(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; if (T < 32) { for (int k = 0; k < 4; k++) { s[T] = in[T + k]; arrive(1, 64); bar(2, 64); } } else { unsigned t = 0; for (int k = 0; k < 4; k++) { arrive(2, 64); bar(1, 64); t += s[63 - T]; } out[T] = t; } }
__global__ void red_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; int any = __syncthreads_or(in[T] > 3); out[T] = s[127 - T] + any; }
// Flags in shared memory.
__global__ void flag_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; __shared__ volatile unsigned flag; if (T == 0) flag = 0; __syncthreads(); if (T < 32) { s[T] = in[T]; __threadfence_block(); __syncwarp(); if (T == 0) { __threadfence_block(); flag = 1; } } else { while (flag == 0) { } __threadfence_block(); out[T] = s[T - 32]; } }
__global__ void flag(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; __shared__ volatile unsigned flag; if (T == 0) flag = 0; __syncthreads(); if (T < 32) { s[T] = in[T]; if (T == 0) flag = 1; } else { while (flag == 0) { } __threadfence_block(); out[T] = s[T - 32]; } }
__global__ void lock_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned lock, total; if (T == 0) lock = total = 0; __syncthreads(); bool done = false; while (!done) { if (atomicCAS(&lock, 0, 1) == 0) { __threadfence_block(); total += in[T]; __threadfence_block(); atomicExch(&lock, 0); done = true; } } __syncthreads(); out[T] = total; }
__global__ void lock(unsigned *out, const unsigned *in, int n) { __shared__ unsigned lock, total; if (T == 0) lock = total = 0; __syncthreads(); bool done = false; while (!done) { if (atomicCAS(&lock, 0, 1) == 0) { done = true; atomicExch(&lock, 0); } } total += in[T]; __syncthreads(); out[T] = total; }
}
