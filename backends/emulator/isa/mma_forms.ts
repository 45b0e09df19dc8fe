// Which shapes and types mma.sync, mma.sp and wmma.mma of a warp have, since when. (PTX ISA 9.7.14.1; ptxas decides)
import type { DecodeContext } from '../decode.ts'
import { elementBits, type ElementName } from '../products/elements.ts'
import { since } from './free_modifiers.ts'
import { shapeOf, type Shape } from './matrix_sync.ts'

export type OperandType = ElementName | 'f64' | 'b1'
export type ResultType = 'f32' | 'f16' | 's32' | 'f64'
/** Types of A and B that go with each other, and those of the result. */
const families: Readonly<Record<string, { readonly operands: readonly OperandType[]; readonly results: readonly ResultType[]; readonly mixed: boolean }>> = {
  f16: { operands: ['f16'], results: ['f32', 'f16'], mixed: false },
  bf16: { operands: ['bf16'], results: ['f32'], mixed: false },
  tf32: { operands: ['tf32'], results: ['f32'], mixed: false },
  f64: { operands: ['f64'], results: ['f64'], mixed: false },
  fp8: { operands: ['e4m3', 'e5m2'], results: ['f32', 'f16'], mixed: true },
  int8: { operands: ['s8', 'u8'], results: ['s32'], mixed: true },
  int4: { operands: ['s4', 'u4'], results: ['s32'], mixed: true },
  b1: { operands: ['b1'], results: ['s32'], mixed: false },
}

/** Shapes of one family from a PTX version and a target on. */
interface Form { readonly shapes: readonly string[]; readonly family: keyof typeof families; readonly version: number; readonly sm: number }
export const denseForms: readonly Form[] = [
  { shapes: ['m8n8k4'], family: 'f16', version: 6.4, sm: 70 }, { shapes: ['m16n8k8'], family: 'f16', version: 6.5, sm: 75 }, { shapes: ['m16n8k16'], family: 'f16', version: 7.0, sm: 80 },
  { shapes: ['m16n8k8', 'm16n8k16'], family: 'bf16', version: 7.0, sm: 80 }, { shapes: ['m16n8k4', 'm16n8k8'], family: 'tf32', version: 7.0, sm: 80 },
  { shapes: ['m8n8k4'], family: 'f64', version: 7.0, sm: 80 }, { shapes: ['m16n8k4', 'm16n8k8', 'm16n8k16'], family: 'f64', version: 7.8, sm: 90 },
  { shapes: ['m16n8k32'], family: 'fp8', version: 8.4, sm: 89 }, { shapes: ['m16n8k16'], family: 'fp8', version: 8.7, sm: 89 },
  { shapes: ['m8n8k16'], family: 'int8', version: 6.5, sm: 75 }, { shapes: ['m16n8k16', 'm16n8k32'], family: 'int8', version: 7.0, sm: 80 },
  { shapes: ['m8n8k32'], family: 'int4', version: 6.5, sm: 75 }, { shapes: ['m16n8k32', 'm16n8k64'], family: 'int4', version: 7.0, sm: 80 },
  { shapes: ['m8n8k128'], family: 'b1', version: 7.0, sm: 75 }, { shapes: ['m16n8k128', 'm16n8k256'], family: 'b1', version: 7.0, sm: 80 },
]
export const sparseForms: readonly Form[] = [
  { shapes: ['m16n8k16', 'm16n8k32'], family: 'f16', version: 7.1, sm: 80 }, { shapes: ['m16n8k16', 'm16n8k32'], family: 'bf16', version: 7.1, sm: 80 },
  { shapes: ['m16n8k8', 'm16n8k16'], family: 'tf32', version: 7.1, sm: 80 }, { shapes: ['m16n8k32', 'm16n8k64'], family: 'int8', version: 7.1, sm: 80 },
  { shapes: ['m16n8k64', 'm16n8k128'], family: 'int4', version: 7.1, sm: 80 }, { shapes: ['m16n8k64'], family: 'fp8', version: 8.4, sm: 89 },
]

export interface Multiplied { readonly shape: Shape; readonly d: ResultType; readonly a: OperandType; readonly b: OperandType; readonly c: ResultType; readonly family: string }

/** The form with these types and this shape, or an error that says what there is. */
export function formOf(ctx: DecodeContext, what: string, forms: readonly Form[], shapeName: string | undefined, types: readonly string[]): Multiplied {
  const shape = shapeOf(ctx, shapeName)
  const [d, a, b, c, more] = types
  if (c === undefined || more !== undefined) ctx.error(`${what} names four types: of D, A, B and C`)
  const family = Object.keys(families).find((f) => (families[f].operands as readonly string[]).includes(a))
  const own = family === undefined ? undefined : families[family]
  const fine = own !== undefined && (own.operands as readonly string[]).includes(b) && (own.mixed || a === b) && (own.results as readonly string[]).includes(d) && (own.results as readonly string[]).includes(c)
  if (!fine) return ctx.error(`${what}.${types.join('.')}: types that do not go together`)
  const form = forms.find((f) => f.family === family && f.shapes.includes(shapeName!))
  if (!form) return ctx.error(`${what} of .${a} has no shape .${shapeName}; it has ${forms.filter((f) => f.family === family).flatMap((f) => f.shapes).map((s) => `.${s}`).join(' ') || 'none'}`)
  since(ctx, `${what}.${shapeName} of .${a}`, form.version, form.sm)
  if (family === 'fp8' && d === 'f16' && forms === sparseForms) ctx.error(`${what} of .${a} with .f16 needs sm_120`)
  if (family === 'fp8' && d === 'f16') since(ctx, `${what} of .${a} with .f16`, 8.7)
  return { shape, d: d as ResultType, a: a as OperandType, b: b as OperandType, c: c as ResultType, family: family! }
}

export const bitsOfType = (type: OperandType): number => (type === 'f64' ? 64 : type === 'b1' ? 1 : elementBits[type])
export const operandTypes: readonly string[] = [...Object.keys(elementBits), 'f64', 'b1', 'f32', 's32']
