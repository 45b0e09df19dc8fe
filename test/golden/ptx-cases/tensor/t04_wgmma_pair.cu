// Two accumulators that change places while one of them is in flight: nvcc moves registers before the wait, ptxas waits there (C7517).
// out = P3 + 2 (P0 + P1 + P2), Pi = Ai [64,16] Bi [8,16]^T in bf16.
#include <cstdint>
__device__ __forceinline__ uint32_t smem(const void* p){ return (uint32_t)__cvta_generic_to_shared(p); }
__device__ __forceinline__ uint64_t desc(uint32_t a){ return (uint64_t)((a & 0x3ffff) >> 4) | ((uint64_t)(128>>4)<<16) | ((uint64_t)(256>>4)<<32); }
__device__ __forceinline__ void product(float (&d)[4], uint64_t a, uint64_t b){
  asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0,%1,%2,%3}, %4, %5, 0, 1, 1, 0, 0;" : "+f"(d[0]),"+f"(d[1]),"+f"(d[2]),"+f"(d[3]) : "l"(a),"l"(b));
}
#define FENCE asm volatile("wgmma.fence.sync.aligned;":::"memory")
#define COMMIT asm volatile("wgmma.commit_group.sync.aligned;":::"memory")
#define WAIT(n) asm volatile("wgmma.wait_group.sync.aligned %0;"::"n"(n):"memory")
extern "C" __global__ void __launch_bounds__(128) t04_wgmma_pair(const uint4* A, const uint4* B, float* out, int n){
  __shared__ __align__(128) uint4 sa[4][128], sb[4][16];     // cores of 8 rows by 16 bytes
  int t=threadIdx.x;
  for(int i=0;i<n;i++){
    { int r=t>>1,c=t&1; sa[i][(r>>3)*16+c*8+(r&7)]=A[i*128+t]; }
    if(t<16){ int r=t>>1,c=t&1; sb[i][c*8+r]=B[i*16+t]; }
  }
  asm volatile("fence.proxy.async;":::"memory");
  __syncthreads();
  float d[4]={0,0,0,0}, e[4]={0,0,0,0}, f[4]={0,0,0,0};
  FENCE; product(d,desc(smem(sa[0])),desc(smem(sb[0]))); COMMIT;
  #pragma unroll 1
  for(int i=1;i<n;i++){
    FENCE; product(e,desc(smem(sa[i])),desc(smem(sb[i]))); COMMIT;
    WAIT(1);
    for(int j=0;j<4;j++){ f[j]+=d[j]*2.f; d[j]=e[j]; }
  }
  WAIT(0);
  int w=t>>5, l=t&31;
  for(int j=0;j<4;j++) out[(16*w+l/4+8*(j>>1))*8+2*(l%4)+(j&1)]=d[j]+f[j];
}
