// cp.async: a copy is there only after its thread waited for it, and for others after a barrier behind that.
#include "async_common.h"
extern "C" {
K(no_wait) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); commit(); __syncthreads(); out[T] = s[T]; waitAll(); }
K(no_wait_ok) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); commit(); wait<0>(); __syncthreads(); out[T] = s[T]; }
K(no_commit) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); wait<0>(); __syncthreads(); out[T] = s[T]; waitAll(); }
K(no_commit_ok) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); waitAll(); __syncthreads(); out[T] = s[T]; }
K(own_only_ok) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); waitAll(); out[T] = s[4 * T]; }
K(no_barrier) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); waitAll(); out[T] = s[T]; }
K(barrier_first) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); __syncthreads(); waitAll(); out[T] = s[T]; }
K(own_before_wait) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); out[T] = s[4 * T]; waitAll(); }
K(wrong_count) { __shared__ __align__(16) unsigned s[2][128]; unsigned t = 0; cp4(&s[0][T], in + T); commit(); for (int k = 0; k < 4; k++) { if (k < 3) cp4(&s[(k + 1) & 1][T], in + 128 * (k + 1) + T); commit(); wait<2>(); __syncthreads(); t += s[k & 1][127 - T]; __syncthreads(); } waitAll(); out[T] = t; }
K(wrong_count_ok) { __shared__ __align__(16) unsigned s[2][128]; unsigned t = 0; cp4(&s[0][T], in + T); commit(); for (int k = 0; k < 4; k++) { if (k < 3) cp4(&s[(k + 1) & 1][T], in + 128 * (k + 1) + T); commit(); wait<1>(); __syncthreads(); t += s[k & 1][127 - T]; __syncthreads(); } out[T] = t; }
K(reuse) { __shared__ __align__(16) unsigned s[2][128]; unsigned t = 0; cp4(&s[0][T], in + T); commit(); for (int k = 0; k < 4; k++) { if (k < 3) cp4(&s[(k + 1) & 1][T], in + 128 * (k + 1) + T); commit(); wait<1>(); __syncthreads(); t += s[k & 1][127 - T]; } out[T] = t; }
K(three_stages_ok) { __shared__ __align__(16) unsigned s[3][128]; unsigned t = 0; for (int k = 0; k < 2; k++) { cp4(&s[k][T], in + 128 * k + T); commit(); } for (int k = 0; k < 6; k++) { wait<1>(); __syncthreads(); if (k + 2 < 6) cp4(&s[(k + 2) % 3][T], in + 128 * (k + 2) + T); commit(); t += s[k % 3][127 - T]; } out[T] = t; }
K(three_stages) { __shared__ __align__(16) unsigned s[3][128]; unsigned t = 0; for (int k = 0; k < 2; k++) { cp4(&s[k][T], in + 128 * k + T); commit(); } for (int k = 0; k < 6; k++) { wait<1>(); if (k + 2 < 6) cp4(&s[(k + 2) % 3][T], in + 128 * (k + 2) + T); commit(); __syncthreads(); t += s[k % 3][127 - T]; } waitAll(); out[T] = t; }
K(last_not_waited) { __shared__ __align__(16) unsigned s[3][128]; unsigned t = 0; for (int k = 0; k < 2; k++) { cp4(&s[k][T], in + 128 * k + T); commit(); } for (int k = 0; k < 6; k++) { wait<1>(); __syncthreads(); if (k + 2 < 6) { cp4(&s[(k + 2) % 3][T], in + 128 * (k + 2) + T); commit(); } t += s[k % 3][127 - T]; } waitAll(); out[T] = t; }
K(store_under_copy) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); s[4 * T] = 5; waitAll(); __syncthreads(); out[T] = s[T]; }
K(store_under_copy_ok) { __shared__ __align__(16) unsigned s[512]; cp16(s + 4 * T, in + 4 * T); waitAll(); s[4 * T] = 5; __syncthreads(); out[T] = s[T]; }
K(copy_over_copy) { __shared__ __align__(16) unsigned s[128]; cp4(s + T, in + T); commit(); cp4(s + (T ^ 1), in + 128 + T); commit(); waitAll(); __syncthreads(); out[T] = s[T]; }
K(source_changed) { __shared__ __align__(16) unsigned s[128]; out[T + 512] = in[T]; cp4(s + T, out + 512 + T); out[T + 512] = 7; waitAll(); __syncthreads(); out[T] = s[T ^ 1]; }
K(source_changed_ok) { __shared__ __align__(16) unsigned s[128]; out[T + 512] = in[T]; cp4(s + T, out + 512 + T); waitAll(); out[T + 512] = 7; __syncthreads(); out[T] = s[T ^ 1]; }
K(zero_fill_ok) { __shared__ __align__(16) unsigned s[512]; asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sp(s + 4 * T)), "l"(in + 4 * T), "r"(T < 100 ? 16 : 4) : "memory"); waitAll(); __syncthreads(); out[T] = s[T] + s[T + 384]; }
K(by_mbarrier_ok) { __shared__ __align__(16) unsigned s[128]; __shared__ bar_t b; if (T == 0) init(&b, 128); __syncthreads(); cp4(s + T, in + T); cpArrive(&b); waitParity(&b, 0); out[T] = s[127 - T]; }
K(by_mbarrier) { __shared__ __align__(16) unsigned s[128]; __shared__ bar_t b; if (T == 0) init(&b, 128); __syncthreads(); cp4(s + T, in + T); arrive(&b); waitParity(&b, 0); out[T] = s[127 - T]; waitAll(); }
K(warp_only) { __shared__ __align__(16) unsigned s[32]; cp4(s + T, in + T); waitAll(); out[T] = s[T ^ 1]; }
K(warp_only_ok) { __shared__ __align__(16) unsigned s[32]; cp4(s + T, in + T); waitAll(); __syncwarp(); out[T] = s[T ^ 1]; }
}
