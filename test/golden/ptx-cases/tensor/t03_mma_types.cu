// mma.sync of integers, tf32, doubles and bits, movmatrix, and the wmma API of CUDA C++, one after the other.
#include <cstdint>
#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void t03_mma_types(const uint32_t* I8, const int* C32, int* D32, const float* F, float* DF, const double* G, double* DG, const half* H, float* DH, const signed char* W, int* DW, uint32_t* DM, int* DB){
  int l=threadIdx.x, g=l>>2, t=l&3;
  { // s8 x u8, satfinite: A [16,32] s8, B [8,32] u8
    uint32_t a[4],b[2]; int c[4],d[4];
    for(int i=0;i<4;i++) a[i]=I8[(g+8*(i&1))*8+t+4*(i>>1)];
    for(int i=0;i<2;i++) b[i]=I8[128+g*8+t+4*i];
    for(int i=0;i<4;i++) c[i]=C32[(g+8*(i>>1))*8+2*t+(i&1)];
    asm volatile("mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.u8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%10,%11,%12,%13};":"=r"(d[0]),"=r"(d[1]),"=r"(d[2]),"=r"(d[3]):"r"(a[0]),"r"(a[1]),"r"(a[2]),"r"(a[3]),"r"(b[0]),"r"(b[1]),"r"(c[0]),"r"(c[1]),"r"(c[2]),"r"(c[3]));
    for(int i=0;i<4;i++) D32[(g+8*(i>>1))*8+2*t+(i&1)]=d[i];
    // the same words as bits: A [16,256], B [8,256]
    asm volatile("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};":"+r"(c[0]),"+r"(c[1]),"+r"(c[2]),"+r"(c[3]):"r"(a[0]),"r"(a[1]),"r"(a[2]),"r"(a[3]),"r"(b[0]),"r"(b[1]));
    for(int i=0;i<4;i++) DB[(g+8*(i>>1))*8+2*t+(i&1)]=c[i];
    uint32_t m; asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;":"=r"(m):"r"(a[0])); DM[l]=m;
  }
  { // tf32: A [16,8], B [8 (n), 8]
    uint32_t a[4],b[2]; float d[4]={0.5f,0.25f,-0.5f,-0.25f};
    for(int i=0;i<4;i++) asm("cvt.rna.tf32.f32 %0, %1;":"=r"(a[i]):"f"(F[(g+8*(i&1))*8+t+4*(i>>1)]));
    for(int i=0;i<2;i++) asm("cvt.rna.tf32.f32 %0, %1;":"=r"(b[i]):"f"(F[128+g*8+t+4*i]));
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};":"+f"(d[0]),"+f"(d[1]),"+f"(d[2]),"+f"(d[3]):"r"(a[0]),"r"(a[1]),"r"(a[2]),"r"(a[3]),"r"(b[0]),"r"(b[1]));
    for(int i=0;i<4;i++) DF[(g+8*(i>>1))*8+2*t+(i&1)]=d[i];
  }
  { // doubles: A [8,4], B [8 (n), 4]
    double d[2]={1.5,-1.5};
    asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};":"+d"(d[0]),"+d"(d[1]):"d"(G[g*4+t]),"d"(G[32+g*4+t]));
    DG[g*8+2*t]=d[0]; DG[g*8+2*t+1]=d[1];
  }
  { // wmma: H is A [32,16] by rows, then B [16,8] by columns with stride 24
    wmma::fragment<wmma::matrix_a,32,8,16,half,wmma::row_major> a; wmma::fragment<wmma::matrix_b,32,8,16,half,wmma::col_major> b; wmma::fragment<wmma::accumulator,32,8,16,float> c;
    wmma::load_matrix_sync(a,H,16); wmma::load_matrix_sync(b,H+512,24); wmma::fill_fragment(c,3.f);
    wmma::mma_sync(c,a,b,c);
    for(int i=0;i<c.num_elements;i++) c.x[i]*=2.f;
    wmma::store_matrix_sync(DH,c,32,wmma::mem_col_major);
  }
  { // wmma of bytes: A [16,16] by columns, B [16,16] by rows
    wmma::fragment<wmma::matrix_a,16,16,16,signed char,wmma::col_major> a; wmma::fragment<wmma::matrix_b,16,16,16,signed char,wmma::row_major> b; wmma::fragment<wmma::accumulator,16,16,16,int> c;
    wmma::load_matrix_sync(a,W,16); wmma::load_matrix_sync(b,W+256,16); wmma::fill_fragment(c,-7);
    wmma::mma_sync(c,a,b,c);
    wmma::store_matrix_sync(DW,c,16,wmma::mem_row_major);
  }
}
