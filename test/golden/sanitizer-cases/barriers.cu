// Barriers that not all threads reach, or not as they should.
#define T threadIdx.x
extern "C" {
__device__ __forceinline__ void bar(int id, int count) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(count) : "memory"); }
__global__ void half_block(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (T < 64) __syncthreads(); out[T] = s[T]; }
__global__ void half_block_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); if (T < 64) out[T] = s[T + 64]; }
__global__ void half_warp(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (T % 32 < 16) __syncthreads(); out[T] = s[T]; }
__global__ void by_data(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (in[T] + T > 40) { __syncthreads(); out[T] = s[T]; } }
__global__ void two_sides(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (T % 2) { __syncthreads(); out[T] = s[T]; } else { out[T] = 3; __syncthreads(); out[T] += s[T] + 4; } }
__global__ void early_exit(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (T >= 96) return; __syncthreads(); out[T] = s[95 - T]; }
__global__ void early_exit_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; s[T] = in[T]; if (T >= 96) return; bar(1, 96); out[T] = s[95 - T]; }
__global__ void loop_count(unsigned *out, const unsigned *in, int n) { unsigned t = 0; for (int k = 0; k < 2 + (int)(T / 64); k++) { t += in[k]; __syncthreads(); } out[T] = t; }
__global__ void loop_count_ok(unsigned *out, const unsigned *in, int n) { unsigned t = 0; for (int k = 0; k < 3; k++) { if (k < 2 + (int)(T / 64)) t += in[k]; __syncthreads(); } out[T] = t; }
__global__ void named_count(unsigned *out, const unsigned *in, int n) { if (T < 64) bar(1, 96); else bar(2, 64); out[T] = 1; }
__global__ void named_count_ok(unsigned *out, const unsigned *in, int n) { if (T < 64) bar(1, 64); else bar(2, 64); out[T] = 1; }
__global__ void named_mixed(unsigned *out, const unsigned *in, int n) { if (T < 64) bar(1, 128); else bar(1, 96); out[T] = 1; }
__global__ void warp_mask(unsigned *out, const unsigned *in, int n) { unsigned x = in[T]; if (T < 16) x += __shfl_xor_sync(0xffffffff, x, 1); out[T] = x; }
__global__ void warp_mask_ok(unsigned *out, const unsigned *in, int n) { unsigned x = in[T]; if (T < 16) x += __shfl_xor_sync(0xffff, x, 1); out[T] = x; }
__global__ void warp_mask_stranger(unsigned *out, const unsigned *in, int n) { unsigned x = in[T]; x += __shfl_xor_sync(0xffff, x, 1); out[T] = x; }
__global__ void warp_sync_half(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[32]; s[T] = in[T]; if (T < 16) __syncwarp(); out[T] = s[T]; }
__global__ void vote_half(unsigned *out, const unsigned *in, int n) { unsigned b = 0; if (T % 2) b = __ballot_sync(0xffffffff, in[T] == 1); out[T] = b; }
__global__ void vote_half_ok(unsigned *out, const unsigned *in, int n) { unsigned b = 0; if (T % 2) b = __ballot_sync(0xaaaaaaaa, in[T] == 1); out[T] = b; }
__global__ void crossed(unsigned *out, const unsigned *in, int n) { if (T < 64) { bar(1, 128); bar(2, 128); } else { bar(2, 128); bar(1, 128); } out[T] = 1; }
__global__ void crossed_ok(unsigned *out, const unsigned *in, int n) { bar(1, 128); bar(2, 128); out[T] = 1; }
}
