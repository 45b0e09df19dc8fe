// What nvcc's programs call without defining it: vprintf, __assertfail, malloc and free. One lane at a time.
import { GLOBAL_HIGH, LOCAL_HIGH, SHARED_HIGH, SHARED_OFFSET_MASK, type Warp } from '../machine.ts'
import type { DecodedFunction } from '../image.ts'
import { showAddress } from './addresses.ts'

/** One lane's arguments as unsigned integers; what it returns goes to the first result. */
export type SystemCall = (warp: Warp, lane: number, args: readonly bigint[], caller: DecodedFunction) => bigint

/** Linear offset of a generic address that one lane reads. */
function linearOf(w: Warp, lane: number, address: bigint, bytes: number): number {
  const [high, low] = [Number(address >> 32n), Number(address & 0xffffffffn)]
  const { memory } = w.machine
  if (high === GLOBAL_HIGH) { const a = memory.allocationAt(low); if (a && low + bytes <= a.start + a.bytes) return low }
  if (high === LOCAL_HIGH && low + bytes <= w.localStride) return w.localBase + lane * w.localStride + low
  const owner = high === SHARED_HIGH ? w.machine.sharedBlock(w.cta, low) : undefined
  if (owner && (low & SHARED_OFFSET_MASK) + bytes <= owner.sharedBytes) return owner.sharedBase + (low & SHARED_OFFSET_MASK)
  return w.machine.fault('illegal-address', `address ${showAddress(high, low)} (${bytes} bytes) is outside every live allocation`, w, lane)
}

const longest = 4096
function stringAt(w: Warp, lane: number, address: bigint): string {
  const bytes: number[] = []
  for (let i = 0n; bytes.length < longest; i++) {
    const byte = w.machine.memory.u8[linearOf(w, lane, address + i, 1)]
    if (byte === 0) break
    bytes.push(byte)
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

/** %[flags][width][.precision][length]conversion */
const conversion = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(hh|h|ll|l|z|j|t)?([diuoxXcsfFeEgGap%])/g

/** The text of one printf; `take` reads the next argument of so many bytes. */
function format(text: string, take: (bytes: 4 | 8) => bigint, string: (address: bigint) => string): { text: string; count: number } {
  let count = 0
  const out = text.replace(conversion, (_all, flags: string, w: string | undefined, p: string | undefined, length: string | undefined, kind: string) => {
    if (kind === '%') return '%'
    const number = (s: string | undefined) => (s === '*' ? Number(BigInt.asIntN(32, take(4))) : s === undefined ? undefined : Number(s || 0))
    const [width, precision] = [number(w), number(p)]
    count++
    return padded(convert(kind, flags, precision, length, take, string), flags, width ?? 0, /[diuoxXfFeEgGa]/.test(kind) && !(precision !== undefined && /[diuoxX]/.test(kind)))
  })
  return { text: out, count }
}

function convert(kind: string, flags: string, precision: number | undefined, length: string | undefined, take: (bytes: 4 | 8) => bigint, string: (address: bigint) => string): string {
  if (kind === 's') return string(take(8)).slice(0, precision)
  if (kind === 'c') return String.fromCharCode(Number(take(4) & 255n))
  if (kind === 'p') return `0x${take(8).toString(16)}`
  const sign = (negative: boolean) => (negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '')
  if (/[diuoxX]/.test(kind)) {
    const bits = length === 'hh' ? 8 : length === 'h' ? 16 : length ? 64 : 32
    const raw = take(bits === 64 ? 8 : 4)
    const value = /[di]/.test(kind) ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw)
    const base = kind === 'o' ? 8 : /[xX]/.test(kind) ? 16 : 10
    const digits = (value < 0n ? -value : value).toString(base).padStart(precision ?? 1, '0')
    const text = `${/[di]/.test(kind) ? sign(value < 0n) : flags.includes('#') && value ? (base === 16 ? '0x' : base === 8 ? '0' : '') : ''}${digits}`
    return kind === 'X' ? text.toUpperCase() : text
  }
  return real(kind, flags, precision ?? 6, new Float64Array(BigUint64Array.of(take(8)).buffer)[0], sign)
}

function real(kind: string, flags: string, precision: number, x: number, sign: (negative: boolean) => string): string {
  const negative = x < 0 || Object.is(x, -0)
  const exponent = (s: string) => s.replace(/e([-+])(\d)$/, 'e$10$2')
  const m = Math.abs(x)
  const finite = () => {
    if (/[fF]/.test(kind)) return m < 1e21 ? m.toFixed(Math.min(100, precision)) : `${BigInt(m)}${precision ? `.${'0'.repeat(precision)}` : ''}`
    if (/[eE]/.test(kind)) return exponent(m.toExponential(Math.min(100, precision)))
    if (kind === 'a') return hexadecimal(m)
    const p = Math.max(1, Math.min(100, precision))
    const e = m === 0 ? 0 : Number(m.toExponential(p - 1).split('e')[1])
    const text = e < -4 || e >= p ? exponent(m.toExponential(p - 1)) : m.toFixed(Math.max(0, p - 1 - e))
    return flags.includes('#') || !text.includes('.') ? text : text.replace(/\.?0+(e|$)/, '$1')
  }
  const text = sign(negative) + (Number.isNaN(x) ? 'nan' : m === Infinity ? 'inf' : finite())
  return /[FEG]/.test(kind) ? text.toUpperCase() : text
}

function hexadecimal(m: number): string {
  if (m === 0) return '0x0p+0'
  const bits = new BigUint64Array(Float64Array.of(m).buffer)[0]
  const field = Number(bits >> 52n)
  const digits = (bits & ((1n << 52n) - 1n)).toString(16).padStart(13, '0').replace(/0+$/, '')
  const e = Math.max(field, 1) - 1023
  return `0x${field ? 1 : 0}${digits ? `.${digits}` : ''}p${e < 0 ? '' : '+'}${e}`
}

function padded(text: string, flags: string, width: number, isNumber: boolean): string {
  if (flags.includes('-') || width < 0) return text.padEnd(Math.abs(width))
  if (!flags.includes('0') || !isNumber) return text.padStart(width)
  const head = /^[-+ ]?(?:0x)?/i.exec(text)![0]
  return head + text.slice(head.length).padStart(width - head.length, '0')
}

export const systemCalls: Readonly<Record<string, SystemCall>> = {
  vprintf(w, lane, [formatAt, at]) {
    const { data } = w.machine.memory
    let offset = 0n
    const take = (bytes: 4 | 8) => {
      offset = (offset + BigInt(bytes) - 1n) & -BigInt(bytes)
      const place = linearOf(w, lane, at + offset, bytes)
      offset += BigInt(bytes)
      return bytes === 4 ? BigInt(data.getUint32(place, true)) : data.getBigUint64(place, true)
    }
    const { text, count } = format(stringAt(w, lane, formatAt), take, (address) => stringAt(w, lane, address))
    w.machine.options.print?.(text)
    return BigInt(count)
  },
  __assertfail(w, lane, [message, file, line, name]) {
    return w.machine.fault('trap', `assertion "${stringAt(w, lane, message)}" failed at ${stringAt(w, lane, file)}:${line}, in ${stringAt(w, lane, name)}`, w, lane)
  },
  malloc(_w, _lane, [bytes], caller) {
    if (bytes === 0n || bytes > 0xffffffffn) return 0n
    return (BigInt(GLOBAL_HIGH) << 32n) | BigInt(caller.image.module.allocateHeap(Number(bytes)))
  },
  free(w, lane, [address], caller) {
    if (address !== 0n && (Number(address >> 32n) !== GLOBAL_HIGH || !caller.image.module.freeHeap(Number(address & 0xffffffffn)))) w.machine.fault('illegal-address', `free of 0x${address.toString(16)}, which malloc did not give`, w, lane)
    return 0n
  },
}
