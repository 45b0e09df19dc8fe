// Element types of matrix operands: how many bits, and what number the bits mean. (PTX ISA 9.7.14.1, 9.7.15.1)
import { decodeFloat, formats } from '../numeric/small_float.ts'

export const elementBits = { f16: 16, bf16: 16, tf32: 32, e4m3: 8, e5m2: 8, s8: 8, u8: 8, s4: 4, u4: 4 } as const
export type ElementName = keyof typeof elementBits
export const elementNames = Object.keys(elementBits) as ElementName[]

/** Elements in 16 bytes: one piece of a row of A or of a column of B, in shared memory as in the registers of four lanes. */
export const perPiece = (type: ElementName): number => 128 / elementBits[type]

const float = (name: 'f16' | 'bf16' | 'e4m3' | 'e5m2') => (bits: number) => decodeFloat(bits, formats[name])
const view = new DataView(new ArrayBuffer(4))
const decoders: Readonly<Record<ElementName, (bits: number) => number>> = {
  f16: float('f16'), bf16: float('bf16'), e4m3: float('e4m3'), e5m2: float('e5m2'),
  // The low 13 bits do not count.
  tf32: (bits) => { view.setUint32(0, (bits & 0xffffe000) >>> 0); return view.getFloat32(0) },
  s8: (bits) => (bits << 24) >> 24, u8: (bits) => bits, s4: (bits) => (bits << 28) >> 28, u4: (bits) => bits,
}

const tables = new Map<ElementName, Float32Array>()
/** The number of every bit pattern, for types of at most 16 bits; made when first asked for. */
function tableOf(type: ElementName): Float32Array {
  let table = tables.get(type)
  if (!table) tables.set(type, (table = Float32Array.from({ length: 2 ** elementBits[type] }, (_, bits) => decoders[type](bits))))
  return table
}

export type Decode = (bits: number) => number
export function decoderOf(type: ElementName): Decode {
  if (type === 'tf32') return decoders.tf32
  const table = tableOf(type)
  return (bits) => table[bits]
}
