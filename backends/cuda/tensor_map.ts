// cuTensorMapEncodeTiled through libcuda: names become the numbers of cuda.h, the map is made at an address that is a multiple of 64.
import { CudaError, type TensorMapSpec } from './driver.ts'
import type { LibCuda } from './libcuda.ts'

const dataTypes = ['UINT8', 'UINT16', 'UINT32', 'INT32', 'UINT64', 'INT64', 'FLOAT16', 'FLOAT32', 'FLOAT64', 'BFLOAT16', 'FLOAT32_FTZ', 'TFLOAT32', 'TFLOAT32_FTZ']
const interleaves = ['NONE', '16B', '32B']
const swizzles = ['NONE', '32B', '64B', '128B']
const l2Promotions = ['NONE', 'L2_64B', 'L2_128B', 'L2_256B']
const oobFills = ['NONE', 'NAN_REQUEST_ZERO_FMA']
const mapBytes = 128

export class TensorMapEncoder {
  /** Aligned by hand: typed arrays start at a multiple of 16 only. */
  private readonly map: Uint8Array
  constructor(private readonly cuda: LibCuda) {
    const room = new Uint8Array(mapBytes + 64)
    const start = Number((64n - (cuda.addressOf(room) % 64n)) % 64n)
    this.map = room.subarray(start, start + mapBytes)
  }

  encode(spec: TensorMapSpec): Uint8Array {
    const { address, globalDim, globalStrides, boxDim } = spec
    const rank = spec.rank ?? globalDim.length
    const elementStrides = spec.elementStrides ?? globalDim.map(() => 1)
    const indexOf = (names: readonly string[], name: string, field: string) => {
      const i = names.indexOf(name)
      if (i < 0) throw new CudaError('CUDA_ERROR_INVALID_VALUE', `tensorMap.${field} is ${name}; it must be one of ${names.join(' ')}`, false)
      return i
    }
    const lengths = { globalDim: [globalDim, rank], globalStrides: [globalStrides, rank - 1], boxDim: [boxDim, rank], elementStrides: [elementStrides, rank] } as const
    for (const [field, [list, count]] of Object.entries(lengths)) {
      if (list.length !== count) throw new CudaError('CUDA_ERROR_INVALID_VALUE', `tensorMap.${field} has ${list.length} entries; it must have ${count}`, false)
    }
    const code = this.cuda.result('cuTensorMapEncodeTiled', this.map, indexOf(dataTypes, spec.dataType, 'dataType'), rank, address,
      BigUint64Array.from(globalDim, BigInt), BigUint64Array.from([...globalStrides, 0], BigInt), Uint32Array.from(boxDim), Uint32Array.from(elementStrides),
      indexOf(interleaves, spec.interleave ?? 'NONE', 'interleave'), indexOf(swizzles, spec.swizzle ?? 'NONE', 'swizzle'),
      indexOf(l2Promotions, spec.l2Promotion ?? 'NONE', 'l2Promotion'), indexOf(oobFills, spec.oobFill ?? 'NONE', 'oobFill'))
    if (code !== 0) throw this.cuda.errorOf(code, `cuTensorMapEncodeTiled(${JSON.stringify({ ...spec, address: `0x${address.toString(16)}` })})`)
    return this.map.slice()
  }
}
