// z = x * y with a vjp that is wrong by given factors: gradcheck must notice.
import type { Op } from '../../src/core/op.ts'
import { spec } from '../../src/core/shape.ts'
import { scaleBy } from '../../src/ops/scale_by.ts'

export interface Factor { x: number; later: number }

export const mulFixture = (factor: Factor): Op => ({
  name: 'mul_fixture',
  args: [['x', 'in'], ['y', 'in'], ['z', 'out']],
  infer: ({ x }) => ({ z: spec('f32', x.shape) }),
  reference({ x, y, z }) { for (let i = 0; i < z.data.length; i++) z.data[i] = x.data[i] * y.data[i] },
  tolerance: () => 0,
  toleranceReason: 'a fixture',
  saves: ['x', 'y'],
  vjp({ saved: { x, y } }, { z: dz }) {
    const mul = mulFixture(factor)
    return {
      now: { x: scaleBy(x.device.run(mul, { x: dz!, y }).z, factor.x) },
      later: () => ({ y: scaleBy(x.device.run(mul, { x: dz!, y: x }).z, factor.later) }),
    }
  },
})
