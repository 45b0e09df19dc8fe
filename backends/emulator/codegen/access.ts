// Loads and stores of a warp as functions shared by all kernels, one for each shape. A lane in doubt sends the whole instruction
// to the interpreter, which knows the rest and tells the fault.
import { cell } from './cells.ts'
import { CopyCode, copyName, type CopyShape } from './copy_access.ts'
import { LaneAddresses, spread } from './lane_addresses.ts'
import { Code, I32, V128, op, simd, wasmModule, type ValueType } from './wasm_encoder.ts'

export interface Shape {
  readonly storing: boolean
  readonly space: 'global' | 'shared' | 'local'
  /** The address is 64 bits. */
  readonly wide: boolean
  /** Bytes of one element, and elements. */
  readonly size: 1 | 2 | 4 | 8
  readonly count: 1 | 2 | 4
  /** A narrow load extends by sign. */
  readonly signed: boolean
}
export const shapeName = (s: Shape): string => `${s.storing ? 'st' : 'ld'}_${s.space}${s.wide ? '_wide' : ''}_${s.signed ? 's' : 'u'}${s.size}x${s.count}`
/** Linear place of the address slot, offset, mask, linear place of the site, and of the value slots. Gives 1, or 0 when in doubt. */
export const accessParams: readonly ValueType[] = Array.from({ length: 8 }, () => I32)
const [ADDRESS, OFFSET, MASK, SITE, VALUE] = [0, 1, 2, 3, 4]

class AccessCode {
  readonly code = new Code(accessParams)
  private readonly addresses: LaneAddresses
  private readonly at: readonly number[]
  private readonly temporary = this.code.local(V128)
  private readonly other = this.code.local(V128)
  private readonly lane = this.code.local(I32)
  private readonly left = this.code.local(I32)
  private readonly place = this.code.local(I32)
  private readonly quad = Array.from({ length: 4 }, () => this.code.local(V128))
  private readonly bytes: number

  constructor(private readonly shape: Shape) {
    this.bytes = shape.size * shape.count
    this.addresses = new LaneAddresses(this.code, { ...shape, bytes: this.bytes }, { address: ADDRESS, offset: OFFSET, site: SITE })
    this.at = this.addresses.at
  }

  build(): Code {
    const { code } = this
    this.addresses.bounds()
    code.get(MASK).i32(-1).op(op.i32_eq).if()
    this.addresses.vectors()
    this.full()
    code.i32(1).op(op.return).end()
    this.addresses.vectors((v) => { code.get(MASK); spread(code, v) })
    this.masked()
    return code.i32(1)
  }

  private full(): void {
    const { code, shape, bytes } = this
    if (bytes === 16) { this.quads(); return }
    const steps = shape.count === 1 && shape.size >= 2
    if (steps) {
      this.follow(bytes)
      code.if()
      this.copyRow()
      code.else()
    }
    if (!shape.storing && shape.count === 1) {
      this.follow(0)
      code.if()
      this.broadcast()
      code.else()
    }
    for (let lane = 0; lane < 32; lane++) { code.get(this.at[lane >> 2]).extract32(lane & 3).set(this.place); this.one(() => code.i32(0), lane) }
    if (!shape.storing && shape.count === 1) code.end()
    if (steps) code.end()
  }

  /** On the stack: 1 if the addresses of the lanes go up in steps of `step`. */
  private follow(step: number): void {
    const { code, at, temporary } = this
    code.get(at[0]).extract32(0).simd(simd.i32x4_splat).vConst32(0, step, 2 * step, 3 * step).simd(simd.i32x4_add).set(temporary)
    for (let v = 0; v < 8; v++) {
      code.get(at[v]).get(temporary)
      if (v && step) code.vConst32(4 * step * v).simd(simd.i32x4_add)
      code.simd(simd.xor)
      if (v) code.simd(simd.or)
    }
    code.simd(simd.any_true).op(op.i32_eqz)
  }

  private copyRow(): void {
    const { code, shape, at, place } = this
    code.get(at[0]).extract32(0).set(place)
    if (shape.size === 2) {
      for (let v = 0; v < 8; v++) {
        if (shape.storing) code.get(place).get(VALUE).vLoad(16 * v).get(VALUE).vLoad(16 * v).shuffle([0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13]).vStore64(8 * v)
        else code.get(VALUE).get(place).vLoad64Zero(8 * v).simd(shape.signed ? simd.i32x4_extend_low_i16x8_s : simd.i32x4_extend_low_i16x8_u).vStore(16 * v)
      }
      return
    }
    const [to, from] = shape.storing ? [place, VALUE] : [VALUE, place]
    for (let v = 0; v < 2 * shape.size; v++) code.get(to).get(from).vLoad(16 * v).vStore(16 * v)
  }

  private broadcast(): void {
    const { code, shape, at, place, temporary } = this
    code.get(at[0]).extract32(0).set(place)
    code.get(place)
    if (shape.size === 8) code.vLoadSplat64(0)
    else { this.loadWord(0); code.simd(simd.i32x4_splat) }
    code.set(temporary)
    for (let v = 0; v < (shape.size === 8 ? 16 : 8); v++) code.get(VALUE).get(temporary).vStore(16 * v)
  }

  /** One element of up to 4 bytes from the address on the stack. */
  private loadWord(offset: number): void {
    const { code, shape } = this
    if (shape.size === 4) code.i32Load(offset)
    else if (shape.size === 2) code.i32Load16(shape.signed, offset)
    else code.i32Load8(shape.signed, offset)
  }

  /** 16 bytes a lane: four words of four lanes are a 4 x 4 matrix that is turned over, two longs of two lanes a 2 x 2 one. */
  private quads(): void {
    const { code, shape, at, quad } = this
    const address = (v: number, i: number) => code.get(at[v]).extract32(i)
    const pick = (a: number, b: number, words: readonly number[]) => code.get(a).get(b).shuffle(words.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3]))
    for (let v = 0; v < 8; v++) {
      if (shape.size === 8) {
        for (const h of [0, 1]) {
          const [x, y] = quad
          const slot = (i: number) => code.get(VALUE + i)
          const load = (i: number) => { if (shape.storing) slot(i).vLoad(32 * v + 16 * h); else address(v, 2 * h + i).vLoad(0) }
          load(0); code.set(x); load(1); code.set(y)
          for (const i of [0, 1]) {
            if (shape.storing) address(v, 2 * h + i)
            else slot(i)
            pick(x, y, i ? [2, 3, 6, 7] : [0, 1, 4, 5]).vStore(shape.storing ? 0 : 32 * v + 16 * h)
          }
        }
        continue
      }
      quad.forEach((q, i) => { if (shape.storing) code.get(VALUE + i).vLoad(16 * v).set(q); else address(v, i).vLoad(0).set(q) })
      this.turn()
      quad.forEach((q, i) => { if (shape.storing) address(v, i).get(q).vStore(0); else code.get(VALUE + i).get(q).vStore(16 * v) })
    }
  }

  /** Transposes the four vectors of `quad`. */
  private turn(): void {
    const { code, quad: [a, b, c, d], temporary: t, other: u } = this
    const words = (list: readonly number[]) => list.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3])
    const pick = (x: number, y: number, list: readonly number[]) => code.get(x).get(y).shuffle(words(list))
    // Pairs of rows interleaved, then halves joined.
    pick(a, b, [0, 4, 1, 5]).set(t)
    pick(a, b, [2, 6, 3, 7]).set(u)
    pick(c, d, [0, 4, 1, 5]).set(a)
    pick(c, d, [2, 6, 3, 7]).set(b)
    pick(u, b, [0, 1, 4, 5]).set(c)
    pick(u, b, [2, 3, 6, 7]).set(d)
    pick(t, a, [2, 3, 6, 7]).set(b)
    pick(t, a, [0, 1, 4, 5]).set(a)
  }

  /** The lanes of the mask, one by one. */
  private masked(): void {
    const { code, at, left, lane, place } = this
    at.forEach((a, v) => code.global(0).get(a).vStore(cell.addresses + 16 * v))
    const end = code.block()
    code.get(MASK).tee(left).op(op.i32_eqz).brIf(end)
    const next = code.loop()
    code.get(left).op(op.i32_ctz).i32(2).op(op.i32_shl).tee(lane)
    code.global(0).op(op.i32_add).i32Load(cell.addresses).set(place)
    if (this.shape.size === 8) code.get(lane).i32(1).op(op.i32_shl).set(lane)
    this.one(() => code.get(lane), 0)
    code.get(left).get(left).i32(1).op(op.i32_sub).op(op.i32_and).tee(left).brIf(next)
    code.end().end()
  }

  /** Moves the elements of one lane between `place` and its part of the value slots: `step` bytes on, and lane `fixed`. */
  private one(step: () => void, fixed: number): void {
    const { code, shape, place } = this
    for (let i = 0; i < shape.count; i++) {
      const slot = () => { code.get(VALUE + i); step(); code.op(op.i32_add) }
      const at = fixed * (shape.size === 8 ? 8 : 4)
      if (shape.storing) {
        code.get(place); slot()
        if (shape.size === 8) code.i64Load(at).i64Store(8 * i)
        else {
          code.i32Load(at)
          if (shape.size === 4) code.i32Store(4 * i)
          else if (shape.size === 2) code.i32Store16(2 * i)
          else code.i32Store8(i)
        }
      } else {
        slot(); code.get(place)
        if (shape.size === 8) code.i64Load(8 * i).i64Store(at)
        else { this.loadWord(shape.size * i); code.i32Store(at) }
      }
    }
  }
}

/** What an access function is made for. */
export type AnyShape = Shape | CopyShape
export const nameOf = (shape: AnyShape): string => ('copied' in shape ? copyName(shape) : shapeName(shape))

/** Access functions of one memory: instantiated when a kernel first has the shape. */
export class AccessFunctions {
  private readonly made = new Map<string, WebAssembly.ExportValue>()
  constructor(private readonly memory: WebAssembly.Memory, private readonly cells: number, private readonly shared: boolean) {}

  get(shape: AnyShape): WebAssembly.ExportValue {
    const name = nameOf(shape)
    let f = this.made.get(name)
    if (!f) {
      const cells = new WebAssembly.Global({ value: 'i32', mutable: false }, this.cells)
      const instance = new WebAssembly.Instance(moduleOf(shape, this.shared), { e: { memory: this.memory, cells } })
      this.made.set(name, (f = instance.exports.access))
    }
    return f
  }
}

const modules = new Map<string, WebAssembly.Module>()
function moduleOf(shape: AnyShape, shared: boolean): WebAssembly.Module {
  const key = `${nameOf(shape)} ${shared}`
  let module = modules.get(key)
  if (!module) {
    const code = 'copied' in shape ? new CopyCode(shape).build() : new AccessCode(shape).build()
    modules.set(key, (module = new WebAssembly.Module(wasmModule([], [{ name: 'access', code, results: [I32] }], shared, ['cells']) as BufferSource)))
  }
  return module
}
