// Storage buffers by size class. A freed buffer is reused by later work only, so the queue's order keeps it safe.

export interface PooledBuffer {
  readonly id: number
  readonly gpuBuffer: GPUBuffer
  /** As asked for now; `paddedBytes` is what exists. */
  bytes: number
  readonly paddedBytes: number
}

export class BufferPool {
  private free_ = new Map<number, PooledBuffer[]>()
  private nextId = 0
  private live = 0
  private peak = 0

  constructor(private readonly gpu: GPUDevice) {}

  alloc(bytes: number): PooledBuffer {
    const paddedBytes = sizeClass(bytes)
    const reused = this.free_.get(paddedBytes)?.pop()
    this.live += bytes
    this.peak = Math.max(this.peak, this.live)
    if (reused) {
      reused.bytes = bytes
      return reused
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    return { id: this.nextId++, gpuBuffer: this.gpu.createBuffer({ size: paddedBytes, usage }), bytes, paddedBytes }
  }

  free(buffer: PooledBuffer): void {
    this.live -= buffer.bytes
    const list = this.free_.get(buffer.paddedBytes)
    if (list) list.push(buffer)
    else this.free_.set(buffer.paddedBytes, [buffer])
  }

  memory() { return { liveBytes: this.live, peakBytes: this.peak } }
  resetPeak() { this.peak = this.live }
}

/** Steps of an eighth of the power of two below: at most 12.5 % is wasted and few classes exist. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256
  const step = 2 ** Math.max(8, Math.floor(Math.log2(bytes)) - 3)
  return Math.ceil(bytes / step) * step
}
