// Tensor maps (CUtensorMap): the emulator's own 128 bytes. A map is made from what cuTensorMapEncodeTiled takes, with the limits
// that its documentation states, and read back by the copies. How the hardware lays out its bits is no public matter.
import type { TensorMapSpec } from '../cuda/driver.ts'
import { GLOBAL_HIGH, type Memory } from './machine.ts'

export const tensorMapBytes = 128
/** Where a map may lie: a multiple of it. */
export const tensorMapAlign = 64

/** By CUtensorMapDataType. `unit`: bytes of an element. */
export const dataTypes = [
  { name: 'UINT8', unit: 1, float: false }, { name: 'UINT16', unit: 2, float: false }, { name: 'UINT32', unit: 4, float: false },
  { name: 'INT32', unit: 4, float: false }, { name: 'UINT64', unit: 8, float: false }, { name: 'INT64', unit: 8, float: false },
  { name: 'FLOAT16', unit: 2, float: true }, { name: 'FLOAT32', unit: 4, float: true }, { name: 'FLOAT64', unit: 8, float: true },
  { name: 'BFLOAT16', unit: 2, float: true }, { name: 'FLOAT32_FTZ', unit: 4, float: true }, { name: 'TFLOAT32', unit: 4, float: true },
  { name: 'TFLOAT32_FTZ', unit: 4, float: true },
] as const
export type TensorDataType = typeof dataTypes[number]['name']
const typeNames: readonly string[] = dataTypes.map((t) => t.name)
const swizzles = ['NONE', '32B', '64B', '128B'] as const
const interleaves = ['NONE', '16B', '32B'] as const
const oobFills = ['NONE', 'NAN_REQUEST_ZERO_FMA'] as const
const l2Promotions = ['NONE', 'L2_64B', 'L2_128B', 'L2_256B'] as const
const onlyBlackwell = ['16U4_ALIGN8B', '16U4_ALIGN16B', '16U6_ALIGN16B', '128B_ATOM_32B', '128B_ATOM_32B_FLIP_8B', '128B_ATOM_64B', '96B']

/** A map as the copies use it: lists have `rank` entries, the innermost dimension first. */
export interface TensorMap {
  readonly type: typeof dataTypes[number]
  readonly rank: number
  /** The tensor's first byte: the low half is its linear offset if the high half is that of global addresses. */
  readonly low: number
  readonly high: number
  readonly dims: readonly number[]
  /** Bytes from one index to the next. */
  readonly strides: readonly number[]
  readonly box: readonly number[]
  readonly elementStrides: readonly number[]
  /** Swizzle<bits, 4, 3>: 0 none, 1 in 32 bytes, 2 in 64, 3 in 128. */
  readonly swizzle: number
  readonly oobNan: boolean
}

// The bytes, all little-endian. Whatever else there is stays zero.
const magic = [0x74666557, 0x31504d54] as const // "WeftTMP1"
const at = { address: 8, dims: 16, strides: 40, box: 72, elementStrides: 82, type: 87, rank: 88, swizzle: 89, interleave: 90, oob: 91 } as const

/** What is wrong with a map, in terms of its fields. */
export class TensorMapError extends Error { constructor(message: string) { super(message); this.name = 'TensorMapError' } }
const refuse = (message: string): never => { throw new TensorMapError(`tensorMap.${message}`) }

function indexIn(names: readonly string[], value: unknown, field: string): number {
  const index = names.indexOf(value as string)
  if (index >= 0) return index
  const later = onlyBlackwell.includes(value as string) ? ', which needs sm_100' : ''
  return refuse(`${field} is ${JSON.stringify(value)}${later}; it must be one of ${names.join(' ')}`)
}

/** A list of `count` whole numbers from `least` to `most`, each a multiple of `step`. */
function list(value: unknown, field: string, count: number, least: number, most: number, step = 1): readonly number[] {
  if (!Array.isArray(value) || value.length !== count) return refuse(`${field} is ${JSON.stringify(value)}; it must have ${count} entries`)
  value.forEach((n: unknown, i) => {
    if (!Number.isInteger(n) || (n as number) < least || (n as number) > most) refuse(`${field}[${i}] is ${JSON.stringify(n)}; it must be a whole number from ${least} to ${most}`)
    if ((n as number) % step !== 0) refuse(`${field}[${i}] is ${n as number}; it must be a multiple of ${step}`)
  })
  return value as number[]
}

/** The map's bytes; throws a TensorMapError that names field, value and rule. */
export function encodeTensorMap(spec: TensorMapSpec): Uint8Array {
  const type = indexIn(typeNames, spec.dataType, 'dataType')
  const { unit, float } = dataTypes[type]
  const rank: unknown = spec.rank ?? (Array.isArray(spec.globalDim) ? spec.globalDim.length : undefined)
  if (!Number.isInteger(rank) || (rank as number) < 1 || (rank as number) > 5) return refuse(`rank is ${JSON.stringify(rank)}; it must be 1 to 5`)
  const n = rank as number
  const interleave = indexIn(interleaves, spec.interleave ?? 'NONE', 'interleave')
  if (interleave !== 0) return refuse(`interleave is ${spec.interleave}; interleaved layouts are not emulated, it must be NONE`)
  const swizzle = indexIn(swizzles, spec.swizzle ?? 'NONE', 'swizzle')
  const oob = indexIn(oobFills, spec.oobFill ?? 'NONE', 'oobFill')
  indexIn(l2Promotions, spec.l2Promotion ?? 'NONE', 'l2Promotion')
  if (oob !== 0 && !float) refuse(`oobFill is ${spec.oobFill}; ${spec.dataType} has no NaN, it must be NONE`)
  if (!Number.isSafeInteger(spec.address) || spec.address < 0) refuse(`address is ${spec.address}; it must be a device address`)
  if (spec.address % 16 !== 0) refuse(`address is 0x${spec.address.toString(16)}; it must be a multiple of 16`)
  const dims = list(spec.globalDim, 'globalDim', n, 1, 2 ** 32)
  const strides = list(spec.globalStrides ?? [], 'globalStrides', n - 1, 0, 2 ** 40 - 16, 16)
  const box = list(spec.boxDim, 'boxDim', n, 1, 256)
  const elementStrides = list(spec.elementStrides ?? box.map(() => 1), 'elementStrides', n, 1, 8)
  checkBox(box, unit, swizzle)
  return written({ type, rank: n, swizzle, interleave, oob, address: spec.address, dims, strides, box, elementStrides })
}

function checkBox(box: readonly number[], unit: number, swizzle: number): void {
  const inner = box[0] * unit
  if (inner % 16 !== 0) refuse(`boxDim[0] is ${box[0]} elements of ${unit} bytes, ${inner} bytes; they must be a multiple of 16`)
  if (swizzle !== 0 && inner > 16 << swizzle) refuse(`boxDim[0] is ${box[0]} elements of ${unit} bytes, ${inner} bytes; with swizzle ${swizzles[swizzle]} they must be at most ${16 << swizzle}`)
}

interface Fields {
  type: number; rank: number; swizzle: number; interleave: number; oob: number; address: number
  dims: readonly number[]; strides: readonly number[]; box: readonly number[]; elementStrides: readonly number[]
}

function written(f: Fields): Uint8Array {
  const bytes = new Uint8Array(tensorMapBytes)
  const view = new DataView(bytes.buffer)
  magic.forEach((word, i) => view.setUint32(4 * i, word, true))
  view.setBigUint64(at.address, BigInt(f.address), true)
  f.dims.forEach((d, i) => view.setUint32(at.dims + 4 * i, d - 1, true))
  f.strides.forEach((s, i) => view.setBigUint64(at.strides + 8 * i, BigInt(s), true))
  f.box.forEach((b, i) => view.setUint16(at.box + 2 * i, b, true))
  f.elementStrides.forEach((s, i) => view.setUint8(at.elementStrides + i, s))
  for (const key of ['type', 'rank', 'swizzle', 'interleave', 'oob'] as const) view.setUint8(at[key], f[key])
  return bytes
}

/** encodeTensorMap for a tensor in emulated memory: all of it must lie in one allocation. */
export function encodeTensorMapOf(memory: Memory, spec: TensorMapSpec): Uint8Array {
  const bytes = encodeTensorMap(spec)
  const { unit } = dataTypes[typeNames.indexOf(spec.dataType)]
  const extent = spec.globalDim.reduce((sum, d, i) => sum + (i === 0 ? d * unit : (d - 1) * spec.globalStrides[i - 1]), 0)
  const place = spec.address - GLOBAL_HIGH * 2 ** 32
  const allocation = memory.allocationAt(place)
  if (!allocation) return refuse(`address is 0x${spec.address.toString(16)}; it is outside every live allocation`)
  const left = allocation.start + allocation.bytes - place
  if (extent > left) refuse(`globalDim is [${spec.globalDim.join(', ')}] with globalStrides [${spec.globalStrides?.join(', ') ?? ''}], ${extent} bytes; buffer ${allocation.what} has ${left} from there on`)
  return bytes
}

/** Reads the map at a linear offset that is a multiple of 4; a message when there is none, or one that no copy can use. */
export function decodeTensorMap({ u32, u16, u8 }: Memory, place: number): TensorMap | string {
  const word = place >> 2
  if (u32[word] !== magic[0] || u32[word + 1] !== magic[1]) return 'not a tensor map'
  const type = dataTypes[u8[place + at.type]]
  const rank = u8[place + at.rank]
  if (type === undefined || rank < 1 || rank > 5) return `not a tensor map: type ${u8[place + at.type]}, rank ${rank}`
  if (u8[place + at.interleave] !== 0) return 'a tensor map with interleaved layout, which is not emulated'
  const [dims, strides, box, elementStrides]: number[][] = [[], [type.unit], [], []]
  for (let i = 0; i < rank; i++) {
    dims.push(u32[word + at.dims / 4 + i] + 1)
    box.push(u16[(place + at.box) / 2 + i])
    // The innermost dimension has no steps.
    elementStrides.push(i === 0 ? 1 : u8[place + at.elementStrides + i])
    if (i > 0) strides.push(u32[word + at.strides / 4 + 2 * i - 2] + 2 ** 32 * u32[word + at.strides / 4 + 2 * i - 1])
  }
  if (box.includes(0) || elementStrides.includes(0)) return `a tensor map that is none: its box is [${box.join(', ')}], its element strides [${elementStrides.join(', ')}]`
  const odd = strides.findIndex((s, i) => i > 0 && s % 16 !== 0)
  if (odd > 0) return `a tensor map that is none: its stride ${odd - 1} is ${strides[odd]}, no multiple of 16`
  const swizzle = u8[place + at.swizzle]
  // tensormap.replace changes one field after the other: only now do they have to fit each other.
  try { checkBox(box, type.unit, swizzle) } catch (error) { return `a tensor map that is none: ${(error as Error).message}` }
  return { type, rank, low: u32[word + at.address / 4], high: u32[word + at.address / 4 + 1], dims, strides, box, elementStrides, swizzle, oobNan: u8[place + at.oob] !== 0 }
}

/** Why a copy cannot use the tensor's address, or undefined. */
export function misplaced(map: TensorMap, memory: Memory): string | undefined {
  const address = `0x${((BigInt(map.high) << 32n) | BigInt(map.low)).toString(16)}`
  if (map.low % 16 !== 0) return `a tensor map whose address ${address} is no multiple of 16`
  return map.high === GLOBAL_HIGH && memory.allocationAt(map.low) ? undefined : `a tensor map whose address ${address} is outside every live allocation`
}

/** Codes of tensormap.replace for element types, from 8 on unlike the driver's (PTX ISA 9.7.9.28, table of new values). */
const replaceTypes: readonly TensorDataType[] = ['UINT8', 'UINT16', 'UINT32', 'INT32', 'UINT64', 'INT64', 'FLOAT16', 'FLOAT32', 'FLOAT32_FTZ', 'FLOAT64', 'BFLOAT16', 'TFLOAT32', 'TFLOAT32_FTZ']

export type ReplaceField = 'global_address' | 'rank' | 'box_dim' | 'global_dim' | 'global_stride' | 'element_stride' | 'elemtype' | 'interleave_layout' | 'swizzle_mode' | 'fill_mode'
/** Entries of a field, and its largest value; the last four take an immediate. */
export const replaceFields: Readonly<Record<ReplaceField, { readonly entries: number; readonly most: number; readonly immediate: boolean }>> = {
  global_address: { entries: 1, most: Infinity, immediate: false }, rank: { entries: 1, most: 4, immediate: false },
  box_dim: { entries: 5, most: 256, immediate: false }, global_dim: { entries: 5, most: 2 ** 32 - 1, immediate: false },
  global_stride: { entries: 4, most: 2 ** 40 - 16, immediate: false }, element_stride: { entries: 5, most: 8, immediate: false },
  elemtype: { entries: 1, most: replaceTypes.length - 1, immediate: true }, interleave_layout: { entries: 1, most: 2, immediate: true },
  swizzle_mode: { entries: 1, most: 3, immediate: true }, fill_mode: { entries: 1, most: 1, immediate: true },
}

/** Whether there is a map to change at a linear offset: 128 zeros become one, as programs make maps from nothing. */
export function adoptTensorMap({ u32 }: Memory, place: number): boolean {
  const word = place >> 2
  if (u32[word] === magic[0] && u32[word + 1] === magic[1]) return true
  for (let i = 0; i < tensorMapBytes / 4; i++) if (u32[word + i] !== 0) return false
  magic.forEach((m, i) => { u32[word + i] = m })
  return true
}

/** Changes one field of the map at a linear offset. */
export function replaceField(memory: Memory, place: number, field: ReplaceField, ordinal: number, low: number, high: number): void {
  const { u32, u16, u8 } = memory
  const pair = (offset: number) => { u32[(place + offset) >> 2] = low; u32[((place + offset) >> 2) + 1] = high }
  switch (field) {
    case 'global_address': pair(at.address); break
    case 'global_stride': pair(at.strides + 8 * ordinal); break
    case 'rank': u8[place + at.rank] = low + 1; break
    case 'global_dim': u32[(place + at.dims + 4 * ordinal) >> 2] = low - 1; break
    case 'box_dim': u16[(place + at.box + 2 * ordinal) >> 1] = low; break
    case 'element_stride': u8[place + at.elementStrides + ordinal] = low; break
    case 'elemtype': u8[place + at.type] = typeNames.indexOf(replaceTypes[low]); break
    case 'interleave_layout': u8[place + at.interleave] = low; break
    case 'swizzle_mode': u8[place + at.swizzle] = low; break
    case 'fill_mode': u8[place + at.oob] = low; break
  }
}
