// C[128,64] = A[128,128] B[64,128]^T, bf16, two warpgroups, 128-byte swizzle by hand, two stages filled with cp.async.
#include <cstdint>
__device__ __forceinline__ uint32_t smem(const void* p){ return (uint32_t)__cvta_generic_to_shared(p); }
__device__ __forceinline__ uint64_t desc(uint32_t a){ return (uint64_t)((a & 0x3ffff) >> 4) | (1ull<<16) | ((uint64_t)(1024>>4)<<32) | (1ull<<62); }
extern "C" __global__ void __launch_bounds__(256,1) t01_wgmma_bf16(const uint4* A, const uint4* B, float* C){
  __shared__ __align__(1024) uint4 sa[2][128*8];
  __shared__ __align__(1024) uint4 sb[2][64*8];
  int t=threadIdx.x, wg=t>>7;
  for(int kt=0;kt<2;kt++){
    for(int i=t;i<128*8;i+=256){ int r=i>>3,c=i&7; asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"::"r"(smem(&sa[kt][r*8+(c^(r&7))])),"l"(A+r*16+kt*8+c):"memory"); }
    for(int i=t;i<64*8;i+=256){ int r=i>>3,c=i&7; asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"::"r"(smem(&sb[kt][r*8+(c^(r&7))])),"l"(B+r*16+kt*8+c):"memory"); }
    asm volatile("cp.async.commit_group;":::"memory");
  }
  float d[32];
  for(int i=0;i<32;i++) d[i]=0.f;
  for(int kt=0;kt<2;kt++){
    if(kt==0) asm volatile("cp.async.wait_group 1;":::"memory"); else asm volatile("cp.async.wait_group 0;":::"memory");
    asm volatile("fence.proxy.async.shared::cta;":::"memory");
    __syncthreads();
    asm volatile("wgmma.fence.sync.aligned;":::"memory");
    #pragma unroll
    for(int k=0;k<4;k++){
      uint64_t da=desc(smem(&sa[kt][wg*64*8])+k*32), db=desc(smem(&sb[kt][0])+k*32);
      asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, 1, 1, 1, 0, 0;"
      : "+f"(d[0]),"+f"(d[1]),"+f"(d[2]),"+f"(d[3]),"+f"(d[4]),"+f"(d[5]),"+f"(d[6]),"+f"(d[7]),"+f"(d[8]),"+f"(d[9]),"+f"(d[10]),"+f"(d[11]),"+f"(d[12]),"+f"(d[13]),"+f"(d[14]),"+f"(d[15]),
        "+f"(d[16]),"+f"(d[17]),"+f"(d[18]),"+f"(d[19]),"+f"(d[20]),"+f"(d[21]),"+f"(d[22]),"+f"(d[23]),"+f"(d[24]),"+f"(d[25]),"+f"(d[26]),"+f"(d[27]),"+f"(d[28]),"+f"(d[29]),"+f"(d[30]),"+f"(d[31])
      : "l"(da),"l"(db));
    }
    asm volatile("wgmma.commit_group.sync.aligned;":::"memory");
  }
  asm volatile("wgmma.wait_group.sync.aligned 0;":::"memory");
  int w=(t>>5)&3, l=t&31;
  for(int i=0;i<32;i++) C[(wg*64+16*w+l/4+8*((i>>1)&1))*64 + 8*(i>>2)+2*(l%4)+(i&1)] = d[i];
}
