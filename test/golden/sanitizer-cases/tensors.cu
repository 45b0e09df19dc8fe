// wgmma on shared memory, and boxes of tensor maps.
#include <cuda.h>
#include "async_common.h"
D uint64_t desc(const void *p) { return (uint64_t)((sp(p) & 0x3ffff) >> 4) | (uint64_t)(128 >> 4) << 16 | (uint64_t)(256 >> 4) << 32; }
D void wgFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
D void wgCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> D void wgWait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory"); }
D void product(float (&d)[4], const void *a, const void *b) { asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0,%1,%2,%3}, %4, %5, 1, 1, 1, 0, 0;" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "l"(desc(a)), "l"(desc(b)) : "memory"); }
D void load2(void *d, const CUtensorMap *m, int x, int y, bar_t *b) { asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(sp(d)), "l"(m), "r"(sp(b)), "r"(x), "r"(y) : "memory"); }
D void store2(const CUtensorMap *m, int x, int y, const void *s) { asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(m), "r"(sp(s)), "r"(x), "r"(y) : "memory"); }
#define TILES __shared__ __align__(1024) unsigned a[2][512]; __shared__ __align__(1024) unsigned b[2][64]; float d[4] = {0, 0, 0, 0};
#define FILL(k) for (int i = T; i < 512; i += 128) a[k][i] = in[i]; if (T < 64) b[k][T] = in[T];
#define SHOW for (int k = 0; k < 4; k++) out[4 * T + k] = __float_as_uint(d[k]);
extern "C" {
K(wgmma_ok) { TILES FILL(0) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); SHOW }
K(wgmma_no_proxy_fence) { TILES FILL(0) __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); SHOW }
K(wgmma_no_barrier) { TILES FILL(0) fenceAsync(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); SHOW }
K(wgmma_overwrite) { TILES FILL(0) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); a[0][T] = 0; wgWait<0>(); SHOW }
K(wgmma_overwrite_ok) { TILES FILL(0) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); __syncthreads(); a[0][T] = 0; SHOW }
K(wgmma_one_behind) { TILES FILL(0) FILL(1) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); product(d, a[1], b[1]); wgCommit(); wgWait<1>(); __syncthreads(); b[1][T % 64] = T % 64; wgWait<0>(); SHOW }
K(wgmma_one_behind_ok) { TILES FILL(0) FILL(1) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); product(d, a[1], b[1]); wgCommit(); wgWait<1>(); __syncthreads(); b[0][T % 64] = T % 64; wgWait<0>(); SHOW }
K(wgmma_registers) { TILES FILL(0) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); SHOW wgWait<0>(); }
K(wgmma_registers_count) { TILES FILL(0) fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<1>(); SHOW wgWait<0>(); }
K(wgmma_cp_async) { TILES cp16(&a[0][4 * T], in + 4 * T); if (T < 16) cp16(&b[0][4 * T], in + 4 * T); waitAll(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); SHOW }
K(wgmma_cp_async_ok) { TILES cp16(&a[0][4 * T], in + 4 * T); if (T < 16) cp16(&b[0][4 * T], in + 4 * T); waitAll(); fenceAsync(); __syncthreads(); wgFence(); product(d, a[0], b[0]); wgCommit(); wgWait<0>(); SHOW }
// A producer thread and a warpgroup; one thread of it says that a stage is free.
__global__ void __launch_bounds__(160) wgmma_ring_ok(unsigned *out, const unsigned *in, int n) { TILES __shared__ bar_t full[2], empty[2]; if (T == 0) { for (int k = 0; k < 2; k++) { init(full + k, 1); init(empty + k, 1); } fenceInit(); } __syncthreads(); if (T >= 128) { if (T == 128) for (int k = 0; k < 6; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 2048 + 256); bulkLoad(a[k % 2], in + 64 * k, 2048, full + k % 2); bulkLoad(b[k % 2], in, 256, full + k % 2); } } else { for (int k = 0; k < 6; k++) { waitParity(full + k % 2, (k / 2) & 1); wgFence(); product(d, a[k % 2], b[k % 2]); wgCommit(); wgWait<0>(); if (T == 0) arrive(empty + k % 2); } SHOW } }
__global__ void __launch_bounds__(160) wgmma_ring(unsigned *out, const unsigned *in, int n) { TILES __shared__ bar_t full[2], empty[2]; if (T == 0) { for (int k = 0; k < 2; k++) { init(full + k, 1); init(empty + k, 1); } fenceInit(); } __syncthreads(); if (T >= 128) { if (T == 128) for (int k = 0; k < 6; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 2048 + 256); bulkLoad(a[k % 2], in + 64 * k, 2048, full + k % 2); bulkLoad(b[k % 2], in, 256, full + k % 2); } } else { for (int k = 0; k < 6; k++) { waitParity(full + k % 2, (k / 2) & 1); wgFence(); product(d, a[k % 2], b[k % 2]); wgCommit(); wgWait<1>(); if (T == 0) arrive(empty + k % 2); } wgWait<0>(); SHOW } }
#define M(name) __global__ void name(const __grid_constant__ CUtensorMap m, unsigned *out, const unsigned *in, int n)
#define BOX __shared__ __align__(1024) unsigned s[2][256]; __shared__ bar_t full; if (T == 0) { init(&full, 1); fenceInit(); } __syncthreads();
M(box_ok) { BOX if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 0, &full); } waitParity(&full, 0); out[T] = s[0][T]; }
M(box_no_wait) { BOX if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 0, &full); } __syncthreads(); out[T] = s[0][T]; waitParity(&full, 0); }
M(box_edge_ok) { BOX if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, -4, 60, &full); } waitParity(&full, 0); out[T] = s[0][T]; }
M(box_half_bytes) { BOX if (T == 0) { arriveTx(&full, 512); load2(s[0], &m, 0, 0, &full); } waitParity(&full, 0); out[T] = s[0][T]; }
M(box_store_ok) { BOX s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { store2(&m, 0, 16, s[0]); bulkCommit(); bulkWaitRead<0>(); } }
M(box_store_no_fence) { BOX s[0][T] = in[T]; __syncthreads(); if (T == 0) { store2(&m, 0, 16, s[0]); bulkCommit(); bulkWaitRead<0>(); } }
M(box_store_reuse) { BOX s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { store2(&m, 0, 16, s[0]); bulkCommit(); } __syncthreads(); s[0][T] = 1; __syncthreads(); if (T == 0) bulkWaitRead<0>(); }
M(box_over_box) { BOX if (T == 0) { arriveTx(&full, 2048); load2(s[0], &m, 0, 0, &full); load2(s[0], &m, 0, 16, &full); } waitParity(&full, 0); out[T] = s[0][T]; }
M(boxes_ok) { BOX if (T == 0) { arriveTx(&full, 2048); load2(s[0], &m, 0, 0, &full); load2(s[1], &m, 0, 16, &full); } waitParity(&full, 0); out[T] = s[0][T] + s[1][T]; }
M(box_over_reads) { BOX if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 0, &full); } waitParity(&full, 0); out[T] = s[0][T]; if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 16, &full); } waitParity(&full, 1); out[T + 256] = s[0][T]; }
M(box_over_reads_ok) { BOX if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 0, &full); } waitParity(&full, 0); out[T] = s[0][T]; __syncthreads(); if (T == 0) { arriveTx(&full, 1024); load2(s[0], &m, 0, 16, &full); } waitParity(&full, 1); out[T + 256] = s[0][T]; }
}
