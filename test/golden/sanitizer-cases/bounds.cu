// Addresses: outside of memory, or not aligned.
extern "C" {
__global__ void global_read_past(unsigned *out, const unsigned *in, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; out[i] = in[i + 1]; }
__global__ void global_read_past_ok(unsigned *out, const unsigned *in, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; out[i] = i + 1 < n ? in[i + 1] : 0; }
__global__ void global_write_past(unsigned *out, const unsigned *in, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i <= n) out[i] = in[i % n]; }
__global__ void global_write_past_ok(unsigned *out, const unsigned *in, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) out[i] = in[i % n]; }
__global__ void global_before(unsigned *out, const unsigned *in, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) out[i] = in[i - 1]; }
__global__ void global_null(unsigned *out, const unsigned *in, int n) { int i = threadIdx.x; unsigned *p = (unsigned *)(size_t)(in[0] - 1); p[i] = 1; }
__global__ void global_atomic_past(unsigned *out, const unsigned *in, int n) { atomicAdd(out + n + threadIdx.x / 32, 1); }
__global__ void global_vector_past(unsigned *out, const unsigned *in, int n) { int i = threadIdx.x; if (i <= n / 4) ((uint4 *)out)[i] = make_uint4(1, 2, 3, 4); }
__global__ void shared_past(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; int i = threadIdx.x; s[i + (n > 0 ? 1 : 0)] = in[i]; __syncthreads(); out[i] = s[i == 0 ? 1 : i]; }
__global__ void shared_past_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[129]; int i = threadIdx.x; s[i + (n > 0 ? 1 : 0)] = in[i]; __syncthreads(); out[i] = s[i == 0 ? 1 : i]; }
__global__ void shared_dynamic(unsigned *out, const unsigned *in, int n) { extern __shared__ unsigned d[]; int i = threadIdx.x; d[i] = in[i]; __syncthreads(); out[i] = d[i ^ 1]; }
__global__ void shared_before(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; int i = threadIdx.x; s[i] = in[i]; __syncthreads(); out[i] = s[i - (n > 0)]; }
__global__ void local_past(unsigned *out, const unsigned *in, int n) { unsigned a[10]; for (int k = 0; k < 10; k++) a[k] = in[k] + k; a[in[threadIdx.x] + 9] = 3; unsigned t = 0; for (int k = 0; k < 10; k++) t += a[(k * in[3]) % 10]; out[threadIdx.x] = t; }
__global__ void local_past_ok(unsigned *out, const unsigned *in, int n) { unsigned a[11]; for (int k = 0; k < 10; k++) a[k] = in[k] + k; a[in[threadIdx.x] + 9] = 3; unsigned t = 0; for (int k = 0; k < 10; k++) t += a[(k * in[3]) % 10]; out[threadIdx.x] = t; }
__global__ void local_far(unsigned *out, const unsigned *in, int n) { volatile unsigned a[8]; a[n] = in[threadIdx.x]; out[threadIdx.x] = a[in[0]]; }
__global__ void misaligned_word(unsigned *out, const unsigned *in, int n) { *(unsigned *)((char *)out + 2 + 4 * threadIdx.x) = 5; }
__global__ void misaligned_vector(unsigned *out, const unsigned *in, int n) { ((uint4 *)(out + 2))[threadIdx.x] = make_uint4(1, 1, 1, 1); }
__global__ void misaligned_vector_ok(unsigned *out, const unsigned *in, int n) { ((uint4 *)(out + 4))[threadIdx.x] = make_uint4(1, 1, 1, 1); }
__global__ void misaligned_shared(unsigned *out, const unsigned *in, int n) { __shared__ unsigned char s[512]; for (int k = threadIdx.x; k < 512; k += blockDim.x) s[k] = k; __syncthreads(); if (threadIdx.x < 8) out[threadIdx.x] = *(unsigned *)(s + 4 * threadIdx.x + in[0]); }
__global__ void misaligned_double(unsigned *out, const unsigned *in, int n) { out[threadIdx.x] = (unsigned)*(const double *)(in + 2 * threadIdx.x + 1); }
__global__ void misaligned_atomic(unsigned *out, const unsigned *in, int n) { atomicAdd((unsigned long long *)(out + in[0]), 1ull); }
}
