// One product of a warpgroup as it is performed: operands from shared memory or registers to panels, panels to accumulators.
import type { Memory, Slot, SlotUse } from '../machine.ts'
import { multiplyBits } from '../products/bits.ts'
import type { ElementName } from '../products/elements.ts'
import type { Accumulator } from '../products/products.ts'
import type { Workspace } from '../products/workspace.ts'
import { spreadRows } from './matrix_sparse.ts'
import type { Shape } from './matrix_sync.ts'
import type { SharedOperand } from './wgmma_descriptor.ts'
import { isActive, type Part, type Product, type RegisterSet } from './wgmma_groups.ts'

/** Operands as they are decoded; all that a product needs but the values of its descriptors. */
export interface Multiply {
  readonly shape: Shape
  readonly kind: Accumulator
  readonly a: ElementName | 'b1'
  readonly b: ElementName | 'b1'
  readonly d: RegisterSet
  /** A in registers: pieces relative to the frame. */
  readonly aRegisters: { readonly uses: readonly SlotUse[]; readonly pieces: Uint32Array } | null
  readonly aShared: SharedOperand | null
  readonly bShared: SharedOperand
  /** Slots of descriptors. */
  readonly descriptors: readonly Slot[]
  readonly scaleD: { slot: Slot; negate: boolean }
  readonly negative: boolean
  readonly saturate: boolean
  /** A holds half of the elements; the register says which, for the lanes that the selector names. */
  readonly sparse: { readonly metadata: Slot; readonly selector: number } | null
}

export function perform(m: Multiply, { parts, workspace }: Product, aOffsets: Uint32Array | null, bOffsets: Uint32Array): void {
  const { machine: { memory }, cta: { sharedBase } } = parts[0]!.warp
  if (m.a === 'b1' || m.b === 'b1') { performBits(m, parts as Part[], sharedBase, memory, aOffsets, bOffsets); return }
  const { products, pieces, rows, raw, columns, d } = workspace
  const { K, N } = m.shape
  unpackA(m, m.a, parts as Part[], workspace, sharedBase, memory, aOffsets)
  memory.u32.set(bOffsets, pieces >> 2)
  products.expand[m.b](pieces, sharedBase, bOffsets.length, m.bShared.major === 'k' ? raw : columns)
  if (m.bShared.major === 'k') products.transposePairs(raw, N, K, columns)
  else products.pairColumns(columns, N * K)
  memory.u32.set(m.d.shadows, d >> 2)
  parts.forEach((part, i) => { if (isActive(part!)) products.multiply[m.kind](rows + 64 * K * i, K, columns, N, part!.base, d, d, part!.flags) })
}

/** A [64, K] in `rows`; sparse A first lies as it is stored, [64, K / 2]. */
function unpackA(m: Multiply, type: ElementName, parts: readonly Part[], { products, pieces, rows, raw, columns }: Workspace, sharedBase: number, memory: Memory, offsets: Uint32Array | null): void {
  const { K } = m.shape
  const storedK = m.sparse ? K / 2 : K
  const to = m.sparse ? columns : rows
  if (offsets !== null) {
    memory.u32.set(offsets, pieces >> 2)
    products.expand[type](pieces, sharedBase, offsets.length, m.aShared!.major === 'k' ? to : raw)
    if (m.aShared!.major === 'mn') products.transpose(raw, storedK, 64, to)
  } else {
    memory.u32.set(m.aRegisters!.pieces, pieces >> 2)
    parts.forEach((part, i) => products.expand[type](pieces, part.base, m.aRegisters!.pieces.length, to + 64 * storedK * i))
  }
  if (m.sparse) parts.forEach((part, i) => spreadRows(memory, type, to + 64 * storedK * i, rows + 64 * K * i, K, m.sparse!.selector, (lane) => part.metadata![lane]))
  if (m.negative) { const { f32 } = memory; for (let i = rows >> 2; i < (rows >> 2) + 64 * K; i++) f32[i] = -f32[i] }
}

function performBits(m: Multiply, parts: readonly Part[], sharedBase: number, memory: Memory, aOffsets: Uint32Array | null, bOffsets: Uint32Array): void {
  const b = bOffsets.map((x) => x + sharedBase)
  const d = Uint32Array.from(m.d.shadows)
  parts.forEach((part, i) => {
    if (!isActive(part)) return
    const { base, flags } = part
    const a = aOffsets ? aOffsets.subarray(32 * i, 32 * i + 32).map((x) => x + sharedBase) : m.aRegisters!.pieces.map((x) => x + base)
    multiplyBits(memory, false, a, b, m.shape.N, base, d, d, flags)
  })
}
