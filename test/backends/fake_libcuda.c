/* A libcuda.so.1 for tests on machines without a driver: device memory is host memory, every entry point checks what the driver
 * would check, calls are logged to $FAKE_CUDA_LOG. Compiled with the real cuda.h where it is installed, so that a signature or a
 * _v2 name that drifts is a compile error. It runs two kernels by name: fake_copy(dst, src, n bytes) and fake_fault().
 *   gcc -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared -Wl,-soname,libcuda.so.1 [-I.../include] -o libcuda.so.1 fake_libcuda.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if __has_include(<cuda.h>)
#include <cuda.h>
#define WITH_CUDA_H 1
#else
#include "fake_cuda_types.h"
#define WITH_CUDA_H 0
#endif

static CUcontext current;
static int initialised, sticky;
static const CUcontext theContext = (CUcontext)0x1000;

static void logf_(const char *format, ...) {
  const char *path = getenv("FAKE_CUDA_LOG");
  if (!path) return;
  FILE *f = fopen(path, "a");
  __builtin_va_list list;
  __builtin_va_start(list, format);
  vfprintf(f, format, list);
  __builtin_va_end(list);
  fputc('\n', f);
  fclose(f);
}

#define NEED_INIT if (!initialised) return CUDA_ERROR_NOT_INITIALIZED
#define NEED_CONTEXT NEED_INIT; if (current != theContext) return CUDA_ERROR_INVALID_CONTEXT; if (sticky) return (CUresult)sticky

CUresult cuInit(unsigned int flags) { initialised = 1; return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *version) { *version = 13000; return CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { NEED_INIT; *count = getenv("FAKE_CUDA_DEVICES") ? atoi(getenv("FAKE_CUDA_DEVICES")) : 1; return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) { NEED_INIT; *device = ordinal; return CUDA_SUCCESS; }
CUresult cuDeviceGetName(char *name, int length, CUdevice device) { NEED_INIT; snprintf(name, (size_t)length, "Fake H800 %d", device); return CUDA_SUCCESS; }
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) { (void)device; *bytes = (size_t)80 << 30; return CUDA_SUCCESS; }
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice device) {
  NEED_INIT; (void)device;
  switch ((int)which) {
    case 16: *value = 132; return CUDA_SUCCESS;
    case 75: *value = 9; return CUDA_SUCCESS;
    case 76: *value = 0; return CUDA_SUCCESS;
    case 97: *value = 232448; return CUDA_SUCCESS;
    case 115: *value = getenv("FAKE_CUDA_NO_POOLS") ? 0 : 1; return CUDA_SUCCESS;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) { NEED_INIT; (void)device; *context = theContext; return CUDA_SUCCESS; }
CUresult cuDevicePrimaryCtxRelease(CUdevice device) { NEED_INIT; (void)device; logf_("release"); return CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext context) { NEED_INIT; current = context; return CUDA_SUCCESS; }
CUresult cuGetErrorName(CUresult code, const char **text) {
  switch ((int)code) {
    case 1: *text = "CUDA_ERROR_INVALID_VALUE"; return CUDA_SUCCESS;
    case 2: *text = "CUDA_ERROR_OUT_OF_MEMORY"; return CUDA_SUCCESS;
    case 201: *text = "CUDA_ERROR_INVALID_CONTEXT"; return CUDA_SUCCESS;
    case 218: *text = "CUDA_ERROR_INVALID_PTX"; return CUDA_SUCCESS;
    case 700: *text = "CUDA_ERROR_ILLEGAL_ADDRESS"; return CUDA_SUCCESS;
    default: *text = 0; return CUDA_ERROR_INVALID_VALUE;
  }
}
CUresult cuGetErrorString(CUresult code, const char **text) { *text = code == 700 ? "an illegal memory access was encountered" : "as the fake says"; return CUDA_SUCCESS; }

/* Memory: a list, so that frees and copies are checked against what was allocated. */
static struct { char *at; size_t bytes; } live[4096];
static int find(CUdeviceptr p, size_t bytes) {
  for (int i = 0; i < 4096; i++) if (live[i].at && p >= (CUdeviceptr)live[i].at && p + bytes <= (CUdeviceptr)live[i].at + live[i].bytes) return i;
  return -1;
}
static CUresult take(CUdeviceptr *out, size_t bytes) {
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (bytes > (size_t)80 << 30) return CUDA_ERROR_OUT_OF_MEMORY;
  for (int i = 0; i < 4096; i++) if (!live[i].at) {
    live[i].at = aligned_alloc(256, (bytes + 255) / 256 * 256);
    live[i].bytes = bytes;
    *out = (CUdeviceptr)live[i].at;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_OUT_OF_MEMORY;
}
static CUresult give(CUdeviceptr p) {
  int i = find(p, 1);
  if (i < 0 || (CUdeviceptr)live[i].at != p) return CUDA_ERROR_INVALID_VALUE;
  free(live[i].at);
  live[i].at = 0;
  return CUDA_SUCCESS;
}
CUresult cuMemAlloc(CUdeviceptr *out, size_t bytes) { NEED_CONTEXT; logf_("alloc %zu", bytes); return take(out, bytes); }
CUresult cuMemFree(CUdeviceptr p) { NEED_CONTEXT; return give(p); }
CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream s) { NEED_CONTEXT; logf_("allocAsync %zu stream %llu", bytes, (unsigned long long)(uintptr_t)s); return take(out, bytes); }
CUresult cuMemFreeAsync(CUdeviceptr p, CUstream s) { NEED_CONTEXT; (void)s; return give(p); }
CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) { NEED_INIT; (void)device; *pool = (CUmemoryPool)0x2000; return CUDA_SUCCESS; }
CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute which, void *value) {
  if (pool != (CUmemoryPool)0x2000 || which != CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) return CUDA_ERROR_INVALID_VALUE;
  logf_("threshold %llu", (unsigned long long)*(uint64_t *)value);
  return CUDA_SUCCESS;
}
CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned int flags) { NEED_CONTEXT; (void)flags; *out = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096); return CUDA_SUCCESS; }
CUresult cuMemFreeHost(void *p) { NEED_CONTEXT; free(p); logf_("freeHost"); return CUDA_SUCCESS; }

/* Streams: capturing ones keep launches; work runs at the call otherwise. */
typedef struct { int capturing, nodes, id; struct { char name[64]; unsigned char params[256]; } work[64]; } Stream;
typedef struct { int recorded; } Event;
static int streams;
CUresult cuStreamCreate(CUstream *out, unsigned int flags) { NEED_CONTEXT; if (flags != 1) return CUDA_ERROR_INVALID_VALUE; Stream *s = calloc(1, sizeof *s); s->id = ++streams; *out = (CUstream)s; return CUDA_SUCCESS; }
CUresult cuStreamDestroy(CUstream s) { NEED_CONTEXT; free(s); return CUDA_SUCCESS; }
/* Not ready once, so that waiting is seen to poll. */
static int queries;
CUresult cuStreamQuery(CUstream s) { NEED_CONTEXT; (void)s; return ++queries % 2 ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS; }
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned int flags) { NEED_CONTEXT; (void)s; return flags == 0 && ((Event *)e)->recorded ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuEventCreate(CUevent *out, unsigned int flags) { NEED_CONTEXT; (void)flags; *out = (CUevent)calloc(1, sizeof(Event)); return CUDA_SUCCESS; }
CUresult cuEventDestroy(CUevent e) { NEED_CONTEXT; free(e); return CUDA_SUCCESS; }
CUresult cuEventRecord(CUevent e, CUstream s) { NEED_CONTEXT; (void)s; ((Event *)e)->recorded = 1; return CUDA_SUCCESS; }
CUresult cuEventQuery(CUevent e) { NEED_CONTEXT; (void)e; return CUDA_SUCCESS; }
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) { NEED_CONTEXT; if (!((Event *)a)->recorded || !((Event *)b)->recorded) return CUDA_ERROR_INVALID_HANDLE; *ms = 2.5f; return CUDA_SUCCESS; }

CUresult cuMemcpyHtoDAsync(CUdeviceptr dst, const void *src, size_t bytes, CUstream s) { NEED_CONTEXT; (void)s; if (find(dst, bytes) < 0) return CUDA_ERROR_INVALID_VALUE; memcpy((void *)dst, src, bytes); return CUDA_SUCCESS; }
CUresult cuMemcpyDtoHAsync(void *dst, CUdeviceptr src, size_t bytes, CUstream s) { NEED_CONTEXT; (void)s; if (find(src, bytes) < 0) return CUDA_ERROR_INVALID_VALUE; memcpy(dst, (void *)src, bytes); return CUDA_SUCCESS; }
CUresult cuMemsetD8Async(CUdeviceptr dst, unsigned char byte, size_t n, CUstream s) { NEED_CONTEXT; (void)s; if (find(dst, n) < 0) return CUDA_ERROR_INVALID_VALUE; memset((void *)dst, byte, n); return CUDA_SUCCESS; }

/* Modules: a copy of the text; functions: their names. */
CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int n, CUjit_option *options, void **values) {
  NEED_CONTEXT;
  const char *ptx = image;
  for (unsigned i = 0; i < n; i++) {
    if (options[i] != CU_JIT_ERROR_LOG_BUFFER) continue;
    if (i + 1 >= n || options[i + 1] != CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) return CUDA_ERROR_INVALID_VALUE;
    if (!strstr(ptx, ".version")) snprintf(values[i], (size_t)values[i + 1], "ptxas application ptx input, line 1; fatal : Missing .version directive at start of file");
  }
  if (!strstr(ptx, ".version")) return CUDA_ERROR_INVALID_PTX;
  *module = (CUmodule)strdup(ptx);
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule module) { NEED_CONTEXT; free(module); return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *fn, CUmodule module, const char *name) { NEED_CONTEXT; if (!strstr((char *)module, name)) return CUDA_ERROR_NOT_FOUND; *fn = (CUfunction)strdup(name); return CUDA_SUCCESS; }
CUresult cuFuncGetAttribute(int *value, CUfunction_attribute which, CUfunction fn) {
  NEED_CONTEXT; (void)fn;
  switch ((int)which) { case 0: *value = 1024; break; case 1: *value = 448; break; case 3: *value = 0; break; case 4: *value = 42; break; default: return CUDA_ERROR_INVALID_VALUE; }
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction fn, CUfunction_attribute which, int value) { NEED_CONTEXT; logf_("attribute %s %d %d", (char *)fn, (int)which, value); return value > 232448 - 448 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }

static void run(const char *name, const unsigned char *params) {
  if (!strcmp(name, "fake_fault")) { sticky = 700; return; }
  if (strcmp(name, "fake_copy")) return;
  uint64_t dst, src;
  uint32_t n;
  memcpy(&dst, params, 8); memcpy(&src, params + 8, 8); memcpy(&n, params + 16, 4);
  memcpy((void *)dst, (void *)src, n);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction fn, void **params, void **extra) {
  NEED_CONTEXT;
  if (params || !extra || extra[0] != CU_LAUNCH_PARAM_BUFFER_POINTER || extra[2] != CU_LAUNCH_PARAM_BUFFER_SIZE || extra[4] != CU_LAUNCH_PARAM_END) return CUDA_ERROR_INVALID_VALUE;
  size_t bytes = *(size_t *)extra[3];
  if (c->sharedMemBytes > 232448 - 448 || bytes > 4096) return CUDA_ERROR_INVALID_VALUE;
  unsigned cluster[3] = {1, 1, 1};
  for (unsigned i = 0; i < c->numAttrs; i++) {
    if (c->attrs[i].id != CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) return CUDA_ERROR_INVALID_VALUE;
    cluster[0] = c->attrs[i].value.clusterDim.x; cluster[1] = c->attrs[i].value.clusterDim.y; cluster[2] = c->attrs[i].value.clusterDim.z;
  }
  if (c->gridDimX % cluster[0] || c->gridDimY % cluster[1] || c->gridDimZ % cluster[2]) return CUDA_ERROR_INVALID_VALUE;
  logf_("launch %s grid %u %u %u block %u %u %u smem %u cluster %u %u %u params %zu aligned %d", (char *)fn, c->gridDimX, c->gridDimY, c->gridDimZ, c->blockDimX, c->blockDimY, c->blockDimZ,
        c->sharedMemBytes, cluster[0], cluster[1], cluster[2], bytes, (uintptr_t)extra[1] % 64 == 0);
  Stream *s = (Stream *)c->hStream;
  if (s->capturing) {
    strncpy(s->work[s->nodes].name, (char *)fn, 63);
    memcpy(s->work[s->nodes++].params, extra[1], bytes < 256 ? bytes : 256);
  } else run((char *)fn, extra[1]);
  return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode mode) { NEED_CONTEXT; (void)mode; ((Stream *)s)->capturing = 1; ((Stream *)s)->nodes = 0; return CUDA_SUCCESS; }
CUresult cuStreamEndCapture(CUstream s, CUgraph *graph) { NEED_CONTEXT; Stream *copy = malloc(sizeof *copy); ((Stream *)s)->capturing = 0; memcpy(copy, s, sizeof *copy); *graph = (CUgraph)copy; return CUDA_SUCCESS; }
CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *n) { NEED_CONTEXT; if (nodes) return CUDA_ERROR_INVALID_VALUE; *n = (size_t)((Stream *)graph)->nodes; return CUDA_SUCCESS; }
CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) { NEED_CONTEXT; if (flags) return CUDA_ERROR_INVALID_VALUE; *exec = (CUgraphExec)graph; return CUDA_SUCCESS; }
CUresult cuGraphLaunch(CUgraphExec exec, CUstream s) { NEED_CONTEXT; (void)s; Stream *g = (Stream *)exec; for (int i = 0; i < g->nodes; i++) run(g->work[i].name, g->work[i].params); return CUDA_SUCCESS; }
CUresult cuGraphExecDestroy(CUgraphExec exec) { NEED_CONTEXT; (void)exec; return CUDA_SUCCESS; }
CUresult cuGraphDestroy(CUgraph graph) { NEED_CONTEXT; free(graph); return CUDA_SUCCESS; }

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *address, const cuuint64_t *dim, const cuuint64_t *strides, const cuuint32_t *box, const cuuint32_t *steps,
                                CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  NEED_CONTEXT;
  if ((uintptr_t)map % 64 || (uintptr_t)address % 16 || rank < 1 || rank > 5 || interleave || find((CUdeviceptr)address, 1) < 0) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < rank; i++) if (box[i] < 1 || box[i] > 256 || steps[i] < 1 || steps[i] > 8 || dim[i] < 1) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i + 1 < rank; i++) if (strides[i] % 16) return CUDA_ERROR_INVALID_VALUE;
  memset(map, 0, 128);
  memcpy(map, &address, 8);
  logf_("tensorMap type %d rank %u dim %llu box %u swizzle %d promotion %d fill %d", (int)type, rank, (unsigned long long)dim[0], box[0], (int)swizzle, (int)promotion, (int)fill);
  return CUDA_SUCCESS;
}
