#include <stdint.h>
#define T threadIdx.x
#define D __device__ __forceinline__
D uint32_t sp(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }
D void cp16(void *d, const void *s) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(sp(d)), "l"(s) : "memory"); }
D void cp4(void *d, const void *s) { asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(sp(d)), "l"(s) : "memory"); }
D void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> D void wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }
D void waitAll() { asm volatile("cp.async.wait_all;" ::: "memory"); }
typedef unsigned long long bar_t;
D void init(bar_t *b, int n) { asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(sp(b)), "r"(n) : "memory"); }
D void inval(bar_t *b) { asm volatile("mbarrier.inval.shared.b64 [%0];" ::"r"(sp(b)) : "memory"); }
D void fenceInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
D void arrive(bar_t *b) { asm volatile("{ .reg .b64 t; mbarrier.arrive.shared.b64 t, [%0]; }" ::"r"(sp(b)) : "memory"); }
D void arriveN(bar_t *b, int n) { asm volatile("{ .reg .b64 t; mbarrier.arrive.shared.b64 t, [%0], %1; }" ::"r"(sp(b)), "r"(n) : "memory"); }
D void arriveTx(bar_t *b, int bytes) { asm volatile("{ .reg .b64 t; mbarrier.arrive.expect_tx.shared.b64 t, [%0], %1; }" ::"r"(sp(b)), "r"(bytes) : "memory"); }
D void expectTx(bar_t *b, int bytes) { asm volatile("mbarrier.expect_tx.relaxed.cta.shared.b64 [%0], %1;" ::"r"(sp(b)), "r"(bytes) : "memory"); }
D void waitParity(bar_t *b, int parity) { asm volatile("{ .reg .pred p; again: mbarrier.try_wait.parity.shared.b64 p, [%0], %1; @p bra done; bra again; done: }" ::"r"(sp(b)), "r"(parity) : "memory"); }
D int testParity(bar_t *b, int parity) { int r; asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }" : "=r"(r) : "r"(sp(b)), "r"(parity) : "memory"); return r; }
D void cpArrive(bar_t *b) { asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(sp(b)) : "memory"); }
D void bulkLoad(void *d, const void *s, int bytes, bar_t *b) { asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sp(d)), "l"(s), "r"(bytes), "r"(sp(b)) : "memory"); }
D void bulkStore(void *d, const void *s, int bytes) { asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(d), "r"(sp(s)), "r"(bytes) : "memory"); }
D void bulkAdd(void *d, const void *s, int bytes) { asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%0], [%1], %2;" ::"l"(d), "r"(sp(s)), "r"(bytes) : "memory"); }
D void bulkCommit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
template <int N> D void bulkWait() { asm volatile("cp.async.bulk.wait_group %0;" ::"n"(N) : "memory"); }
template <int N> D void bulkWaitRead() { asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(N) : "memory"); }
D void fenceAsync() { asm volatile("fence.proxy.async;" ::: "memory"); }
D void fenceAsyncShared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
D void fenceAsyncGlobal() { asm volatile("fence.proxy.async.global;" ::: "memory"); }
D void clusterArrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
D void clusterArriveRelaxed() { asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); }
D void clusterWait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
D uint32_t rank() { uint32_t r; asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r)); return r; }
D uint32_t mapa(const void *p, int r) { uint32_t x; asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(x) : "r"(sp(p)), "r"(r)); return x; }
D unsigned ldCluster(uint32_t a) { unsigned v; asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(v) : "r"(a) : "memory"); return v; }
D void stCluster(uint32_t a, unsigned v) { asm volatile("st.shared::cluster.u32 [%0], %1;" ::"r"(a), "r"(v) : "memory"); }
#define K(name) __global__ void name(unsigned *out, const unsigned *in, int n)
