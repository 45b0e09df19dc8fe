import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { swigluBwdPtx } from './swiglu_bwd.ptx.ts'

const texts = itemTexts(swigluBwdPtx)

export const swiglu_bwd: PtxKernel = {
  op: 'swiglu_bwd',
  launch({ specs: { dy } }) {
    const [T, F] = dy.shape
    const { ptx, per } = itemFor(texts, F)
    return elementwise(ptx, 'swiglu_bwd', ['dy', 'h', 'dh', u32(T * F / per), u32(F / per)], T * F / per)
  },
}
