/* The few types of cuda.h that fake_libcuda.c needs where no CUDA headers are installed. Values and layouts as in cuda.h 13.0. */
#include <stddef.h>
#include <stdint.h>
typedef int CUdevice; typedef unsigned long long CUdeviceptr; typedef uint32_t cuuint32_t; typedef uint64_t cuuint64_t;
typedef struct CUctx_st *CUcontext; typedef struct CUmod_st *CUmodule; typedef struct CUfunc_st *CUfunction; typedef struct CUstream_st *CUstream; typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph; typedef struct CUgraphNode_st *CUgraphNode; typedef struct CUgraphExec_st *CUgraphExec; typedef struct CUmemPool_st *CUmemoryPool;
typedef enum { CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_OUT_OF_MEMORY = 2, CUDA_ERROR_NOT_INITIALIZED = 3, CUDA_ERROR_INVALID_CONTEXT = 201, CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_INVALID_HANDLE = 400, CUDA_ERROR_NOT_FOUND = 500, CUDA_ERROR_NOT_READY = 600 } CUresult;
typedef enum { CUdevice_attribute_none } CUdevice_attribute;
typedef enum { CUfunction_attribute_none } CUfunction_attribute;
typedef enum { CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 } CUjit_option;
typedef enum { CU_MEMPOOL_ATTR_RELEASE_THRESHOLD = 4 } CUmemPool_attribute;
typedef enum { CU_STREAM_CAPTURE_MODE_GLOBAL } CUstreamCaptureMode;
typedef enum { CUtensorMapDataType_none } CUtensorMapDataType; typedef enum { CUtensorMapInterleave_none } CUtensorMapInterleave; typedef enum { CUtensorMapSwizzle_none } CUtensorMapSwizzle;
typedef enum { CUtensorMapL2promotion_none } CUtensorMapL2promotion; typedef enum { CUtensorMapFloatOOBfill_none } CUtensorMapFloatOOBfill;
typedef struct { cuuint64_t opaque[16]; } CUtensorMap;
typedef enum { CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION = 4 } CUlaunchAttributeID;
typedef struct { CUlaunchAttributeID id; char pad[4]; union { char size[64]; struct { unsigned x, y, z; } clusterDim; } value; } CUlaunchAttribute;
typedef struct { unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes; CUstream hStream; CUlaunchAttribute *attrs; unsigned numAttrs; } CUlaunchConfig;
#define CU_LAUNCH_PARAM_END ((void *)0)
#define CU_LAUNCH_PARAM_BUFFER_POINTER ((void *)1)
#define CU_LAUNCH_PARAM_BUFFER_SIZE ((void *)2)
#define cuDeviceTotalMem cuDeviceTotalMem_v2
#define cuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease_v2
#define cuMemAlloc cuMemAlloc_v2
#define cuMemFree cuMemFree_v2
#define cuMemcpyHtoDAsync cuMemcpyHtoDAsync_v2
#define cuMemcpyDtoHAsync cuMemcpyDtoHAsync_v2
#define cuStreamDestroy cuStreamDestroy_v2
#define cuEventDestroy cuEventDestroy_v2
#define cuEventElapsedTime cuEventElapsedTime_v2
#define cuStreamBeginCapture cuStreamBeginCapture_v2
