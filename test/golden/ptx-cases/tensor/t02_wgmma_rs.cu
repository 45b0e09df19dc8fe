// Warp-specialised: producer warpgroup gives registers away and fills shared memory, consumer takes them; fp8 A from registers,
// f16 B transposed (N-major) in the second product, results by stmatrix.
#include <cstdint>
#include <cuda_fp16.h>
__device__ __forceinline__ uint32_t smem(const void* p){ return (uint32_t)__cvta_generic_to_shared(p); }
extern "C" __global__ void __launch_bounds__(256,1) t02_wgmma_rs(const uint32_t* A8, const uint4* B8, const uint4* V, uint4* out, float* S){
  __shared__ __align__(1024) uint4 sb[16*2];       // B8 [16,32] e4m3, no swizzle: 8x16-byte cores
  __shared__ __align__(1024) uint4 sv[16*8];       // V [16 (k), 64 (n)] f16, n contiguous, 128-byte swizzle
  __shared__ __align__(16) uint4 so[64*8];         // O [64,64] f16
  int t=threadIdx.x, wg=t>>7, u=t&127;
  if(wg==0){
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if(u<32){ int n=u>>1, c=u&1; sb[(n>>3)*16 + c*8 + (n&7)] = B8[u]; }          // LBO 128 between k cores, SBO 256 between n groups
    { int k=u>>3, c=u&7; sv[k*8 + (c^(k&7))] = V[u]; }
    asm volatile("fence.proxy.async;":::"memory");
    asm volatile("bar.arrive 1, 256;":::"memory");
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 216;");
    int w=u>>5, l=u&31, row=16*w+l/4;
    uint32_t a[4];
    for(int i=0;i<4;i++) a[i]=A8[(row+8*(i&1))*8 + (l%4) + 4*(i>>1)];
    asm volatile("bar.sync 1, 256;":::"memory");
    float s[8];
    uint64_t db=(uint64_t)(smem(sb)>>4) | ((uint64_t)(128>>4)<<16) | ((uint64_t)(256>>4)<<32);
    asm volatile("wgmma.fence.sync.aligned;":::"memory");
    asm volatile("wgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e5m2 {%0,%1,%2,%3,%4,%5,%6,%7}, {%8,%9,%10,%11}, %12, 0, 1, 1;"
      : "=f"(s[0]),"=f"(s[1]),"=f"(s[2]),"=f"(s[3]),"=f"(s[4]),"=f"(s[5]),"=f"(s[6]),"=f"(s[7]) : "r"(a[0]),"r"(a[1]),"r"(a[2]),"r"(a[3]),"l"(db));
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;":::"memory");
    for(int i=0;i<8;i++) S[(row+8*((i>>1)&1))*16 + 8*(i>>2)+2*(l%4)+(i&1)] = s[i];
    // accumulators of the first product are A of the second
    uint32_t p[4];
    for(int i=0;i<4;i++){ __half2 h=__floats2half2_rn(s[2*i],s[2*i+1]); p[i]=*(uint32_t*)&h; }
    uint32_t o[16];
    for(int i=0;i<16;i++) o[i]=0;
    uint64_t dv=(uint64_t)(smem(sv)>>4) | ((uint64_t)(8192>>4)<<16) | ((uint64_t)(1024>>4)<<32) | (1ull<<62);
    asm volatile("wgmma.fence.sync.aligned;":::"memory");
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f16.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, {%16,%17,%18,%19}, %20, 1, 1, -1, 1;"
      : "+r"(o[0]),"+r"(o[1]),"+r"(o[2]),"+r"(o[3]),"+r"(o[4]),"+r"(o[5]),"+r"(o[6]),"+r"(o[7]),"+r"(o[8]),"+r"(o[9]),"+r"(o[10]),"+r"(o[11]),"+r"(o[12]),"+r"(o[13]),"+r"(o[14]),"+r"(o[15])
      : "r"(p[0]),"r"(p[1]),"r"(p[2]),"r"(p[3]),"l"(dv));
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;":::"memory");
    // each stmatrix.x4 stores rows 16 w .. +15, 16 columns
    for(int j=0;j<4;j++){
      int r=16*w+(l&15), c=2*j+(l>>4);
      asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};"::"r"(smem(&so[r*8+(c^(r&7))])),"r"(o[4*j]),"r"(o[4*j+1]),"r"(o[4*j+2]),"r"(o[4*j+3]):"memory");
    }
    asm volatile("bar.sync 2, 128;":::"memory");
    for(int i=u;i<64*8;i+=128){ int r=i>>3,c=i&7; out[i]=so[r*8+(c^(r&7))]; }
  }
}
