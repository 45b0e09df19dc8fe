// mbarrier objects and how they are not to be used.
#include "async_common.h"
extern "C" {
K(message_ok) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 64); __syncthreads(); if (T < 64) { s[T] = in[T]; arrive(&b); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(message_count) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 32); __syncthreads(); if (T < 64) { s[T] = in[T]; if (T < 32) arrive(&b); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(message_early_arrive) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 64); __syncthreads(); if (T < 64) { arrive(&b); s[T] = in[T]; } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(message_no_wait) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 64); __syncthreads(); if (T < 64) { s[T] = in[T]; arrive(&b); } else { testParity(&b, 0); out[T] = s[127 - T]; } }
K(relaxed_arrive) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 64); __syncthreads(); if (T < 64) { s[T] = in[T]; asm volatile("{ .reg .b64 t; mbarrier.arrive.relaxed.cluster.shared.b64 t, [%0]; }" ::"r"(sp(&b)) : "memory"); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(relaxed_arrive_ok) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 64); __syncthreads(); if (T < 64) { s[T] = in[T]; asm volatile("fence.acq_rel.cluster; { .reg .b64 t; mbarrier.arrive.relaxed.cluster.shared.b64 t, [%0]; }" ::"r"(sp(&b)) : "memory"); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(one_arrives_for_warp_ok) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 2); __syncthreads(); if (T < 64) { s[T] = in[T]; __syncwarp(); if (T % 32 == 0) arrive(&b); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(one_arrives_for_warp) { __shared__ unsigned s[64]; __shared__ bar_t b; if (T == 0) init(&b, 2); __syncthreads(); if (T < 64) { s[T] = in[T]; if (T % 32 == 0) arrive(&b); } else { waitParity(&b, 0); out[T] = s[127 - T]; } }
K(init_twice) { __shared__ bar_t b; if (T == 0) { init(&b, 1); init(&b, 1); arrive(&b); } __syncthreads(); waitParity(&b, 0); out[T] = 1; }
K(init_twice_ok) { __shared__ bar_t b; if (T == 0) { init(&b, 1); arrive(&b); } __syncthreads(); waitParity(&b, 0); __syncthreads(); if (T == 0) { inval(&b); init(&b, 1); arrive(&b); } __syncthreads(); waitParity(&b, 0); out[T] = 1; }
K(plain_read) { __shared__ bar_t b; if (T == 0) { init(&b, 1); arrive(&b); } __syncthreads(); out[T] = (unsigned)((volatile bar_t *)&b)[0]; waitParity(&b, 0); }
K(plain_write) { __shared__ bar_t b; if (T == 0) { init(&b, 1); b = 0; arrive(&b); } __syncthreads(); out[T] = 1; }
K(never_init) { __shared__ bar_t b; if (T == 1) b = 0; __syncthreads(); if (T == 0) arrive(&b); out[T] = 1; }
K(after_inval) { __shared__ bar_t b; if (T == 0) { init(&b, 1); inval(&b); arrive(&b); } out[T] = 1; }
K(reuse_after_inval_ok) { __shared__ union { bar_t b; unsigned w[2]; } u; if (T == 0) { init(&u.b, 1); arrive(&u.b); } __syncthreads(); waitParity(&u.b, 0); __syncthreads(); if (T == 0) { inval(&u.b); u.w[0] = 3; } __syncthreads(); out[T] = u.w[0]; }
K(reuse_without_inval) { __shared__ union { bar_t b; unsigned w[2]; } u; if (T == 0) { init(&u.b, 1); arrive(&u.b); } __syncthreads(); waitParity(&u.b, 0); __syncthreads(); if (T == 0) u.w[0] = 3; __syncthreads(); out[T] = u.w[0]; }
K(too_many) { __shared__ bar_t b; if (T == 0) init(&b, 2); __syncthreads(); if (T == 0) arriveN(&b, 3); out[T] = 1; }
K(tx_overflow) { __shared__ bar_t b; if (T == 0) { init(&b, 1); expectTx(&b, 1048575); expectTx(&b, 16); } out[T] = 1; }
K(init_no_sync) { __shared__ bar_t b; if (T == 0) init(&b, 128); arrive(&b); waitParity(&b, 0); out[T] = 1; }
K(init_sync_ok) { __shared__ bar_t b; if (T == 0) init(&b, 128); __syncthreads(); arrive(&b); waitParity(&b, 0); out[T] = 1; }
K(init_zero) { __shared__ bar_t b; if (T == 0) init(&b, n > 0 ? 0 : 1); __syncthreads(); out[T] = 1; }
K(phases_ok) { __shared__ unsigned s[128]; __shared__ bar_t b; if (T == 0) init(&b, 128); __syncthreads(); unsigned t = 0; for (int k = 0; k < 6; k++) { s[T] = in[T] + k; arrive(&b); waitParity(&b, (2 * k) & 1); t += s[127 - T]; arrive(&b); waitParity(&b, (2 * k + 1) & 1); } out[T] = t; }
K(phases) { __shared__ unsigned s[128]; __shared__ bar_t b; if (T == 0) init(&b, 128); __syncthreads(); unsigned t = 0; for (int k = 0; k < 6; k++) { s[T] = in[T] + k; arrive(&b); waitParity(&b, k & 1); t += s[127 - T]; } out[T] = t; }
K(never_completes) { __shared__ bar_t b; if (T == 0) init(&b, 2); __syncthreads(); if (T == 0) arrive(&b); waitParity(&b, 0); out[T] = 1; }
K(bytes_missing) { __shared__ __align__(16) unsigned s[64]; __shared__ bar_t b; if (T == 0) { init(&b, 1); fenceInit(); arriveTx(&b, 512); bulkLoad(s, in, 256, &b); } __syncthreads(); waitParity(&b, 0); out[T] = s[T % 64]; }
K(no_expect) { __shared__ __align__(16) unsigned s[64]; __shared__ bar_t b; if (T == 0) { init(&b, 1); fenceInit(); arrive(&b); bulkLoad(s, in, 256, &b); } __syncthreads(); waitParity(&b, 0); out[T] = s[T % 64]; }
}
