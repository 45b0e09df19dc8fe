import { u32, type Binding, type PtxDispatch } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './zero.ptx'

/** Clears `count` words of x. */
export const zero = (x: Binding, count: number): readonly PtxDispatch[] => elementwise(text, 'zero', [x, u32(count)], count)
