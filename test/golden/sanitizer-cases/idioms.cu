// Idioms of real programs, and what breaks them.
#include "async_common.h"
#define B blockIdx.x
__device__ unsigned ticket, serving, work, data[1024], barrierCount, barrierSense;
D void ldm(unsigned &x, const void *p) { asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(x) : "r"(sp(p)) : "memory"); }
extern "C" {
K(ticket_lock_ok) { if (T == 0) { unsigned my = atomicAdd(&ticket, 1); while (*(volatile unsigned *)&serving != my) { } __threadfence(); data[0] += in[B]; __threadfence(); *(volatile unsigned *)&serving = my + 1; } }
K(ticket_lock) { if (T == 0) { unsigned my = atomicAdd(&ticket, 1); while (*(volatile unsigned *)&serving != my) { } __threadfence(); data[0] += in[B]; *(volatile unsigned *)&serving = my + 1; } }
K(work_queue_ok) { __shared__ unsigned item; for (;;) { if (T == 0) item = atomicAdd(&work, 1); __syncthreads(); unsigned i = item; __syncthreads(); if (i >= 6) break; out[i * 128 + T] = in[T] + i; } }
K(work_queue) { __shared__ unsigned item; for (;;) { if (T == 0) item = atomicAdd(&work, 1); __syncthreads(); unsigned i = item; if (i >= 6) break; out[i * 128 + T] = in[T] + i; } }
K(ldmatrix_ok) { __shared__ __align__(16) unsigned s[32]; s[T] = in[T]; __syncwarp(); unsigned x; ldm(x, s + 4 * (T % 8)); out[T] = x; }
K(ldmatrix) { __shared__ __align__(16) unsigned s[32]; s[T] = in[T]; unsigned x; ldm(x, s + 4 * (T % 8)); out[T] = x; }
K(ldmatrix_then_store_ok) { __shared__ __align__(16) unsigned s[32]; s[T] = in[T]; __syncwarp(); unsigned x; ldm(x, s + 4 * (T % 8)); s[T ^ 3] = x; __syncwarp(); out[T] = s[T]; }
K(smem_union_ok) { __shared__ union { unsigned w[128]; unsigned short h[256]; } u; u.w[T] = in[T]; __syncthreads(); unsigned x = u.w[127 - T]; __syncthreads(); u.h[2 * T] = x; u.h[2 * T + 1] = T; __syncthreads(); out[T] = u.w[T ^ 64]; }
K(smem_union) { __shared__ union { unsigned w[128]; unsigned short h[256]; } u; u.w[T] = in[T]; __syncthreads(); unsigned x = u.w[127 - T]; u.h[2 * T] = x; u.h[2 * T + 1] = T; __syncthreads(); out[T] = u.w[T ^ 64]; }
K(gemm_tile_ok) { __shared__ float a[8][17], b[16][9]; int x = T % 8, y = T / 8; float t = 0; for (int k = 0; k < 4; k++) { a[T / 16][T % 16] = in[k * 128 + T]; b[T / 8][T % 8] = in[k * 64 + T]; __syncthreads(); if (y < 8) for (int j = 0; j < 16; j++) t += a[y][j] * b[j][x]; __syncthreads(); } out[T] = (unsigned)t; }
K(gemm_tile) { __shared__ float a[8][17], b[16][9]; int x = T % 8, y = T / 8; float t = 0; for (int k = 0; k < 4; k++) { a[T / 16][T % 16] = in[k * 128 + T]; b[T / 8][T % 8] = in[k * 64 + T]; __syncthreads(); if (y < 8) for (int j = 0; j < 16; j++) t += a[y][j] * b[j][x]; } out[T] = (unsigned)t; }
K(warp_broadcast_ok) { __shared__ unsigned s[4]; if (T % 32 == 0) s[T / 32] = in[T]; __syncwarp(); unsigned x = s[T / 32]; __syncwarp(); if (T % 32 == 5) s[T / 32] = x + 1; __syncwarp(); out[T] = s[T / 32]; }
K(warp_broadcast) { __shared__ unsigned s[4]; if (T % 32 == 0) s[T / 32] = in[T]; __syncwarp(); unsigned x = s[T / 32]; if (T % 32 == 5) s[T / 32] = x + 1; __syncwarp(); out[T] = s[T / 32] + 8 * x; }
K(stencil_ok) { __shared__ unsigned s[2][130]; s[0][T + 1] = in[T]; if (T < 2) s[0][T * 129] = s[1][T * 129] = 0; __syncthreads(); for (int k = 0; k < 4; k++) { s[(k + 1) & 1][T + 1] = s[k & 1][T] + s[k & 1][T + 2]; __syncthreads(); } out[T] = s[0][T + 1]; }
K(stencil) { __shared__ unsigned s[130]; s[T + 1] = in[T]; if (T < 2) s[T * 129] = 0; __syncthreads(); for (int k = 0; k < 4; k++) { s[T + 1] = s[T] + s[T + 2]; __syncthreads(); } out[T] = s[T + 1]; }
K(sense_barrier_ok) { unsigned mine = 0; for (int r = 0; r < 3; r++) { data[B * 128 + T] = in[T] + r; __syncthreads(); mine ^= 1; if (T == 0) { __threadfence(); if (atomicAdd(&barrierCount, 1) == gridDim.x - 1) { atomicExch(&barrierCount, 0); __threadfence(); atomicExch(&barrierSense, mine); } else while (atomicAdd(&barrierSense, 0) != mine) { } __threadfence(); } __syncthreads(); out[(r * 4 + B) * 128 + T] = data[((B + 1) % gridDim.x) * 128 + T]; __syncthreads(); mine ^= 1; if (T == 0) { __threadfence(); if (atomicAdd(&barrierCount, 1) == gridDim.x - 1) { atomicExch(&barrierCount, 0); __threadfence(); atomicExch(&barrierSense, mine); } else while (atomicAdd(&barrierSense, 0) != mine) { } __threadfence(); } __syncthreads(); } }
K(aggregated_ok) { unsigned m = __activemask(); if (in[T] + T % 3 == 2) { unsigned who = __activemask(); int leader = __ffs(who) - 1; unsigned base = 0; if ((int)(T % 32) == leader) base = atomicAdd(out, __popc(who)); base = __shfl_sync(who, base, leader); out[100 + base + __popc(who & ((1u << (T % 32)) - 1))] = T + m % 2; } }
K(counter_then_plain) { __shared__ unsigned c; if (T == 0) c = 0; __syncthreads(); unsigned my = atomicAdd(&c, 1); out[T] = my + c; }
K(counter_then_plain_ok) { __shared__ unsigned c; if (T == 0) c = 0; __syncthreads(); unsigned my = atomicAdd(&c, 1); __syncthreads(); out[T] = my + c; }
D void bar(int id, int count) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(count) : "memory"); }
K(third_reader) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); unsigned x = 0; if (T < 96) x = s[5]; if (T / 32 == 1) bar(1, 64); if (T / 32 == 3) { bar(1, 64); if (T == 96) s[5] = 1; } out[T] = x; }
K(third_reader_ok) { __shared__ unsigned s[128]; s[T] = in[T]; __syncthreads(); unsigned x = 0; if (T < 96) { x = s[5]; bar(1, 128); } else { bar(1, 128); if (T == 96) s[5] = 1; } out[T] = x; }
K(lanes_that_left) { __shared__ unsigned s[32]; s[T] = in[T]; if (T >= 16) { out[T] = 1; return; } __syncwarp(0xffff); out[T] = s[T + 16]; }
K(lanes_that_left_ok) { __shared__ unsigned s[32]; s[T] = in[T]; __syncwarp(); if (T >= 16) { out[T] = 1; return; } __syncwarp(0xffff); out[T] = s[T + 16]; }
}
