// Other libraries' matmul as contestants inside a page: sent there as source text, so each function stands alone. The page has
// loaded their scripts from a folder where they are installed; Weft does not depend on them.

export interface Contestant { run(count: number): Promise<void>; result(): Promise<ArrayLike<number>> }
type Make = (a: Float32Array, b: Float32Array, M: number, N: number, K: number) => Promise<Contestant>
export type LibraryName = 'tfjs' | 'onnxruntime-web' | 'jax-js'

/** Puts `weftPeers` on the page's globalThis: for each library its maker of a contestant for a [M, K] times b [K, N]. */
export function installLibraries(): void {
  const page = globalThis as any
  const makers: Record<LibraryName, Make> = {
    tfjs: async (a, b, M, N, K) => {
      const { tf } = page
      await tf.setBackend('webgpu')
      await tf.ready()
      const [x, y] = [tf.tensor2d(a, [M, K]), tf.tensor2d(b, [K, N])]
      let last: any
      return {
        async run(count) {
          for (let i = 0; i < count; i++) {
            last?.dispose()
            last = tf.matMul(x, y)
          }
          await last.data()
        },
        result: () => last.data(),
      }
    },
    'onnxruntime-web': async (a, b, M, N, K) => {
      const { ort } = page
      // A model of one MatMul, as protobuf: field number and wire type, then a varint or a length and the content.
      const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)])
      const number = (field: number, n: number) => [field << 3, ...varint(n)]
      const bytes = (field: number, content: number[]) => [(field << 3) | 2, ...varint(content.length), ...content]
      const text = (field: number, s: string) => bytes(field, [...new TextEncoder().encode(s)])
      const value = (field: number, name: string, dims: number[]) =>
        bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...number(1, 1), ...bytes(2, dims.flatMap((d) => bytes(1, number(1, d))))]))])
      const node = bytes(1, [...text(1, 'a'), ...text(1, 'b'), ...text(2, 'c'), ...text(4, 'MatMul')])
      const graph = [...node, ...text(2, 'matmul'), ...value(11, 'a', [M, K]), ...value(11, 'b', [K, N]), ...value(12, 'c', [M, N])]
      const model = Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 13))])
      ort.env.wasm.wasmPaths = '/onnxruntime-web/dist/'
      const session = await ort.InferenceSession.create(model, { executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer' })
      const device = await ort.env.webgpu.device
      const onGpu = (data: Float32Array, dims: number[]) => {
        const gpuBuffer = device.createBuffer({ size: data.byteLength, usage: 0x80 | 0x8 | 0x4 })
        device.queue.writeBuffer(gpuBuffer, 0, data)
        return ort.Tensor.fromGpuBuffer(gpuBuffer, { dataType: 'float32', dims })
      }
      const inputs = { a: onGpu(a, [M, K]), b: onGpu(b, [K, N]) }
      let last: any
      return {
        async run(count) {
          for (let i = 0; i < count; i++) {
            last?.dispose()
            last = (await session.run(inputs)).c
          }
          await device.queue.onSubmittedWorkDone()
        },
        result: () => last.getData(),
      }
    },
    'jax-js': async (a, b, M, N, K) => {
      const served: string = '/@jax-js/jax/dist/index.js' // by the page's server
      const { init, defaultDevice, numpy: np, jit } = await import(served)
      await init('webgpu')
      defaultDevice('webgpu')
      const [x, y] = [np.array(a).reshape([M, K]), np.array(b).reshape([K, N])]
      const matmul = jit((p: any, q: any) => np.matmul(p, q))
      let last: any
      return {
        async run(count) {
          for (let i = 0; i < count; i++) {
            last?.dispose()
            last = matmul(x.ref, y.ref)
          }
          await last.blockUntilReady()
        },
        result: () => last.ref.data(),
      }
    },
  }
  page.weftPeers = makers
}
