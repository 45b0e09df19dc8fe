// Activations of functions: registers of one call by the lanes of a group, and their part of each lane's local memory.
import type { DecodedFunction } from './image.ts'
import type { Frame, Group, Memory, Warp } from './machine.ts'

export interface Activation extends Frame {
  readonly fn: DecodedFunction
  readonly parent: Activation | null
  /** Where this activation's variables begin in every lane's local memory. */
  readonly localBase: number
  readonly depth: number
  /** Lanes that are inside, or in functions called from here: with none left the registers are free again. */
  inside: number
  /** Copies results to the caller; runs while the callee's registers still hold them. */
  readonly returning: ((warp: Warp, from: Activation, mask: number) => void) | null
}

/** As on the hardware: 512 KiB of local memory a thread. */
const maxLocalBytes = 512 * 1024
const maxDepth = 4096

/** A warp as the launch makes it: local memory grows when calls need more. */
export interface RunningWarp extends Warp { localBase: number; localStride: number }

const align16 = (n: number) => (n + 15) & ~15

/** Registers are not cleared here: fillConstants writes the whole frame. */
export function takeRegisters(memory: Memory, fn: DecodedFunction): number {
  return fn.freeFrames.pop() ?? memory.reserve(Math.max(16, fn.frameBytes))
}
export function giveRegisters(frame: Activation): void { frame.fn.freeFrames.push(frame.base) }

export function rootFrame(memory: Memory, fn: DecodedFunction, lanes: number): Activation {
  return { fn, base: takeRegisters(memory, fn), parent: null, returnPc: 0, localBase: 0, depth: 0, inside: lanes, returning: null }
}

/** The frame of a call by the lanes of `mask`, with constants filled in; leaves warp.frame on it. */
export function callFrame(warp: Warp, parent: Activation, fn: DecodedFunction, mask: number, returnPc: number, returning: Activation['returning']): Activation {
  const localBase = align16(parent.localBase + parent.fn.local.bytes)
  const { machine } = warp
  if (parent.depth >= maxDepth) machine.fault('illegal-address', `calls nest more than ${maxDepth} deep: ${fn.name}`, warp)
  reserveLocal(warp as RunningWarp, localBase + fn.local.bytes)
  const base = takeRegisters(machine.memory, fn)
  const frame: Activation = { fn, base, parent, returnPc, localBase, depth: parent.depth + 1, inside: mask, returning }
  warp.frame = frame
  fn.fillConstants(warp, base)
  return frame
}

function reserveLocal(warp: RunningWarp, bytes: number): void {
  if (bytes <= warp.localStride) return
  const { machine } = warp
  if (bytes > maxLocalBytes) machine.fault('illegal-address', `the call needs ${bytes} bytes of local memory, a thread has at most ${maxLocalBytes}`, warp)
  const stride = align16(Math.min(maxLocalBytes, Math.max(bytes, 2 * warp.localStride, 1024)))
  const base = machine.memory.reserve(32 * stride)
  for (let lane = 0; lane < 32; lane++) {
    const from = warp.localBase + lane * warp.localStride
    machine.memory.u8.copyWithin(base + lane * stride, from, from + warp.localStride)
  }
  if (warp.localStride) machine.memory.release(warp.localBase)
  warp.localBase = base
  warp.localStride = stride
}

/** The lanes of `mask` are done with `frame`, and with its callers down to `until` (null: they exit). */
export function leaveActivations(frame: Activation, mask: number, until: Activation | null): void {
  for (let f: Activation | null = frame; f !== null && f !== until; f = f.parent) {
    f.inside &= ~mask
    // The registers of the root go back when the block ends.
    if (f.inside === 0 && f.parent !== null) giveRegisters(f)
  }
}

/** Returns the lanes of `mask` from the group's function; the group goes with them if they are all of it. */
export function returnLanes(warp: Warp, g: Group, mask: number): void {
  const frame = g.frame as Activation
  const caller = frame.parent!
  frame.returning?.(warp, frame, mask)
  leaveActivations(frame, mask, caller)
  if (mask === g.mask) {
    g.frame = caller
    g.pc = frame.returnPc
    return
  }
  g.mask &= ~mask
  warp.groups.push({ pc: frame.returnPc, mask, frame: caller, wait: null, turns: g.turns })
}
