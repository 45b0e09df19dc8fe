// describeOp(rms_norm): one named test per device and case: `rms_norm > webgpu > [7, 4096] f32`.
import { describe, expect, it } from 'vitest'
import { runCase } from '../../src/check/index.ts'
import type { Op } from '../../src/core/op.ts'
import { ops } from '../../src/ops/index.ts'
import { deviceNames, testDevice } from './devices.ts'

export function describeOp(op: Op): void {
  const cases = ops.find(([o]) => o === op)?.[1]
  if (!cases?.length) throw new Error(`${op.name} has no line in src/ops/index.ts, or no cases`)
  describe(op.name, () => {
    for (const name of deviceNames) {
      describe(name, () => {
        for (const c of cases) {
          it.skipIf(c.slow && !process.env.FULL)(c.name, async (context) => {
            const device = await testDevice(name)
            if (!device) return context.skip()
            const result = await runCase(op, c, device.backend)
            expect(result.skipped ?? result.message).toBeUndefined()
            expect(result.error).toBeLessThanOrEqual(result.bound)
          })
        }
      })
    }
  })
}
