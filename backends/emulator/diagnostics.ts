// What ends a launch early, and how a place in it is told.
import { coordinates, type Triple } from './dims.ts'
import type { Diagnostic, FaultKind, FaultTarget, Machine, Warp } from './machine.ts'

/** Where a thread was when it failed; `thread` is its linear index in the block. */
export interface FaultPlace { readonly file: string; readonly line: number; readonly column: number; readonly block: readonly [number, number, number]; readonly thread: number | null }

/** A fault of the kernel: the launch ended there. `target`: of an access. */
export class EmulatorFault extends Error {
  constructor(readonly kind: FaultKind, message: string, readonly place: FaultPlace | null = null, readonly target: FaultTarget | null = null) { super(message); this.name = 'EmulatorFault' }
}

/** A fault with the instruction that runs and, if known, its thread. */
export function faultOf(machine: Machine, kind: FaultKind, message: string, warp?: Warp, lane?: number, target: FaultTarget | null = null): EmulatorFault {
  if (!warp) return new EmulatorFault(kind, message)
  const { file } = machine.module
  const { name, statement: { at } } = warp.current
  const thread = lane === undefined ? null : warp.index * 32 + lane
  const who = `, block (${warp.cta.id.join(', ')})${thread === null ? '' : `, thread ${thread}`}`
  return new EmulatorFault(kind, `${file}:${at.line}:${at.column}: ${name}: ${message}${who}`, { file, ...at, block: warp.cta.id, thread }, target)
}

/** Coordinates of a lane's thread in its block. */
export const threadOf = (warp: Warp, lane: number): Triple => coordinates(warp.index * 32 + lane, warp.cta.launch.block)

export const showLanes = (mask: number): string => `0x${(mask >>> 0).toString(16)}`

export function popcount(mask: number): number {
  let n = mask - ((mask >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

export const lowestLane = (mask: number): number => 31 - Math.clz32(mask & -mask)

/** One line for a reader. */
export function sayDiagnostic(d: Diagnostic): string {
  const address = d.address === null ? '' : `, address ${d.address}`
  return `${d.class}: ${d.file}:${d.at.line}:${d.at.column}: ${d.message}, block (${d.block.join(', ')}), thread (${d.thread.join(', ')})${address}${d.other === null ? '' : `; ${d.other}`}`
}
