#include "case.h"
struct P { int a; float b[3]; unsigned char c; };
#ifdef __CUDACC__
__constant__ P cp[3] = {{1, {1.5f, 2, 3}, 7}, {-2, {0.25f, -1, 9}, 200}, {3, {4, 5, 6}, 0}}; __constant__ u32 tab[16] = {1,1,2,3,5,8,13,21,34,55,89,144,233,377,610,987}; __device__ const char* names[3] = {"alpha", "be", "gamma!"}; __device__ volatile int vol = 5;
COOP { int i = blockIdx.x * 128 + threadIdx.x; const P& p = cp[in[i] % 3]; u32 r = p.a * 100 + (int)(p.b[in[i + 1] % 3] * 4) + p.c + tab[in[i + 2] & 15]; const char* s = names[in[i + 3] % 3]; while (*s) r = r * 31 + *s++; r += vol; out[i] = r + __ldg(&in[i]); }
#else
static P cp[3] = {{1, {1.5f, 2, 3}, 7}, {-2, {0.25f, -1, 9}, 200}, {3, {4, 5, 6}, 0}}; static u32 tab[16] = {1,1,2,3,5,8,13,21,34,55,89,144,233,377,610,987}; static const char* names[3] = {"alpha", "be", "gamma!"};
MAIN({ for (int i = 0; i < N; i++) { const P& p = cp[in[i] % 3]; u32 r = p.a * 100 + (int)(p.b[in[i + 1] % 3] * 4) + p.c + tab[in[i + 2] & 15]; const char* s = names[in[i + 3] % 3]; while (*s) r = r * 31 + *s++; r += 5; out[i] = r + in[i]; } })
#endif
