// Shared memory that is read before anything was written there.
extern "C" {
__global__ void uninit_halo(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[130]; int i = threadIdx.x; s[i + 1] = in[i]; __syncthreads(); out[i] = s[i] + s[i + 2]; }
__global__ void uninit_halo_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[130]; int i = threadIdx.x; s[i + 1] = in[i]; if (i == 0) s[0] = s[129] = 0; __syncthreads(); out[i] = s[i] + s[i + 2]; }
__global__ void uninit_bytes(unsigned *out, const unsigned *in, int n) { __shared__ __align__(4) unsigned char s[512]; int i = threadIdx.x; s[4 * i] = in[i]; s[4 * i + 1] = 1; s[4 * i + 3] = 2; __syncthreads(); out[i] = ((unsigned *)s)[i]; }
__global__ void uninit_bytes_ok(unsigned *out, const unsigned *in, int n) { __shared__ __align__(4) unsigned char s[512]; int i = threadIdx.x; s[4 * i] = in[i]; s[4 * i + 1] = 1; s[4 * i + 2] = 0; s[4 * i + 3] = 2; __syncthreads(); out[i] = ((unsigned *)s)[i]; }
__global__ void uninit_accumulate(unsigned *out, const unsigned *in, int n) { __shared__ unsigned total; atomicAdd(&total, in[threadIdx.x]); __syncthreads(); out[threadIdx.x] = total; }
__global__ void uninit_accumulate_ok(unsigned *out, const unsigned *in, int n) { __shared__ unsigned total; if (threadIdx.x == 0) total = 0; __syncthreads(); atomicAdd(&total, in[threadIdx.x]); __syncthreads(); out[threadIdx.x] = total; }
__global__ void uninit_dynamic(unsigned *out, const unsigned *in, int n) { extern __shared__ unsigned d[]; int i = threadIdx.x; if (i < 100) d[i] = in[i]; __syncthreads(); out[i] = d[i]; }
__global__ void uninit_dynamic_ok(unsigned *out, const unsigned *in, int n) { extern __shared__ unsigned d[]; int i = threadIdx.x; d[i] = i < 100 ? in[i] : 0; __syncthreads(); out[i] = d[i]; }
__global__ void uninit_second_block(unsigned *out, const unsigned *in, int n) { __shared__ unsigned s[128]; int i = threadIdx.x; if (blockIdx.x == 0) s[i] = in[i]; __syncthreads(); out[blockIdx.x * 128 + i] = s[i ^ 1]; }
__global__ void uninit_vector(unsigned *out, const unsigned *in, int n) { __shared__ __align__(16) unsigned s[512]; int i = threadIdx.x; ((uint2 *)s)[2 * i] = make_uint2(in[i], 1); __syncthreads(); uint4 v = ((uint4 *)s)[i]; out[i] = v.x + v.y + v.z + v.w; }
__global__ void uninit_vector_ok(unsigned *out, const unsigned *in, int n) { __shared__ __align__(16) unsigned s[512]; int i = threadIdx.x; ((uint2 *)s)[2 * i] = make_uint2(in[i], 1); ((uint2 *)s)[2 * i + 1] = make_uint2(2, 1); __syncthreads(); uint4 v = ((uint4 *)s)[i]; out[i] = v.x + v.y + v.z + v.w; }
}
