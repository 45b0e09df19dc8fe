// The libcuda binding against a fake libcuda: symbols, struct offsets, argument packing, logs, errors, without a GPU.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CudaError } from '../../backends/cuda/driver.ts'
import { openCuda, type KoffiDriver } from '../../backends/cuda/driver_koffi.ts'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { entryParams } from '../../backends/cuda/entry_params.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-libcuda-'))
const library = join(folder, 'libcuda.so.1')
const log = join(folder, 'log')

/** Compiled with cuda.h where a toolkit has one: then every signature is checked against it. */
function compileFake(): string | undefined {
  if (process.platform !== 'linux') return `the fake libcuda is for Linux, this is ${process.platform}`
  const toolkits = existsSync('/usr/local') ? readdirSync('/usr/local').filter((d) => /^cuda/.test(d)).map((d) => `/usr/local/${d}/include`) : []
  const include = [process.env.CUDA_HOME && `${process.env.CUDA_HOME}/include`, ...toolkits].find((d) => d && existsSync(`${d}/cuda.h`))
  try {
    execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-shared', '-Wl,-soname,libcuda.so.1', ...(include ? [`-I${include}`] : []), '-o', library, 'test/backends/fake_libcuda.c'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer }
    if (code === 'ENOENT') return 'no C compiler here'
    throw new Error(String(stderr))
  }
}
const absent = compileFake()
if (absent) console.error(`SKIPPED libcuda binding: ${absent}`)

const ptx = `.version 8.0
.target sm_80
.address_size 64
// fake_copy: dst = src.
.visible .entry fake_copy(.param .u64 .ptr .global .align 16 dst, .param .u64 src,
  .param .u32 n) { ret; }
.visible .entry fake_fault() { ret; }
.visible .entry fake_map(.param .align 64 .b8 map[128], .param .f32 x, .param .u64 p) { ret; }
`

describe('parameters of entries', () => {
  it('lie at their alignment, in order', () => {
    expect(entryParams(ptx)).toEqual([
      { name: 'fake_copy', params: [{ offset: 0, bytes: 8 }, { offset: 8, bytes: 8 }, { offset: 16, bytes: 4 }], paramBytes: 20 },
      { name: 'fake_fault', params: [], paramBytes: 0 },
      { name: 'fake_map', params: [{ offset: 0, bytes: 128 }, { offset: 128, bytes: 4 }, { offset: 136, bytes: 8 }], paramBytes: 144 },
    ])
  })
  it('an unknown type is named', () => expect(() => entryParams('.entry k(.param .texref t)')).toThrow(/entry k: parameter ".param .texref t"/))
})

describe.skipIf(absent)('libcuda through koffi', () => {
  let driver: KoffiDriver
  const logged = () => readFileSync(log, 'utf8').trim().split('\n')
  beforeAll(async () => {
    process.env.WEFT_LIBCUDA = library
    process.env.FAKE_CUDA_LOG = log
    driver = await openCuda(0)
  })
  afterAll(() => { delete process.env.WEFT_LIBCUDA; rmSync(folder, { recursive: true }) })

  const params = (dst: number, src: number, n: number) => {
    const block = new Uint8Array(20)
    const view = new DataView(block.buffer)
    view.setBigUint64(0, BigInt(dst), true)
    view.setBigUint64(8, BigInt(src), true)
    view.setUint32(16, n, true)
    return block
  }
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255)

  it('tells what the device is', () => {
    expect(driver.name).toBe('cuda:0')
    expect(driver.description).toBe('Fake H800 0, sm_90, 132 SMs, driver for CUDA 13.0')
    expect(driver.attributes).toEqual({ sm: 90, numSms: 132, maxSmemBytes: 232448, emulated: false, exactTensorCores: false })
    expect(logged()).toContain(`threshold ${2n ** 64n - 1n}`)
  })

  it('copies to the device and back, fills, and waits by polling', async () => {
    const p = driver.alloc(1000)
    driver.copyToDevice(p, bytes)
    expect(await driver.copyFromDevice(p, 1000)).toEqual(bytes)
    driver.fill(p + 10, 0xab, 5)
    const back = await driver.copyFromDevice(p + 8, 8)
    expect([...back]).toEqual([56, 63, 0xab, 0xab, 0xab, 0xab, 0xab, (15 * 7) & 255])
    driver.free(p)
    expect(() => driver.free(p)).toThrow(/CUDA_ERROR_INVALID_VALUE: cuMemFreeAsync/)
  })

  it('launches with grid, block, cluster, shared memory and packed parameters', async () => {
    const module = await driver.loadModule(ptx, 'fake')
    const fn = module.functions.get('fake_copy')!
    expect(fn.attributes).toEqual({ registers: 42, localBytes: 0, staticSmemBytes: 448, maxThreads: 1024 })
    expect(logged()).toContain('attribute fake_copy 8 232000')
    expect(logged()).toContain('attribute fake_copy 14 1')
    const [src, dst] = [driver.alloc(1000), driver.alloc(1000)]
    driver.copyToDevice(src, bytes)
    driver.fill(dst, 0, 1000)
    driver.launch(fn, { grid: [6, 5, 4], block: [32, 3, 2], cluster: [2, 1, 2], smemBytes: 1234 }, params(dst, src, 900))
    expect(logged().at(-1)).toBe('launch fake_copy grid 6 5 4 block 32 3 2 smem 1234 cluster 2 1 2 params 20 aligned 1')
    const back = await driver.copyFromDevice(dst, 1000)
    expect(back.subarray(0, 900)).toEqual(bytes.subarray(0, 900))
    expect(back.subarray(900).every((b) => b === 0)).toBe(true)
    driver.launch(fn, { grid: [1, 1, 1], block: [1, 1, 1] }, params(dst, src, 1))
    expect(logged().at(-1)).toBe('launch fake_copy grid 1 1 1 block 1 1 1 smem 0 cluster 1 1 1 params 20 aligned 1')
    expect(() => driver.launch(fn, { grid: [1, 1, 1], block: [1, 1, 1], smemBytes: 232001 }, params(dst, src, 1))).toThrow(/fake_copy: 232001 bytes of dynamic shared memory, the device leaves 232000/)
    expect(() => driver.launch(fn, { grid: [1, 1, 1], block: [1, 1, 1] }, new Uint8Array(19))).toThrow(/19 bytes of parameters, the kernel has 20/)
    expect(() => driver.launch(fn, { grid: [3, 1, 1], block: [1, 1, 1], cluster: [2, 1, 1] }, params(dst, src, 1))).toThrow(/CUDA_ERROR_INVALID_VALUE: launch of fake_copy with grid 3 x 1 x 1/)
  })

  it('tells what the assembler said', async () => {
    await expect(driver.loadModule('.target sm_80', 'broken')).rejects.toThrow(/^CUDA_ERROR_INVALID_PTX: broken\.ptx: ptxas application ptx input, line 1; fatal : Missing \.version/)
  })

  it('events time, streams wait, graphs replay', async () => {
    const fn = (await driver.loadModule(ptx, 'fake')).functions.get('fake_copy')!
    const stream = driver.createStream()
    const [a, b] = [driver.createEvent(), driver.createEvent()]
    driver.record(a, stream)
    driver.record(b)
    driver.waitEvent(b, stream)
    expect(await driver.elapsedSec(a, b)).toBeCloseTo(0.0025)
    const [src, dst] = [driver.alloc(64), driver.alloc(64)]
    driver.fill(dst, 0, 64)
    driver.copyToDevice(src, bytes.subarray(0, 64))
    driver.beginCapture(stream)
    driver.launch(fn, { grid: [1, 1, 1], block: [32, 1, 1] }, params(dst, src, 32), stream)
    driver.launch(fn, { grid: [1, 1, 1], block: [32, 1, 1] }, params(dst + 32, src + 32, 32), stream)
    const graph = driver.endCapture(stream)
    expect(graph.numNodes).toBe(2)
    expect((await driver.copyFromDevice(dst, 64)).every((x) => x === 0)).toBe(true)
    driver.replay(graph, stream)
    expect(await driver.copyFromDevice(dst, 64)).toEqual(bytes.slice(0, 64))
    driver.destroyGraph(graph)
    for (const e of [a, b]) driver.destroyEvent(e)
    driver.destroyStream(stream)
  })

  it('pinned memory', async () => {
    const pinned = driver.allocHost(256)
    pinned.set(bytes.subarray(0, 256))
    const p = driver.alloc(256)
    driver.copyToDevice(p, pinned)
    expect(await driver.copyFromDevice(p, 256)).toEqual(bytes.slice(0, 256))
    driver.freeHost(pinned)
    expect(() => driver.freeHost(pinned)).toThrow(CudaError)
    expect(logged().at(-1)).toBe('freeHost')
  })

  it('tensor maps', () => {
    const p = driver.alloc(64 * 512)
    const shape = { dataType: 'BFLOAT16', globalDim: [256, 64], globalStrides: [512], boxDim: [64, 8], swizzle: '128B', l2Promotion: 'L2_256B' } as const
    const map = driver.encodeTensorMap({ ...shape, address: p })
    expect(map.length).toBe(128)
    expect(new DataView(map.buffer).getBigUint64(0, true)).toBe(BigInt(p))
    expect(logged().at(-1)).toBe('tensorMap type 9 rank 2 dim 256 box 64 swizzle 3 promotion 3 fill 0')
    expect(() => driver.encodeTensorMap({ ...shape, boxDim: [64, 300], address: p })).toThrow(/CUDA_ERROR_INVALID_VALUE: cuTensorMapEncodeTiled\(.*300/)
    expect(() => driver.encodeTensorMap({ ...shape, globalStrides: [], address: p })).toThrow('tensorMap.globalStrides has 0 entries; it must have 1')
  })

  it('too much memory is bad input', () => {
    const backend = new CudaBackend(driver)
    expect(() => backend.alloc({ dtype: 'f32', shape: [2 ** 19, 2 ** 19] })).toThrow(/cuda:0: no memory for .*1099511627776 bytes/)
  })

  it('an absent device and an absent library are one sentence', async () => {
    await expect(openCuda(3)).rejects.toThrow('there is 1 CUDA device, no device 3')
    process.env.WEFT_LIBCUDA = join(folder, 'nothing.so')
    await expect(openCuda(0)).rejects.toThrow(/no NVIDIA driver is here: .*nothing\.so does not load \(cannot open shared object file/)
    process.env.WEFT_LIBCUDA = library
  })

  // Last: the context is dead afterwards.
  it('a fault on the device rejects the next wait as a lost device, exit 75', async () => {
    const fn = (await driver.loadModule(ptx, 'fake')).functions.get('fake_fault')!
    const backend = new CudaBackend(driver)
    driver.launch(fn, { grid: [1, 1, 1], block: [1, 1, 1] }, new Uint8Array(0))
    await expect(backend.sync()).rejects.toMatchObject({ name: 'DeviceLost', exitCode: 75, message: expect.stringMatching(/cuda:0: CUDA_ERROR_ILLEGAL_ADDRESS: .*an illegal memory access/) })
    await driver.destroy()
    expect(logged().at(-1)).toBe('release')
  })
})
