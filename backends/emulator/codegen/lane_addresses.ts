// The addresses of a warp's lanes as vectors, checked: what loads, stores and copies begin with. A lane in doubt (another window,
// misaligned, outside the allocation that the instruction touched last) ends the function with 0.
import { GLOBAL_HIGH } from '../machine.ts'
import { loadCell } from './cells.ts'
import { highWords, lowWords } from './plan.ts'
import { I32, V128, op, simd, type Code } from './wasm_encoder.ts'

export interface AddressForm {
  readonly space: 'global' | 'shared' | 'local'
  /** The address is 64 bits. */
  readonly wide: boolean
  /** A power of two, which the address must be a multiple of. */
  readonly bytes: number
}
/** Locals: linear place of the address slot, the constant offset, linear place of the site (global memory). */
export interface AddressParams { readonly address: number; readonly offset: number; readonly site: number }

const fourLanes = (v: number): [number, number, number, number] => [0, 1, 2, 3].map((i) => 1 << (4 * v + i)) as [number, number, number, number]
/** All-ones words where bits 4 v to 4 v + 3 of the word on the stack are set. */
export function spread(code: Code, v: number): void { code.simd(simd.i32x4_splat).vConst32(...fourLanes(v)).simd(simd.and).vConst32(...fourLanes(v)).simd(simd.i32x4_eq) }
export function giveUp(code: Code): void { code.i32(0).op(op.return) }

export class LaneAddresses {
  /** Linear addresses, four lanes each. */
  readonly at: readonly number[]
  private readonly doubt: number
  private readonly low: number
  private readonly span: number

  constructor(private readonly code: Code, private readonly form: AddressForm, private readonly params: AddressParams) {
    this.at = Array.from({ length: 8 }, () => code.local(V128))
    this.doubt = code.local(V128)
    this.low = code.local(I32)
    this.span = code.local(I32)
  }

  /** Addresses from `low` to `low + span` are right. */
  bounds(): void {
    const { code, form: { space, wide, bytes }, params: { offset, site }, low, span } = this
    // A 64-bit sum that carries into the high word is below the offset.
    if (space === 'global') {
      code.get(site).i32Load(0).tee(low).get(offset).get(low).get(offset).op(op.i32_gt_u).get(offset).i32(0).op(op.i32_lt_s).op(op.i32_or).op(op.select).set(low)
      code.get(site).i32Load(4)
    } else {
      if (wide) code.get(offset).i32(0).get(offset).i32(0).op(op.i32_gt_s).op(op.select).set(low)
      loadCell(code, space === 'shared' ? 'sharedBytes' : 'localStride')
    }
    code.tee(span).get(low).i32(bytes).op(op.i32_add).op(op.i32_lt_u).if()
    giveUp(code)
    code.end()
    code.get(span).get(low).op(op.i32_sub).i32(bytes).op(op.i32_sub).set(span)
  }

  /** Fills `at`. `lanes(v)` leaves a vector of the lanes that count; without it all do. */
  vectors(lanes?: (v: number) => void): void {
    const { code, form: { space, wide, bytes }, params: { address, offset }, at, doubt, low, span } = this
    code.vConst32(0).set(doubt)
    for (let v = 0; v < 8; v++) {
      const a = at[v]
      const word = (half: number) => code.get(address).vLoad(32 * v + 16 * half)
      if (wide) { word(0); word(1); code.shuffle(lowWords) } else code.get(address).vLoad(16 * v)
      code.get(offset).simd(simd.i32x4_splat).simd(simd.i32x4_add).set(a)
      code.get(doubt)
      code.get(a).get(low).simd(simd.i32x4_splat).simd(simd.i32x4_sub).get(span).simd(simd.i32x4_splat).simd(simd.i32x4_gt_u)
      if (wide) { word(0); word(1); code.shuffle(highWords).vConst32(space === 'global' ? GLOBAL_HIGH : 0).simd(simd.xor).simd(simd.or) }
      if (bytes > 1) code.get(a).vConst32(bytes - 1).simd(simd.and).simd(simd.or)
      if (lanes) { code.vConst32(0).simd(simd.i32x4_ne); lanes(v); code.simd(simd.and) }
      code.simd(simd.or).set(doubt)
      if (space === 'shared') { code.get(a); loadCell(code, 'sharedBase').simd(simd.i32x4_splat).simd(simd.i32x4_add).set(a) }
      if (space === 'local') {
        code.get(a); loadCell(code, 'localBase').simd(simd.i32x4_splat).simd(simd.i32x4_add)
        loadCell(code, 'localStride').simd(simd.i32x4_splat).vConst32(4 * v, 4 * v + 1, 4 * v + 2, 4 * v + 3).simd(simd.i32x4_mul).simd(simd.i32x4_add).set(a)
      }
    }
    code.get(doubt).simd(simd.any_true).if()
    giveUp(code)
    code.end()
  }
}
