// The Node side of the emulator: flags of its engine, and helpers of a crew as worker threads. This file is their entry too.
import { setFlagsFromString } from 'node:v8'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { Crew } from './crew.ts'
import { serve, type HelperStart } from './crew_helper.ts'
import type { StartCrew } from './driver.ts'

/** Node 20 has the fused multiply-add of WebAssembly behind a flag (browsers have it without): fma is then three times as fast. */
export function allowFusedMultiplyAdd(): void { setFlagsFromString('--experimental-wasm-relaxed-simd') }

/** Starts `helpers` threads beside the one that launches. They end with the process, or with the driver. */
export const nodeCrew = (helpers: number): StartCrew => (memory) => {
  const crew = new Crew(memory, helpers)
  for (let index = 0; index < helpers; index++) {
    const start: HelperStart = { memory: memory.wasm, control: crew.control.buffer, index }
    // In the checkout the thread needs the loader of TypeScript first.
    const entry = import.meta.url
    const worker = new Worker(entry.endsWith('.ts') ? new URL('../../tools/ts_worker.mjs', entry) : new URL(entry), { workerData: { emulatorHelper: start, entry }, execArgv: [] })
    worker.unref()
    // Nobody waits for a helper that could not begin.
    worker.on('error', (error) => process.emitWarning(`emulator helper ${index} ended: ${error.message}`))
  }
  return crew
}

const start = (workerData as { emulatorHelper?: HelperStart } | null)?.emulatorHelper
if (!isMainThread && start) {
  allowFusedMultiplyAdd()
  serve(start)
}
