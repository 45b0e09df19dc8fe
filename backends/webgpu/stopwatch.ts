// Device time by op: a pass with two timestamps for each dispatch. Slower than the passes of many that it replaces, so shares say
// more than sums; Dawn rounds each reading to 0.1 ms or so, which evens out over a step's hundreds.

/** Two for each dispatch; what a query set may hold. */
const maxQueries = 4096

export class Stopwatch {
  private readonly queries: GPUQuerySet
  private readonly labels: string[] = []

  constructor(private readonly gpu: GPUDevice) { this.queries = gpu.createQuerySet({ type: 'timestamp', count: maxQueries }) }

  /** For the pass of the next dispatch; nothing once the set is full. */
  pass(label: string): GPUComputePassDescriptor {
    const at = 2 * this.labels.length
    if (at + 2 > maxQueries) return {}
    this.labels.push(label)
    return { timestampWrites: { querySet: this.queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } }
  }

  /** Seconds by label of all that has been submitted. */
  async seconds(): Promise<Map<string, number>> {
    const count = 2 * this.labels.length
    const size = Math.max(16, count * 8)
    const resolved = this.gpu.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
    const staging = this.gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    const encoder = this.gpu.createCommandEncoder()
    if (count) encoder.resolveQuerySet(this.queries, 0, count, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size)
    this.gpu.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0))
    const sums = new Map<string, number>()
    for (const [i, label] of this.labels.entries()) {
      sums.set(label, (sums.get(label) ?? 0) + Number(nanoseconds[2 * i + 1] - nanoseconds[2 * i]) / 1e9)
    }
    for (const buffer of [resolved, staging]) buffer.destroy()
    this.queries.destroy()
    return sums
  }
}
