// Whether accesses lie inside live allocations and inside the local memory of the functions that run.
import type { Activation } from '../frames.ts'
import { showAddress } from '../isa/addresses.ts'
import { GLOBAL_HIGH, type Warp } from '../machine.ts'
import type { Reports } from './reports.ts'

export function outOfBounds(reports: Reports, warp: Warp, lane: number, space: 'global' | 'shared' | 'local', address: string, bytes: number, near: string): void {
  const size = space === 'shared' ? ` of ${warp.cta.sharedBytes} bytes` : ''
  reports.add(`${space}-out-of-bounds`, warp, lane, address, space === 'global' ? `${bytes} bytes outside every live allocation${near}` : `${bytes} bytes outside ${space} memory${size}${near}`, null, '')
}

/** The lanes whose place is in a live allocation. */
export function insideGlobal(reports: Reports, warp: Warp, mask: number, linear: Uint32Array, bytes: number): number {
  const { memory } = warp.machine
  let start = 1, last = 0, allowed = mask
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    const place = linear[lane]
    if (place >= start && place <= last) continue
    const a = memory.allocationAt(place)
    if (a === undefined || place + bytes > a.start + a.bytes) {
      allowed &= ~(1 << lane)
      const near = a ?? [1, 64, 256].map((n) => memory.allocationAt(place - n)).find((x) => x !== undefined)
      const beyond = near === undefined ? '' : `, ${place - near.start - near.bytes} bytes behind the end of ${near.what}, which has ${near.bytes} bytes at ${showAddress(GLOBAL_HIGH, near.start)}`
      outOfBounds(reports, warp, lane, 'global', showAddress(GLOBAL_HIGH, place), bytes, beyond)
      continue
    }
    start = a.start
    last = a.start + a.bytes - bytes
  }
  return allowed
}

/** The lanes whose place is in local memory that the running function, or one it was called from, declares. */
export function insideLocal(reports: Reports, warp: Warp, mask: number, linear: Uint32Array, bytes: number): number {
  const frame = warp.frame as Activation
  const end = frame.localBase + frame.fn.local.bytes
  let allowed = mask
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    const inside = linear[lane] - warp.localBase - lane * warp.localStride
    if (inside + bytes <= end) continue
    allowed &= ~(1 << lane)
    outOfBounds(reports, warp, lane, 'local', `0x${inside.toString(16)}`, bytes, ` of ${end} bytes`)
  }
  return allowed
}
