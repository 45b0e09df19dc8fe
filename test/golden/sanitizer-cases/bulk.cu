// Bulk copies, the async proxy, and mbarriers that carry them.
#include "async_common.h"
#define START(count) __shared__ __align__(128) unsigned s[4][256]; __shared__ bar_t full[4], empty[4]; if (T == 0) { for (int k = 0; k < 4; k++) { init(full + k, 1); init(empty + k, count); } fenceInit(); } __syncthreads();
extern "C" {
K(load_ok) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } waitParity(full, 0); out[T] = s[0][T] + s[0][255 - T]; }
K(load_no_wait) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } __syncthreads(); out[T] = s[0][T]; waitParity(full, 0); }
K(load_one_waits_ok) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); waitParity(full, 0); } __syncthreads(); out[T] = s[0][T]; }
K(load_one_waits) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } if (T < 32) waitParity(full, 0); out[T] = s[0][T]; }
K(load_wrong_parity) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } waitParity(full, 1); out[T] = s[0][T]; waitParity(full, 0); }
K(load_wrong_barrier) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); arriveTx(full + 1, 1024); bulkLoad(s[1], in + 256, 1024, full + 1); } waitParity(full + 1, 0); out[T] = s[0][T]; waitParity(full, 0); }
K(load_peek) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } testParity(full, 0); out[T] = s[0][T]; waitParity(full, 0); }
K(load_twice) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); arriveTx(full + 1, 1024); bulkLoad(s[0], in + 256, 1024, full + 1); } waitParity(full, 0); waitParity(full + 1, 0); out[T] = s[0][T]; }
K(load_twice_ok) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); waitParity(full, 0); arriveTx(full + 1, 1024); bulkLoad(s[0], in + 256, 1024, full + 1); } waitParity(full + 1, 0); out[T] = s[0][T]; }
// A ring of two stages, a producer thread and 128 consumers.
K(ring_ok) { START(128) if (T >= 128) { if (T == 128) for (int k = 0; k < 6; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 1024); bulkLoad(s[k % 2], in + 256 * k, 1024, full + k % 2); } } else { unsigned t = 0; for (int k = 0; k < 6; k++) { waitParity(full + k % 2, (k / 2) & 1); t += s[k % 2][T] + s[k % 2][255 - T]; arrive(empty + k % 2); } out[T] = t; } }
K(ring_no_empty) { START(128) if (T >= 128) { if (T == 128) for (int k = 0; k < 4; k++) { if (k >= 2) waitParity(full + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 1024); bulkLoad(s[k % 2], in + 256 * k, 1024, full + k % 2); } } else { unsigned t = 0; for (int k = 0; k < 2; k++) { waitParity(full + k % 2, 0); t += s[k % 2][T]; } out[T] = t; } }
K(ring_early_release) { START(128) if (T >= 128) { if (T == 128) for (int k = 0; k < 6; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 1024); bulkLoad(s[k % 2], in + 256 * k, 1024, full + k % 2); } } else { unsigned t = 0; for (int k = 0; k < 6; k++) { waitParity(full + k % 2, (k / 2) & 1); arrive(empty + k % 2); t += s[k % 2][T] + s[k % 2][255 - T]; } out[T] = t; } }
K(ring_empty_parity) { START(128) if (T >= 128) { if (T == 128) for (int k = 0; k < 4; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2) & 1); arriveTx(full + k % 2, 1024); bulkLoad(s[k % 2], in + 256 * k, 1024, full + k % 2); } } else { unsigned t = 0; for (int k = 0; k < 4; k++) { waitParity(full + k % 2, (k / 2) & 1); t += s[k % 2][T]; arrive(empty + k % 2); } out[T] = t; } }
K(ring_wrong_stage) { START(128) if (T >= 128) { if (T == 128) for (int k = 0; k < 6; k++) { if (k >= 2) waitParity(empty + k % 2, (k / 2 - 1) & 1); arriveTx(full + k % 2, 1024); bulkLoad(s[k % 2], in + 256 * k, 1024, full + k % 2); } } else { unsigned t = 0; for (int k = 0; k < 6; k++) { waitParity(full + k % 2, (k / 2) & 1); t += s[(k + 1) % 2][T]; arrive(empty + k % 2); } out[T] = t; } }
// Stores.
K(store_ok) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_no_fence) { START(1) s[0][T] = in[T]; __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_own_fence) { START(1) s[0][T] = in[T]; if (T == 0) fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_issuer_fence_ok) { START(1) s[0][T] = in[T]; __syncthreads(); if (T == 0) { fenceAsync(); bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_fence_before) { START(1) fenceAsync(); s[0][T] = in[T]; __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_global_fence) { START(1) s[0][T] = in[T]; fenceAsyncGlobal(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_shared_fence_ok) { START(1) s[0][T] = in[T]; fenceAsyncShared(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_no_barrier) { START(1) s[0][T] = in[T]; fenceAsync(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(store_reuse) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); } __syncthreads(); s[0][T] = 3; __syncthreads(); if (T == 0) bulkWaitRead<0>(); }
K(store_reuse_ok) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } __syncthreads(); s[0][T] = 3; }
K(store_reuse_no_barrier) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } s[0][T] = 3; }
K(store_never_waits) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); } }
K(store_result_read) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } __syncthreads(); out[T + 512] = out[T]; }
K(store_result_read_ok) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWait<0>(); } __syncthreads(); out[T + 512] = out[T]; }
K(store_pipeline_ok) { START(1) for (int k = 0; k < 6; k++) { if (T == 0) bulkWaitRead<1>(); __syncthreads(); s[k % 2][T] = in[T + k]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out + 256 * k, s[k % 2], 1024); bulkCommit(); } } if (T == 0) bulkWaitRead<0>(); }
K(store_pipeline) { START(1) for (int k = 0; k < 6; k++) { if (T == 0) bulkWaitRead<2>(); __syncthreads(); s[k % 2][T] = in[T + k]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out + 256 * k, s[k % 2], 1024); bulkCommit(); } } if (T == 0) bulkWaitRead<0>(); }
K(load_then_store_ok) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); waitParity(full, 0); bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(load_then_store) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); waitParity(full, 0); } }
K(change_and_store) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } waitParity(full, 0); s[0][T] += 1; __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(change_and_store_ok) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], in, 1024, full); } waitParity(full, 0); s[0][T] += 1; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(global_source) { START(1) out[T] = in[T]; __syncthreads(); if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], out, 1024, full); } waitParity(full, 0); out[T + 512] = s[0][T]; }
K(global_source_ok) { START(1) out[T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { arriveTx(full, 1024); bulkLoad(s[0], out, 1024, full); } waitParity(full, 0); out[T + 512] = s[0][T]; }
K(cp_async_then_store) { START(1) if (T < 64) cp16(&s[0][4 * T], in + 4 * T); waitAll(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(cp_async_then_store_ok) { START(1) if (T < 64) cp16(&s[0][4 * T], in + 4 * T); waitAll(); fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(reduce_ok) { START(1) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkAdd(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(reduce_no_fence) { START(1) s[0][T] = in[T]; __syncthreads(); if (T == 0) { bulkAdd(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
K(overlapping_stores) { START(1) s[0][T] = in[T] + blockIdx.x; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWait<0>(); } }
K(overlapping_stores_ok) { START(1) s[0][T] = in[T] + blockIdx.x; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out + 256 * blockIdx.x, s[0], 1024); bulkCommit(); bulkWait<0>(); } }
K(past_end) { START(1) if (T == 0) { arriveTx(full, 1024); bulkLoad(s[3], in + n - 128, 1024, full); } waitParity(full, 0); out[T] = s[3][T]; }
K(past_shared) { START(1) if (T == 0) { arriveTx(full, 2048); bulkLoad(s[3], in, 2048, full); } waitParity(full, 0); out[T] = s[3][T]; }
K(uninit_store) { START(1) if (T < 200) s[0][T] = in[T]; fenceAsync(); __syncthreads(); if (T == 0) { bulkStore(out, s[0], 1024); bulkCommit(); bulkWaitRead<0>(); } }
}
