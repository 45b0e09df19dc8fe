// Writes WebAssembly binaries: a byte builder with one method per instruction that the compiler uses. (Core spec 3.0, 5 Binary
// Format; SIMD opcodes by name below.) No dependency, no text format.

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
export type ValueType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128
const VOID = 0x40

/** Plain instructions without immediates. */
export const op = {
  unreachable: 0x00, else: 0x05, end: 0x0b, return: 0x0f, drop: 0x1a, select: 0x1b,
  i32_eqz: 0x45, i32_eq: 0x46, i32_ne: 0x47, i32_lt_s: 0x48, i32_lt_u: 0x49, i32_gt_s: 0x4a, i32_gt_u: 0x4b, i32_le_s: 0x4c, i32_le_u: 0x4d, i32_ge_s: 0x4e, i32_ge_u: 0x4f,
  i64_eqz: 0x50, i64_eq: 0x51, i64_ne: 0x52, i64_lt_s: 0x53, i64_lt_u: 0x54, i64_gt_s: 0x55, i64_gt_u: 0x56, i64_le_s: 0x57, i64_le_u: 0x58, i64_ge_s: 0x59, i64_ge_u: 0x5a,
  i32_clz: 0x67, i32_ctz: 0x68, i32_popcnt: 0x69, i32_add: 0x6a, i32_sub: 0x6b, i32_mul: 0x6c, i32_div_s: 0x6d, i32_div_u: 0x6e, i32_rem_s: 0x6f, i32_rem_u: 0x70,
  i32_and: 0x71, i32_or: 0x72, i32_xor: 0x73, i32_shl: 0x74, i32_shr_s: 0x75, i32_shr_u: 0x76, i32_rotl: 0x77,
  i64_clz: 0x79, i64_ctz: 0x7a, i64_popcnt: 0x7b, i64_add: 0x7c, i64_sub: 0x7d, i64_mul: 0x7e, i64_div_s: 0x7f, i64_div_u: 0x80, i64_rem_s: 0x81, i64_rem_u: 0x82, i64_and: 0x83, i64_or: 0x84, i64_xor: 0x85, i64_shl: 0x86, i64_shr_s: 0x87, i64_shr_u: 0x88,
  f32_sqrt: 0x91, f32_add: 0x92, f32_sub: 0x93, f32_mul: 0x94, f32_div: 0x95, f64_sqrt: 0x9f, f64_add: 0xa0, f64_sub: 0xa1, f64_mul: 0xa2, f64_div: 0xa3,
  i32_wrap_i64: 0xa7, i64_extend_i32_s: 0xac, i64_extend_i32_u: 0xad, f32_demote_f64: 0xb6, f64_promote_f32: 0xbb, i32_reinterpret_f32: 0xbc, f32_reinterpret_i32: 0xbe,
} as const

/** SIMD instructions without immediates, behind the prefix 0xfd. */
export const simd = {
  i8x16_swizzle: 0x0e, i8x16_splat: 0x0f, i16x8_splat: 0x10, i32x4_splat: 0x11, i64x2_splat: 0x12, f32x4_splat: 0x13, f64x2_splat: 0x14,
  i32x4_eq: 0x37, i32x4_ne: 0x38, i32x4_lt_s: 0x39, i32x4_lt_u: 0x3a, i32x4_gt_s: 0x3b, i32x4_gt_u: 0x3c, i32x4_le_s: 0x3d, i32x4_le_u: 0x3e, i32x4_ge_s: 0x3f, i32x4_ge_u: 0x40,
  f32x4_eq: 0x41, f32x4_ne: 0x42, f32x4_lt: 0x43, f32x4_gt: 0x44, f32x4_le: 0x45, f32x4_ge: 0x46, f64x2_eq: 0x47, f64x2_ne: 0x48, f64x2_lt: 0x49, f64x2_gt: 0x4a, f64x2_le: 0x4b, f64x2_ge: 0x4c,
  not: 0x4d, and: 0x4e, andnot: 0x4f, or: 0x50, xor: 0x51, bitselect: 0x52, any_true: 0x53, f32x4_demote_f64x2_zero: 0x5e, f64x2_promote_low_f32x4: 0x5f,
  i32x4_abs: 0xa0, i32x4_neg: 0xa1, i32x4_all_true: 0xa3, i32x4_bitmask: 0xa4, i32x4_extend_low_i16x8_s: 0xa7, i32x4_extend_low_i16x8_u: 0xa9,
  i32x4_shl: 0xab, i32x4_shr_s: 0xac, i32x4_shr_u: 0xad, i32x4_add: 0xae, i32x4_sub: 0xb1, i32x4_mul: 0xb5, i32x4_min_s: 0xb6, i32x4_min_u: 0xb7, i32x4_max_s: 0xb8, i32x4_max_u: 0xb9,
  i64x2_abs: 0xc0, i64x2_neg: 0xc1, i64x2_all_true: 0xc3, i64x2_bitmask: 0xc4, i64x2_extend_low_i32x4_s: 0xc7, i64x2_extend_high_i32x4_s: 0xc8, i64x2_extend_low_i32x4_u: 0xc9, i64x2_extend_high_i32x4_u: 0xca,
  i64x2_shl: 0xcb, i64x2_shr_s: 0xcc, i64x2_shr_u: 0xcd, i64x2_add: 0xce, i64x2_sub: 0xd1, i64x2_mul: 0xd5, i64x2_eq: 0xd6, i64x2_ne: 0xd7, i64x2_lt_s: 0xd8, i64x2_gt_s: 0xd9, i64x2_le_s: 0xda, i64x2_ge_s: 0xdb,
  i64x2_extmul_low_i32x4_s: 0xdc, i64x2_extmul_high_i32x4_s: 0xdd, i64x2_extmul_low_i32x4_u: 0xde, i64x2_extmul_high_i32x4_u: 0xdf,
  f32x4_abs: 0xe0, f32x4_neg: 0xe1, f32x4_sqrt: 0xe3, f32x4_add: 0xe4, f32x4_sub: 0xe5, f32x4_mul: 0xe6, f32x4_div: 0xe7, f32x4_min: 0xe8, f32x4_max: 0xe9, f32x4_pmin: 0xea, f32x4_pmax: 0xeb,
  i8x16_popcnt: 0x62, i16x8_extadd_pairwise_i8x16_u: 0x7d, i32x4_extadd_pairwise_i16x8_u: 0x7f,
  f32x4_ceil: 0x67, f32x4_floor: 0x68, f32x4_trunc: 0x69, f32x4_nearest: 0x6a, f64x2_nearest: 0x94,
  f32x4_relaxed_madd: 0x105,
  f64x2_abs: 0xec, f64x2_neg: 0xed, f64x2_sqrt: 0xef, f64x2_add: 0xf0, f64x2_sub: 0xf1, f64x2_mul: 0xf2, f64x2_div: 0xf3, f64x2_min: 0xf4, f64x2_max: 0xf5,
  i32x4_trunc_sat_f32x4_s: 0xf8, i32x4_trunc_sat_f32x4_u: 0xf9, f32x4_convert_i32x4_s: 0xfa, f32x4_convert_i32x4_u: 0xfb,
} as const

/** A growing byte string; numbers as LEB128. */
export class Bytes {
  private bytes = new Uint8Array(64)
  length = 0
  byte(b: number): this {
    if (this.length === this.bytes.length) { const grown = new Uint8Array(this.length * 2); grown.set(this.bytes); this.bytes = grown }
    this.bytes[this.length++] = b
    return this
  }
  append(other: Bytes | Uint8Array | readonly number[]): this {
    const from = other instanceof Bytes ? other.bytes.subarray(0, other.length) : other
    if (this.length + from.length > this.bytes.length) { const grown = new Uint8Array(2 * (this.length + from.length)); grown.set(this.bytes.subarray(0, this.length)); this.bytes = grown }
    this.bytes.set(from, this.length)
    this.length += from.length
    return this
  }
  unsigned(n: number): this {
    do { const low = n & 0x7f; n = Math.floor(n / 128); this.byte(n ? low | 0x80 : low) } while (n)
    return this
  }
  signed(n: bigint): this {
    for (;;) {
      const low = Number(n & 0x7fn)
      n >>= 7n
      if ((n === 0n && !(low & 0x40)) || (n === -1n && (low & 0x40))) return this.byte(low)
      this.byte(low | 0x80)
    }
  }
  text(s: string): this { const utf8 = new TextEncoder().encode(s); return this.unsigned(utf8.length).append(utf8) }
  done(): Uint8Array { return this.bytes.slice(0, this.length) }
}

/** The body of one function. Locals are numbered from the parameters on. */
export class Code extends Bytes {
  private readonly locals: ValueType[] = []
  /** Nesting depth of blocks: a branch to a block opened at depth d is `br(depth - d)`. */
  depth = 0
  constructor(readonly params: readonly ValueType[]) { super() }
  local(type: ValueType): number { this.locals.push(type); return this.params.length + this.locals.length - 1 }

  /** What has been written so far, taken away to be put elsewhere; depths must be those of its beginning. */
  take(): Uint8Array {
    const all = this.done()
    this.length = 0
    return all
  }

  op(code: number): this { return this.byte(code) }
  simd(code: number): this { return this.byte(0xfd).unsigned(code) }
  get(local: number): this { return this.byte(0x20).unsigned(local) }
  set(local: number): this { return this.byte(0x21).unsigned(local) }
  tee(local: number): this { return this.byte(0x22).unsigned(local) }
  i32(n: number): this { return this.byte(0x41).signed(BigInt(n | 0)) }
  /** Value of imported global `n`. */
  global(n: number): this { return this.byte(0x23).unsigned(n) }
  i64(n: bigint): this { return this.byte(0x42).signed(BigInt.asIntN(64, n)) }
  call(fn: number): this { return this.byte(0x10).unsigned(fn) }

  /** Opens; returns the label to branch to. */
  block(): number { this.byte(0x02).byte(VOID); return ++this.depth }
  loop(): number { this.byte(0x03).byte(VOID); return ++this.depth }
  if(result: ValueType | typeof VOID = VOID): number { this.byte(0x04).byte(result); return ++this.depth }
  else(): this { return this.byte(op.else) }
  end(): this { this.depth--; return this.byte(op.end) }
  br(label: number): this { return this.byte(0x0c).unsigned(this.depth - label) }
  brIf(label: number): this { return this.byte(0x0d).unsigned(this.depth - label) }
  brTable(labels: readonly number[], otherwise: number): this {
    this.byte(0x0e).unsigned(labels.length)
    for (const l of labels) this.unsigned(this.depth - l)
    return this.unsigned(this.depth - otherwise)
  }

  private memory(code: number, align: number, offset: number): this { return this.byte(code).unsigned(align).unsigned(offset) }
  i32Load(offset = 0): this { return this.memory(0x28, 2, offset) }
  i32Store(offset = 0): this { return this.memory(0x36, 2, offset) }
  i64Load(offset = 0): this { return this.memory(0x29, 3, offset) }
  i64Store(offset = 0): this { return this.memory(0x37, 3, offset) }
  i32Load8(signed: boolean, offset = 0): this { return this.memory(signed ? 0x2c : 0x2d, 0, offset) }
  i32Load16(signed: boolean, offset = 0): this { return this.memory(signed ? 0x2e : 0x2f, 1, offset) }
  i32Store8(offset = 0): this { return this.memory(0x3a, 0, offset) }
  i32Store16(offset = 0): this { return this.memory(0x3b, 1, offset) }
  f32Load(offset = 0): this { return this.memory(0x2a, 2, offset) }
  vLoad(offset = 0): this { this.byte(0xfd); return this.memory(0x00, 4, offset) }
  vStore(offset = 0): this { this.byte(0xfd); return this.memory(0x0b, 4, offset) }
  /** Loads 4 bytes and repeats them in every lane. */
  vLoadSplat32(offset = 0): this { this.byte(0xfd); return this.memory(0x09, 2, offset) }
  vLoadSplat64(offset = 0): this { this.byte(0xfd); return this.memory(0x0a, 3, offset) }
  vLoad64Zero(offset = 0): this { this.byte(0xfd); return this.memory(0x5d, 3, offset) }
  /** The low 8 bytes. */
  vStore64(offset = 0): this { this.byte(0xfd).unsigned(0x5b); this.unsigned(3).unsigned(offset); return this.byte(0) }
  vConst(bytes: Uint8Array): this { return this.byte(0xfd).unsigned(12).append(bytes) }
  vConst32(a: number, b = a, c = a, d = a): this { return this.vConst(new Uint8Array(Int32Array.of(a, b, c, d).buffer)) }
  vConst64(a: bigint, b = a): this { return this.vConst(new Uint8Array(BigInt64Array.of(BigInt.asIntN(64, a), BigInt.asIntN(64, b)).buffer)) }
  vConstF64(a: number): this { return this.vConst(new Uint8Array(Float64Array.of(a, a).buffer)) }
  vConstF32(a: number): this { return this.vConst(new Uint8Array(Float32Array.of(a, a, a, a).buffer)) }
  /** Picks 16 bytes of two vectors, 0-15 of the first, 16-31 of the second. */
  shuffle(lanes: readonly number[]): this { return this.byte(0xfd).unsigned(13).append(lanes) }
  /** Picks 16 bytes of the one vector on the stack. */
  shuffleSelf(lanes: readonly number[]): this { return this.vConst(Uint8Array.from(lanes)).simd(simd.i8x16_swizzle) }
  extract32(lane: number): this { return this.byte(0xfd).unsigned(0x1b).byte(lane) }
  replace32(lane: number): this { return this.byte(0xfd).unsigned(0x1c).byte(lane) }
  extract64(lane: number): this { return this.byte(0xfd).unsigned(0x1d).byte(lane) }
  replace64(lane: number): this { return this.byte(0xfd).unsigned(0x1e).byte(lane) }

  /** With its local declarations and length. */
  body(): Bytes {
    const body = new Bytes().unsigned(this.locals.length)
    for (const type of this.locals) body.unsigned(1).byte(type)
    body.append(this).byte(op.end)
    return new Bytes().unsigned(body.length).append(body)
  }
}

export interface ImportedFunction { readonly name: string; readonly params: readonly ValueType[]; readonly results: readonly ValueType[] }
/** Without a name it is called from within only. */
export interface ExportedFunction { readonly name: string | null; readonly code: Code; readonly results: readonly ValueType[] }

/** A module that imports `e.memory` (shared, or not, or null for none), constants `e.<global>` and functions `e.<name>` (indices from 0), and has its own after them. */
export function wasmModule(imports: readonly ImportedFunction[], functions: readonly ExportedFunction[], shared: boolean | null, globals: readonly string[] = []): Uint8Array {
  const section = (id: number, items: readonly Bytes[]) => {
    const content = new Bytes().unsigned(items.length)
    for (const item of items) content.append(item)
    return new Bytes().byte(id).unsigned(content.length).append(content)
  }
  const signature = (params: readonly ValueType[], results: readonly ValueType[]) => new Bytes().byte(0x60).unsigned(params.length).append(params).unsigned(results.length).append(results)
  const types = [...imports.map((f) => signature(f.params, f.results)), ...functions.map((f) => signature(f.code.params, f.results))]
  const imported = (name: string) => new Bytes().text('e').text(name)
  const memory = imported('memory').byte(0x02).byte(shared ? 3 : 0).unsigned(1)
  if (shared) memory.unsigned(65536)
  const memories = shared === null ? [] : [memory]
  const exported = functions.flatMap((f, i) => (f.name === null ? [] : [new Bytes().text(f.name).byte(0x00).unsigned(imports.length + i)]))
  return new Bytes()
    .append([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    .append(section(1, types))
    .append(section(2, [...memories, ...globals.map((name) => imported(name).byte(0x03).byte(I32).byte(0)), ...imports.map((f, i) => imported(f.name).byte(0x00).unsigned(i))]))
    .append(section(3, functions.map((_, i) => new Bytes().unsigned(imports.length + i))))
    .append(section(7, exported))
    .append(section(10, functions.map((f) => f.code.body())))
    .done()
}
