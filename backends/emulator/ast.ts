// What the parser makes of a PTX file: names resolved to variables, labels to statement indices. Parsing checks syntax and
// declarations; which modifiers an instruction may have is checked when its chapter (isa/) decodes it.

/** 1-based. */
export interface Position { readonly line: number; readonly column: number }

/** Without the dot: `u32`, `f16x2`, `e4m3x2`, `b128`, `pred`. */
export type TypeName = string
export type Space = 'reg' | 'global' | 'const' | 'shared' | 'local' | 'param'

export interface Variable {
  readonly space: Space
  readonly type: TypeName
  /** 1, 2 or 4: `.v4 .f32`. */
  readonly vector: number
  readonly name: string
  /** Array extents; [] is a scalar, [0] an unsized extern array. */
  readonly dims: readonly number[]
  /** Bytes of one element (vector included) and of the whole; 0 for predicates and unsized arrays. */
  readonly elementBytes: number
  readonly bytes: number
  readonly align: number
  /** Constant contents, little-endian, with addresses to be filled in when the module is loaded; null: zero. */
  readonly init: Initializer | null
  readonly linking: 'extern' | 'visible' | 'weak' | 'common' | null
  readonly at: Position
}
export interface Initializer {
  readonly bytes: Uint8Array
  /** At `offset` stands the address of `target` + `addend` (`generic`: as a generic address; `mask`: one byte of it, shifted). */
  readonly relocations: readonly { offset: number; bytes: number; target: string; addend: number; generic: boolean; shift?: number }[]
}

export type Operand =
  /** A register, or one component (.x = 0 ...) of a vector register. `negate`: `!%p`; `minus` is never used: PTX has no -reg. */
  | { readonly kind: 'reg'; readonly variable: Variable; readonly component: number | null; readonly negate: boolean; readonly at: Position }
  /** An integer constant, as a 64-bit two's complement pattern (BigInt.asIntN(64)). */
  | { readonly kind: 'int'; readonly value: bigint; readonly at: Position }
  /** 0f3F800000 (bits 32), 0d... or a decimal (bits 64). `value` is the number; `pattern` its bits. */
  | { readonly kind: 'float'; readonly bits: 32 | 64; readonly pattern: bigint; readonly value: number; readonly at: Position }
  /** %tid.x, %laneid, %clock64, WARP_SZ (name without component; x=0, y=1, z=2, w=3). */
  | { readonly kind: 'special'; readonly name: string; readonly component: number | null; readonly at: Position }
  /** The address of a variable, `sym` or `sym+8`; `indexed`: as `sym[2]`, which ld and st take like `[sym+2]`. */
  | { readonly kind: 'symbol'; readonly variable: Variable; readonly offset: number; readonly indexed?: boolean; readonly at: Position }
  | { readonly kind: 'function'; readonly name: string; readonly at: Position }
  | { readonly kind: 'label'; readonly name: string; readonly target: number; readonly at: Position }
  /** `[base + offset]`; base null is an absolute address; `[sym][2]` becomes an offset. */
  | { readonly kind: 'address'; readonly base: Operand | null; readonly offset: bigint; readonly at: Position }
  /** `[map, {c0, c1}]`, also `[map, {c..}, ...]` : base in `map`, the rest in `coordinates`. */
  | { readonly kind: 'tensor'; readonly map: Operand; readonly coordinates: readonly Operand[]; readonly at: Position }
  | { readonly kind: 'vector'; readonly elements: readonly Operand[]; readonly at: Position }
  /** `%r1|%p1` */
  | { readonly kind: 'pair'; readonly first: Operand; readonly second: Operand; readonly at: Position }
  /** `_` */
  | { readonly kind: 'sink'; readonly at: Position }
  /** `( %r1, %r2 )` of call. */
  | { readonly kind: 'list'; readonly elements: readonly Operand[]; readonly at: Position }

export interface Statement {
  /** `add` */
  readonly opcode: string
  /** In order, without dots, `::` kept: ['rn', 'ftz', 'f32'], ['async', 'bulk', 'shared::cluster', 'global', 'mbarrier::complete_tx::bytes']. */
  readonly modifiers: readonly string[]
  readonly guard: { readonly variable: Variable; readonly negate: boolean } | null
  readonly operands: readonly Operand[]
  readonly at: Position
  /** Source line of `.loc`, when the file has them. */
  readonly source: { readonly file: string; readonly line: number } | null
}

export interface PtxFunction {
  readonly kind: 'entry' | 'func'
  readonly name: string
  readonly returns: readonly Variable[]
  readonly params: readonly Variable[]
  /** null: a declaration only. */
  readonly body: Body | null
  readonly directives: Directives
  readonly linking: Variable['linking']
  readonly at: Position
}
export interface Directives {
  readonly maxntid?: readonly number[]; readonly reqntid?: readonly number[]; readonly minnctapersm?: number; readonly maxnreg?: number
  readonly reqnctapercluster?: readonly number[]; readonly explicitcluster?: boolean; readonly maxclusterrank?: number; readonly noreturn?: boolean
}
export interface Body {
  /** All variables of all nested scopes, registers included; two scopes may hold the same name, so compare by identity. */
  readonly variables: readonly Variable[]
  readonly statements: readonly Statement[]
  /** First statement of each label; a label at the end has index statements.length. */
  readonly labels: ReadonlyMap<string, number>
  /** .branchtargets / .calltargets / .callprototype tables by name. */
  readonly branchTables: ReadonlyMap<string, readonly number[]>
  readonly callTargets: ReadonlyMap<string, readonly string[]>
  readonly callPrototypes: ReadonlyMap<string, { readonly returns: readonly Variable[]; readonly params: readonly Variable[] }>
}
export interface PtxModule {
  readonly file: string
  readonly version: readonly [major: number, minor: number]
  /** `sm_90a` and further options (`debug`, `texmode_independent`). */
  readonly target: string
  readonly targetOptions: readonly string[]
  readonly addressSize: 32 | 64
  readonly globals: readonly Variable[]
  readonly functions: ReadonlyMap<string, PtxFunction>
}

/** Message without place; `toString` gives `file:line:column: message`. */
export class PtxError extends Error {
  constructor(readonly file: string, readonly at: Position, readonly problem: string) {
    super(`${file}:${at.line}:${at.column}: ${problem}`)
    this.name = 'PtxError'
  }
}
