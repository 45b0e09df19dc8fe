// Runs one launch of the case format "ptx-case/1": buffers, arguments, launch, comparison. No file access: the caller reads.
import type { Diagnostic } from './machine.ts'
import { Emulator, EmulatorFault, type SanitizerFactory } from './launch.ts'
import { LoadedModule } from './loader.ts'
import { GLOBAL_HIGH, type EmulatorOptions } from './machine.ts'
import { LinearMemory } from './memory.ts'
import { decodeFloat, formats } from './numeric/small_float.ts'
import { parsePtx } from './parser.ts'
import { encodeTensorMapOf, TensorMapError } from './tensor_map.ts'
import type { TensorMapSpec } from '../cuda/driver.ts'

export interface CaseBuffer { name: string; type: string; count?: number; bytes?: number; hex?: string; fill?: number }
export interface CaseExpect { buffer: string; type: string; hex: string; compare: 'bits' | 'numeric-equal' | 'close'; rtol?: number; atol?: number }
export type CaseArg = { ptr: string } | { i32: number } | { u32: number } | { f32: number } | { tensorMap: CaseTensorMap }
/** Arguments of cuTensorMapEncodeTiled; the tensor begins `byteOffset` into a buffer. */
export type CaseTensorMap = Omit<TensorMapSpec, 'address'> & { readonly buffer: string; readonly byteOffset?: number }
export interface PtxCase {
  name: string; ptx: string; kernel: string; grid: [number, number, number]; block: [number, number, number]; cluster?: [number, number, number] | null
  dynamicSharedBytes?: number; args: CaseArg[]; buffers: CaseBuffer[]; expected?: CaseExpect[]; expectDiagnostic?: string | null
}

/** A case that cannot be run: the message says which field, what it is and what it must be. */
export class CaseError extends Error { constructor(message: string) { super(message); this.name = 'CaseError' } }

export interface CaseResult {
  /** null without `expected`. */
  readonly equal: boolean | null
  /** One line per buffer that differs. */
  readonly differences: readonly string[]
  readonly diagnostics: readonly Diagnostic[]
  /** Diagnostics left out: repetitions, and those beyond the cap. */
  readonly dropped: number
  /** What ended the launch early, beside the sanitizer's diagnostics; without diagnostics a fault is thrown. */
  readonly fault: EmulatorFault | null
  readonly buffers: ReadonlyMap<string, Uint8Array>
  readonly threadInstructions: number
}

const typeSize: Readonly<Record<string, number>> = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8, f16: 2, bf16: 2, f32: 4, f64: 8 }

function fromHex(hex: string, what: string): Uint8Array {
  if (hex.length % 2 || /[^0-9a-fA-F]/.test(hex)) throw new CaseError(`${what}: hex must be pairs of hexadecimal digits`)
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

export function runCase(c: PtxCase, ptx: string, options: Partial<EmulatorOptions> = {}, createSanitizer?: SanitizerFactory): CaseResult {
  check(c)
  const memory = new LinearMemory()
  const loaded = new LoadedModule(parsePtx(ptx, c.ptx), memory)
  const emulator = new Emulator(memory, loaded, options, createSanitizer)
  const places = new Map(c.buffers.map((b) => [b.name, placeBuffer(memory, b)]))
  const shape = { grid: c.grid, block: c.block, cluster: c.cluster, dynamicSharedBytes: c.dynamicSharedBytes }
  let fault: EmulatorFault | null = null
  try { emulator.launch(c.kernel, shape, packArguments(c, loaded, places)) } catch (error) {
    if (!(error instanceof EmulatorFault) || emulator.diagnostics.length === 0) throw error
    fault = error
  }
  const buffers = new Map([...places].map(([name, p]) => [name, memory.u8.slice(p.at, p.at + p.bytes)]))
  const differences = fault ? [] : (c.expected ?? []).map((e) => compare(e, buffers.get(e.buffer))).filter((d) => d !== undefined)
  const equal = !c.expected ? null : fault === null && differences.length === 0
  return { equal, differences, diagnostics: emulator.diagnostics, dropped: emulator.sanitizer?.dropped ?? 0, fault, buffers, threadInstructions: emulator.executed }
}

/** The shapes that the rest relies on; what is in them is checked where it is used. */
function check(c: PtxCase): void {
  for (const key of ['grid', 'block', 'cluster'] as const) {
    const value: unknown = c[key]
    if (key === 'cluster' && value == null) continue
    if (!Array.isArray(value) || value.length !== 3 || !value.every((n) => Number.isInteger(n) && n >= 1)) throw new CaseError(`"${key}" is ${JSON.stringify(value)}, must be three whole numbers from 1 on`)
  }
  for (const key of ['args', 'buffers', 'expected'] as const) {
    const value: unknown = c[key]
    if (key === 'expected' && value === undefined) continue
    if (!Array.isArray(value) || !value.every((o) => typeof o === 'object' && o !== null)) throw new CaseError(`"${key}" must be a list of objects`)
  }
  const names = new Set<string>()
  for (const { name } of c.buffers) {
    if (names.has(name)) throw new CaseError(`there are two buffers ${name}`)
    names.add(name)
  }
}

interface Place { at: number; bytes: number }

function placeBuffer(memory: LinearMemory, b: CaseBuffer): Place {
  const data = b.hex === undefined ? undefined : fromHex(b.hex, `buffer ${b.name}`)
  const size = typeSize[b.type]
  if (size === undefined) throw new CaseError(`buffer ${b.name}: type ${b.type} must be one of ${Object.keys(typeSize).join(' ')}`)
  const bytes = b.bytes ?? data?.length ?? (b.count === undefined ? undefined : b.count * size)
  if (bytes === undefined) throw new CaseError(`buffer ${b.name}: needs bytes, count or hex`)
  if (data && data.length > bytes) throw new CaseError(`buffer ${b.name}: hex has ${data.length} bytes, the buffer ${bytes}`)
  const at = memory.allocate(bytes, b.name)
  if (data) memory.u8.set(data, at)
  else memory.u8.fill(b.fill ?? 0, at, at + bytes)
  return { at, bytes }
}

function packArguments(c: PtxCase, loaded: LoadedModule, places: ReadonlyMap<string, Place>): Uint8Array {
  const { params, bytes: total } = loaded.parametersOf(c.kernel)
  if (params.length !== c.args.length) throw new CaseError(`${c.args.length} arguments, kernel ${c.kernel} has ${params.length} parameters`)
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  c.args.forEach((arg, i) => {
    const { offset: at, name } = params[i]
    const need = (size: number) => { if (params[i].bytes !== size) throw new CaseError(`argument ${i} has ${size} bytes, parameter ${name} ${params[i].bytes}`) }
    const placeOf = (buffer: string) => places.get(buffer) ?? fail(`argument ${i}: there is no buffer ${buffer}`)
    if ('ptr' in arg) {
      // A 32-bit kernel's pointers are the low words.
      const flat = loaded.ptx.addressSize === 32 && params[i].bytes === 4
      need(flat ? 4 : 8)
      view.setUint32(at, placeOf(arg.ptr).at, true)
      if (flat) return
      view.setUint32(at + 4, GLOBAL_HIGH, true)
    } else if ('i32' in arg) { need(4); view.setInt32(at, arg.i32, true) } else if ('u32' in arg) { need(4); view.setUint32(at, arg.u32, true) }
    else if ('f32' in arg) { need(4); view.setFloat32(at, arg.f32, true) } else if ('tensorMap' in arg) {
      need(128)
      bytes.set(packTensorMap(arg.tensorMap, i, loaded, placeOf), at)
    } else throw new CaseError(`argument ${i} is ${JSON.stringify(arg)}, must be one of ptr i32 u32 f32 tensorMap`)
  })
  return bytes
}

const fail = (message: string): never => { throw new CaseError(message) }

function packTensorMap(map: CaseTensorMap, index: number, { memory }: LoadedModule, placeOf: (buffer: string) => Place): Uint8Array {
  if (typeof map !== 'object' || map === null) return fail(`argument ${index}: tensorMap must be an object`)
  const { at } = placeOf(map.buffer)
  const { byteOffset = 0 } = map
  if (!Number.isInteger(byteOffset) || byteOffset < 0) return fail(`argument ${index}: tensorMap.byteOffset is ${JSON.stringify(byteOffset)}; it must be a whole number from 0 on`)
  try { return encodeTensorMapOf(memory, { ...map, address: GLOBAL_HIGH * 2 ** 32 + at + byteOffset }) } catch (error) {
    if (error instanceof TensorMapError) return fail(`argument ${index}: ${error.message}`)
    throw error
  }
}

function decode(view: DataView, at: number, type: string): number | bigint {
  switch (type) {
    case 'u8': return view.getUint8(at)
    case 'i8': return view.getInt8(at)
    case 'u16': return view.getUint16(at, true)
    case 'i16': return view.getInt16(at, true)
    case 'u32': return view.getUint32(at, true)
    case 'i32': return view.getInt32(at, true)
    case 'u64': return view.getBigUint64(at, true)
    case 'i64': return view.getBigInt64(at, true)
    case 'f64': return view.getFloat64(at, true)
    case 'f32': return view.getFloat32(at, true)
    case 'bf16': return decodeFloat(view.getUint16(at, true), formats.bf16)
    case 'f16': return decodeFloat(view.getUint16(at, true), formats.f16)
    default: throw new CaseError(`type ${type} must be one of ${Object.keys(typeSize).join(' ')}`)
  }
}

/** A line that names the first differing element, or undefined. */
function compare(e: CaseExpect, got: Uint8Array | undefined): string | undefined {
  if (!got) throw new CaseError(`expected: there is no buffer ${e.buffer}`)
  const want = fromHex(e.hex, `expected ${e.buffer}`)
  if (want.length !== got.length) return `${e.buffer}: ${got.length} bytes, expected ${want.length}`
  const size = typeSize[e.type]
  const [a, b] = [new DataView(got.buffer, got.byteOffset, got.length), new DataView(want.buffer)]
  for (let at = 0; at + size <= want.length; at += size) {
    const same = got.subarray(at, at + size).every((x, i) => x === want[at + i])
    if (e.compare === 'bits' ? same : agrees(decode(a, at, e.type), decode(b, at, e.type), e)) continue
    return `${e.buffer}[${at / size}] is ${decode(a, at, e.type)}, expected ${decode(b, at, e.type)} (${e.compare})`
  }
  return undefined
}

function agrees(got: number | bigint, want: number | bigint, e: CaseExpect): boolean {
  if (e.compare === 'numeric-equal' || typeof got === 'bigint') return got === want
  if (Number.isNaN(got) && Number.isNaN(want)) return true
  return got === want || Math.abs(got - Number(want)) <= (e.atol ?? 0) + (e.rtol ?? 0) * Math.abs(Number(want))
}
