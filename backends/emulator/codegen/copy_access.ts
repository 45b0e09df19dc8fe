// cp.async of a warp at once, where asynchronous work lands early: as a function shared by all kernels, one for each shape.
import { cell } from './cells.ts'
import { giveUp, LaneAddresses, spread } from './lane_addresses.ts'
import { Code, I32, V128, op, simd, type ValueType } from './wasm_encoder.ts'

export interface CopyShape {
  /** Bytes that each lane writes to shared memory. */
  readonly copied: 4 | 8 | 16
  readonly wideTo: boolean
  /** An operand says how many bytes are read; the rest is zero. Here it is all or none. */
  readonly sized: boolean
}
export const copyName = (s: CopyShape): string => `cp${s.copied}${s.wideTo ? '_wide' : ''}${s.sized ? '_sized' : ''}`
/** As of an access: address slot, offset and mask of the target, site, then address slot and offset of the source, slot of the size. */
const [TO, TO_OFFSET, MASK, SITE, FROM, FROM_OFFSET, SIZE] = [0, 1, 2, 3, 4, 5, 6]
const params: readonly ValueType[] = Array.from({ length: 8 }, () => I32)

export class CopyCode {
  private readonly code = new Code(params)
  private readonly to: LaneAddresses
  private readonly from: LaneAddresses
  /** Lanes that read their source. */
  private readonly reading = this.code.local(I32)
  private readonly left = this.code.local(I32)
  private readonly bit = this.code.local(I32)
  private readonly lane = this.code.local(I32)
  private readonly target = this.code.local(I32)
  private readonly some = this.code.local(V128)

  constructor(private readonly shape: CopyShape) {
    const { code } = this
    this.to = new LaneAddresses(code, { space: 'shared', wide: shape.wideTo, bytes: shape.copied }, { address: TO, offset: TO_OFFSET, site: SITE })
    this.from = new LaneAddresses(code, { space: 'global', wide: true, bytes: shape.copied }, { address: FROM, offset: FROM_OFFSET, site: SITE })
  }

  build(): Code {
    const { code, to, from, reading } = this
    to.bounds()
    to.vectors((v) => { code.get(MASK); spread(code, v) })
    this.sizes()
    code.get(reading).if()
    from.bounds()
    from.vectors((v) => { code.get(reading); spread(code, v) })
    code.end()
    to.at.forEach((a, v) => code.global(0).get(a).vStore(cell.addresses + 16 * v))
    from.at.forEach((a, v) => code.global(0).get(a).vStore(cell.sources + 16 * v))
    this.lanes()
    return code.i32(1)
  }

  /** `reading`; a size between none and all is the interpreter's. */
  private sizes(): void {
    const { code, shape, reading, some } = this
    if (!shape.sized) { code.get(MASK).set(reading); return }
    code.vConst32(0).set(some)
    code.i32(0)
    for (let v = 0; v < 8; v++) {
      const size = () => code.get(SIZE).vLoad(16 * v)
      size().vConst32(0).simd(simd.i32x4_ne).simd(simd.i32x4_bitmask).i32(4 * v).op(op.i32_shl).op(op.i32_or)
      code.get(some)
      size().vConst32(shape.copied).simd(simd.i32x4_lt_u)
      size().vConst32(0).simd(simd.i32x4_ne).simd(simd.and)
      code.get(MASK)
      spread(code, v)
      code.simd(simd.and).simd(simd.or).set(some)
    }
    code.get(MASK).op(op.i32_and).set(reading)
    code.get(some).simd(simd.any_true).if()
    giveUp(code)
    code.end()
  }

  private lanes(): void {
    const { code, shape, reading, left, bit, lane, target } = this
    const end = code.block()
    code.get(MASK).tee(left).op(op.i32_eqz).brIf(end)
    const next = code.loop()
    code.get(left).op(op.i32_ctz).tee(bit).i32(2).op(op.i32_shl).global(0).op(op.i32_add).tee(lane).i32Load(cell.addresses).set(target)
    const source = () => code.get(lane).i32Load(cell.sources)
    code.get(reading).get(bit).op(op.i32_shr_u).i32(1).op(op.i32_and).if()
    code.get(target)
    if (shape.copied === 16) source().vLoad(0).vStore(0)
    else if (shape.copied === 8) source().i64Load(0).i64Store(0)
    else source().i32Load(0).i32Store(0)
    code.else()
    code.get(target)
    if (shape.copied === 16) code.vConst32(0).vStore(0)
    else if (shape.copied === 8) code.i64(0n).i64Store(0)
    else code.i32(0).i32Store(0)
    code.end()
    code.get(left).get(left).i32(1).op(op.i32_sub).op(op.i32_and).tee(left).brIf(next)
    code.end().end()
  }
}
