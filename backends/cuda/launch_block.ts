// The memory that cuLaunchKernelEx reads: CUlaunchConfig (56 bytes), its attributes (72 bytes each) and the packed parameters,
// laid out once and rewritten for every launch; the driver copies all of it during the call. Offsets: native-bindings 2.2.
import type { LaunchConfig } from './driver.ts'
import type { LibCuda } from './libcuda.ts'

/** Since sm_70 with CUDA 12.1, parameters may take 32,764 bytes. */
const maxParamBytes = 32764
const CLUSTER_DIMENSION = 4
const launchParam = { end: 0n, pointer: 1n, size: 2n } as const

export class LaunchBlock {
  readonly config = new Uint8Array(56)
  /** {POINTER, parameters, SIZE, &size, END}. */
  readonly extra = new BigUint64Array(5)
  private readonly view = new DataView(this.config.buffer)
  private readonly attribute = new Uint8Array(72)
  private readonly attributeView = new DataView(this.attribute.buffer)
  private readonly size = new BigUint64Array(1)
  /** Aligned by hand: a tensor map in it must lie at a multiple of 64. */
  private readonly params: Uint8Array

  constructor(cuda: LibCuda) {
    const room = new Uint8Array(maxParamBytes + 128)
    const address = cuda.addressOf(room)
    const start = Number((128n - (address % 128n)) % 128n)
    this.params = room.subarray(start)
    this.extra.set([launchParam.pointer, address + BigInt(start), launchParam.size, cuda.addressOf(this.size), launchParam.end])
    this.view.setBigUint64(40, cuda.addressOf(this.attribute), true)
    this.attributeView.setUint32(0, CLUSTER_DIMENSION, true)
  }

  set({ grid, block, cluster, smemBytes = 0 }: LaunchConfig, stream: number, params: Uint8Array): void {
    if (params.length > maxParamBytes) throw new Error(`${params.length} bytes of parameters, a kernel takes at most ${maxParamBytes}`)
    for (let i = 0; i < 3; i++) {
      this.view.setUint32(4 * i, grid[i], true)
      this.view.setUint32(12 + 4 * i, block[i], true)
      if (cluster) this.attributeView.setUint32(8 + 4 * i, cluster[i], true)
    }
    this.view.setUint32(24, smemBytes, true)
    this.view.setBigUint64(32, BigInt(stream), true)
    this.view.setUint32(48, cluster ? 1 : 0, true)
    this.params.set(params)
    this.size[0] = BigInt(params.length)
  }
}
