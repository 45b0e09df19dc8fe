import { expect, it } from 'vitest'
import { defineOp } from '../../src/core/op.ts'
import { mulFixture, type Factor } from '../support/mul_fixture.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { normal } from '../support/host.ts'

const inputs = { x: normal('x', [2, 3]), y: normal('y', [2, 3]) }
const check = (factor: Factor) => gradcheck(({ x, y }) => x.device.run(defineOp(mulFixture(factor)), { x, y }).z, inputs)

it('passes a right vjp', () => check({ x: 1, later: 1 }))
it('names the element that a wrong vjp gets wrong', () => expect(() => check({ x: 1.001, later: 1 })).toThrow(/gradcheck: d loss \/ d x\[0\]/))
it('checks gradients that come later', () => expect(() => check({ x: 1, later: 0 })).toThrow(/d y\[0\]/))
