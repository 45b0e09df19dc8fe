// The shared parity suite in this browser: the reference, WebGPU where it is, and hand-written PTX in the emulator.
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { runCase } from '../../src/check/index.ts'
import type { Backend } from '../../src/core/backend.ts'
import { openDevice } from '../../src/device.ts'
import { ops } from '../../src/ops/index.ts'
import { device } from '../device.ts'

export interface ParityCell { readonly op: string; readonly device: string; readonly cases: number; readonly passed: number; /** Largest error in terms of its bound; null where nothing ran. */ readonly worst: number | null; readonly error: number; readonly bound: number; readonly failures: readonly string[] }

export const parity = {
  /** Rows and columns of the matrix. */
  async parityPlan(): Promise<{ ops: string[]; devices: string[] }> {
    return { ops: ops.map(([op]) => op.name), devices: ['cpu', ...((await device()).device.name === 'webgpu' ? ['webgpu'] : []), 'emu:sm_90a'] }
  },

  /** Runs op after op on every device and tells each cell as it is done; `goOn` false stops. Ends with the counts. */
  async runParity(devices: string[], cell: (c: ParityCell) => void | Promise<void>, goOn: () => boolean | Promise<boolean>): Promise<{ passed: number; total: number }> {
    const backends = new Map<string, Backend>()
    for (const name of devices) backends.set(name, name === 'cpu' ? (await openDevice('cpu')).device.backend : name === 'webgpu' ? (await device()).device.backend : new CudaBackend(new EmulatorDriver(name.slice(4))))
    let passed = 0, total = 0
    for (const [op, cases] of ops) {
      for (const [name, backend] of backends) {
        if (!await goOn()) return { passed, total }
        const quick = cases.filter((c) => !c.slow)
        const failures: string[] = []
        let worst: number | null = null, error = 0, bound = 0
        for (const c of quick) {
          const r = await runCase(op, c, backend)
          if (r.ok) passed++
          else failures.push(`${c.name}: ${r.skipped ?? r.message}`)
          const ratio = r.bound ? r.error / r.bound : r.error === 0 ? 0 : Infinity
          if (!Number.isNaN(ratio) && (worst === null || ratio > worst)) [worst, error, bound] = [ratio, r.error, r.bound]
        }
        total += quick.length
        await cell({ op: op.name, device: name, cases: quick.length, passed: quick.length - failures.length, worst, error, bound, failures })
      }
    }
    return { passed, total }
  },
}
