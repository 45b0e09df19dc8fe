import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { swigluPtx } from './swiglu.ptx.ts'

const texts = itemTexts(swigluPtx)

export const swiglu: PtxKernel = {
  op: 'swiglu',
  launch({ specs: { y } }) {
    const [T, F] = y.shape
    const { ptx, per } = itemFor(texts, F)
    return elementwise(ptx, 'swiglu', ['h', 'y', u32(T * F / per), u32(F / per)], T * F / per)
  },
}
