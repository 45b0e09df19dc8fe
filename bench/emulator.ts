// Rows of the emulator: thread instructions a second of loops, and the rate of tensor-core products, with the sanitizer on and
// off, beside the figures of other emulators on such a core.
import type { Crew } from '../backends/emulator/crew.ts'
import { Emulator } from '../backends/emulator/launch.ts'
import { LoadedModule } from '../backends/emulator/loader.ts'
import { GLOBAL_HIGH } from '../backends/emulator/machine.ts'
import { LinearMemory } from '../backends/emulator/memory.ts'
import { allowFusedMultiplyAdd, nodeCrew } from '../backends/emulator/node_worker.ts'
import { parsePtx } from '../backends/emulator/parser.ts'
import { createSanitizer } from '../backends/emulator/sanitizer/index.ts'
import { CudaBackend } from '../backends/cuda/index.ts'
import { EmulatorDriver } from '../backends/emulator/driver.ts'
import { Device } from '../src/core/device.ts'
import { ops } from '../src/ops/index.ts'
import fmaLoop from './emulator/fma_loop.ptx'
import reduction from './emulator/reduction.ptx'
import { text as wgmmaTile } from './emulator/wgmma_tile.ptx.ts'
import { leastTimes, type Timing } from './measure.ts'
import type { BenchRow } from './row.ts'

const timing: Timing = { minReps: 5, minSec: 0.5, batchSec: 0.02, maxSec: 20 }

/** What others say of themselves or what was measured of them on such a core; no run of theirs stands behind a row. */
interface Peer { readonly name: string; readonly instructionsPerSec?: number; readonly flopPerSec?: number }
const ocelotJit = (instructionsPerSec: number): Peer => ({ name: `gpuocelot's JIT (up to ${instructionsPerSec / 1e6} M/s)`, instructionsPerSec })
const ocelotInterpreter: Peer = { name: 'gpuocelot interpreted, no sanitizer (up to 48 M/s)', instructionsPerSec: 48e6 }
const gpgpuSim: Peer = { name: 'GPGPU-Sim, wmma (0.17 GFLOP/s)', flopPerSec: 0.17e9 }

export interface LoopCase {
  readonly name: string; readonly shape: string; readonly ptx: string; readonly blocks: number; readonly threads: number
  /** The second parameter: turns, or null for an input of one element a thread. */
  readonly turns: number | null
  /** Of one thread: FLOP a turn. */
  readonly flop: number
  readonly peers: { readonly plain: Peer; readonly sanitized: Peer }
}
export const loopCases: readonly LoopCase[] = [
  { name: 'fma_loop', shape: '4096 threads x 2000 turns of 5', ptx: fmaLoop, blocks: 16, threads: 256, turns: 2000, flop: 4 * 2000, peers: { plain: ocelotJit(1470e6), sanitized: ocelotInterpreter } },
  { name: 'reduction', shape: '512 blocks of 256, tree in shared memory', ptx: reduction, blocks: 512, threads: 256, turns: null, flop: 1, peers: { plain: ocelotJit(300e6), sanitized: ocelotInterpreter } },
  { name: 'wgmma_tile', shape: 'm64n128k16 bf16, 50 times', ptx: wgmmaTile, blocks: 1, threads: 128, turns: 50, flop: 2 * 64 * 128 * 16 * 50 / 128, peers: { plain: gpgpuSim, sanitized: gpgpuSim } },
]

function row(op: string, shape: string, device: string, timeSec: number, instructions: number, flop: number, sanitized: boolean, threads: number, peer: Peer): BenchRow {
  const [instructionsPerSec, flopPerSec] = [instructions / timeSec, flop / timeSec]
  const ratioToPeer = peer.instructionsPerSec !== undefined ? instructionsPerSec / peer.instructionsPerSec : peer.flopPerSec !== undefined ? flopPerSec / peer.flopPerSec : null
  return {
    event: 'bench', op: `emulator ${op}`, shape: `(${shape}), sanitizer ${sanitized ? 'on' : 'off'}, ${threads === 1 ? 'one thread' : `${threads} threads`}`, device, timeSec, flopPerSec, bytesPerSec: null, fractionOfPeak: null,
    peer: peer.name, ratioToPeer, threadInstructionsPerSec: instructionsPerSec,
  }
}

export interface Setting { readonly sanitize?: boolean; readonly threads?: number; readonly time?: Timing }

/** A loop kernel, launched on a machine of its own. */
export async function benchLoop(c: LoopCase, { sanitize = false, threads = 1, time = timing }: Setting = {}): Promise<BenchRow> {
  allowFusedMultiplyAdd()
  const memory = new LinearMemory({ shared: threads > 1 })
  const loaded = new LoadedModule(parsePtx(c.ptx, `${c.name}.ptx`), memory)
  const emulator = new Emulator(memory, loaded, { sanitize }, sanitize ? createSanitizer : undefined)
  emulator.crew = threads > 1 ? nodeCrew(threads - 1)(memory) : undefined
  emulator.crew?.know(loaded, c.ptx)
  const elements = c.blocks * c.threads
  const [out, input] = [memory.allocate(4 * elements, 'out'), memory.allocate(4 * elements, 'in')]
  memory.f32.fill(1, input >> 2, (input >> 2) + elements)
  const { bytes } = loaded.parametersOf(c.name)
  const params = new DataView(new ArrayBuffer(bytes))
  const address = (linear: number) => (BigInt(GLOBAL_HIGH) << 32n) | BigInt(linear)
  params.setBigUint64(0, address(out), true)
  if (c.turns === null) params.setBigUint64(8, address(input), true)
  else params.setUint32(8, c.turns, true)
  const launch = () => emulator.launch(c.name, { grid: [c.blocks, 1, 1], block: [c.threads, 1, 1] }, new Uint8Array(params.buffer))
  launch()
  const instructions = emulator.executed
  if (emulator.diagnostics.length) throw new Error(`${c.name}: ${emulator.diagnostics[0].message}`)
  try {
    await helpersWork(emulator.crew, launch)
    const [timeSec] = await leastTimes([async (count) => { for (let i = 0; i < count; i++) launch() }], time)
    return row(c.name, c.shape, `emu:${loaded.ptx.target}`, timeSec, instructions, c.flop * elements, sanitize, threads, sanitize ? c.peers.sanitized : c.peers.plain)
  } finally { emulator.crew?.end() }
}

/** Helpers need a moment to begin; a launch that they do not share leaves them out. */
async function helpersWork(crew: Crew | undefined, launch: () => void): Promise<void> {
  for (const start = performance.now(); crew && performance.now() - start < 5000 && crew.control.executedByHelpers === 0;) {
    launch()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** The bf16 product of ptx/ through the device, as a training step calls it: mma.sync on sm_80, TMA and wgmma on sm_90a. */
export async function benchProduct(target: 'sm_80' | 'sm_90a', { sanitize = false, threads = 1, time = timing, size = 256 }: Setting & { readonly size?: number } = {}): Promise<BenchRow> {
  allowFusedMultiplyAdd()
  const driver = new EmulatorDriver(target, {}, sanitize ? createSanitizer : undefined, threads > 1 ? nodeCrew(threads - 1) : undefined)
  const device = new Device(new CudaBackend(driver))
  const op = ops.find(([o]) => o.name === 'gemm')![0]
  const values = Float32Array.from({ length: size * size }, (_, i) => (i * 37 % 101 - 50) / 64)
  const [a, b] = [device.tensor('bf16', [size, size], values), device.tensor('bf16', [size, size], values)]
  const run = () => device.run(op, { a, b }, { layout: 'nt', out: 'f32' }).c.release()
  try {
    run()
    await device.backend.sync()
    for (const start = performance.now(); threads > 1 && performance.now() - start < 5000 && driver.executedByHelpers === 0;) { run(); await device.backend.sync() }
    const before = driver.executed
    run()
    await device.backend.sync()
    const instructions = driver.executed - before
    const [timeSec] = await leastTimes([async (count) => { for (let i = 0; i < count; i++) run(); await device.backend.sync() }], time)
    return row('gemm', `bf16 nt ${size} x ${size} x ${size}, ${target === 'sm_80' ? 'mma.sync' : 'TMA and wgmma'}`, device.name, timeSec, instructions, 2 * size ** 3, sanitize, threads, gpgpuSim)
  } finally {
    a.release()
    b.release()
    await device.backend.destroy()
  }
}

/** With the sanitizer one thread runs all; a single block has nothing to share. */
export async function* benchEmulator(): AsyncGenerator<BenchRow> {
  for (const setting of [{}, { threads: 2 }, { sanitize: true }] as readonly Setting[]) {
    for (const c of loopCases) if (c.blocks > 1 || setting.threads === undefined) yield await benchLoop(c, setting)
    for (const target of ['sm_80', 'sm_90a'] as const) yield await benchProduct(target, setting)
  }
}
