// Blocks and clusters of a launch while they are resident: shared memory, warps with registers and local memory.
import { coordinates, product, type Triple } from './dims.ts'
import { readBeforeWritten } from './assigned.ts'
import { rootFrame, giveRegisters, type Activation, type RunningWarp } from './frames.ts'
import { alignUp, type DecodedFunction } from './image.ts'
import type { Cluster, Cta, Group, LaunchState, Machine, Warp } from './machine.ts'

export function startCluster(machine: Machine, launch: LaunchState, id: Triple): Cta[] {
  const dims = launch.clusterDims
  const ctas: Cta[] = []
  const cluster: Cluster = { ctas, dims, id, state: new Map() }
  try {
    for (let rank = 0; rank < product(dims); rank++) {
      const inside = coordinates(rank, dims)
      ctas.push(startBlock(machine, launch, cluster, rank, [0, 1, 2].map((c) => id[c] * dims[c] + inside[c]) as Triple))
    }
    // Special registers of the cluster are known only now.
    for (const cta of ctas) for (const warp of cta.warps) launch.entry.fillConstants(warp, warp.base)
  } catch (error) {
    for (const cta of ctas) endBlock(cta)
    throw error
  }
  for (const cta of ctas) machine.sanitizer?.ctaStarted(cta)
  return ctas
}

function startBlock(machine: Machine, launch: LaunchState, cluster: Cluster, rank: number, id: Triple): Cta {
  const { memory } = machine
  const threads = product(launch.block)
  const sharedBytes = launch.staticSharedBytes + launch.dynamicSharedBytes
  const warps: Warp[] = []
  const index = id[0] + launch.grid[0] * (id[1] + launch.grid[1] * id[2])
  const numWarps = Math.ceil(threads / 32)
  const cta: Cta = {
    machine, launch, index, id, cluster, rankInCluster: rank, sharedBase: memory.reserve(Math.max(16, sharedBytes), 1024), sharedBytes, warps,
    aliveThreads: threads, state: new Map(),
  }
  try {
    for (let w = 0; w < numWarps; w++) {
      warps.push(startWarp(cta, w, index * numWarps + w, lanesOf(launch, w)))
    }
  } catch (error) {
    endBlock(cta)
    throw error
  }
  return cta
}

function startWarp(cta: Cta, index: number, id: number, lanes: number): Warp {
  const { machine, launch } = cta
  const entry = launch.entry as DecodedFunction
  const localStride = alignUp(entry.local.bytes, 16)
  const localBase = localStride ? machine.memory.reserve(32 * localStride) : 0
  const frame = rootFrame(machine.memory, entry, lanes)
  const group: Group = { pc: 0, mask: lanes, frame, wait: null }
  return {
    machine, cta, index, id, base: frame.base, frame, alive: lanes, group, groups: [group], current: entry.instructions[0],
    registers: entry.ptx.directives.maxnreg ?? 255, localBase, localStride, state: new Map(),
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A block that has ended becomes another one of its launch: memory and registers stay where they are and are as new. Only for
 * blocks that are their own cluster, and without a sanitizer, which tells blocks apart by their objects.
 */
export function restartBlock(cta: Cta, id: Triple): void {
  const { machine, launch } = cta
  const own = cta as Mutable<Cta>
  const [nx, ny] = launch.grid
  own.id = id
  own.index = id[0] + nx * (id[1] + ny * id[2])
  own.aliveThreads = product(launch.block)
  own.state.clear()
  const cluster = cta.cluster as Mutable<Cluster>
  cluster.id = id
  cluster.state.clear()
  if (cta.sharedBytes) machine.memory.u8.fill(0, cta.sharedBase, cta.sharedBase + cta.sharedBytes)
  for (const warp of cta.warps) restartWarp(warp as Mutable<RunningWarp>, cta)
}

function restartWarp(warp: Mutable<RunningWarp>, cta: Cta): void {
  const { machine, launch } = cta
  const { memory } = machine
  const entry = launch.entry as DecodedFunction
  const lanes = lanesOf(launch, warp.index)
  const root = rootOf(warp)
  root.inside = lanes
  warp.id = cta.index * cta.warps.length + warp.index
  warp.base = root.base
  warp.frame = root
  warp.alive = lanes
  warp.group = { pc: 0, mask: lanes, frame: root, wait: null }
  warp.groups = [warp.group]
  warp.current = entry.instructions[0]
  warp.registers = entry.ptx.directives.maxnreg ?? 255
  warp.watched = false
  warp.state.clear()
  if (warp.localStride) memory.u8.fill(0, warp.localBase, warp.localBase + 32 * warp.localStride)
  if (entry.zeros === null) entry.zeros = readBeforeWritten(entry.instructions)
  if (entry.zeros === undefined) entry.fillConstants(warp, warp.base)
  else entry.layout.refill(memory, warp, warp.base, entry.zeros)
}

/** The frame of the entry itself. */
function rootOf(warp: Warp): Activation {
  let f = warp.frame as Activation
  while (f.parent !== null) f = f.parent
  return f
}

/** Lanes that a warp of the block has. */
function lanesOf(launch: LaunchState, index: number): number {
  const lanes = Math.min(32, product(launch.block) - 32 * index)
  return lanes === 32 ? -1 : (1 << lanes) - 1
}

export function endBlock(cta: Cta): void {
  const { memory } = cta.machine
  memory.release(cta.sharedBase)
  for (const warp of cta.warps) {
    // After a fault, calls may still be active.
    const active = new Set<Activation>()
    for (const g of warp.groups) for (let f = g.frame as Activation | null; f; f = f.parent) active.add(f)
    active.add(rootOf(warp))
    for (const f of active) giveRegisters(f)
    const own = warp as RunningWarp
    if (own.localStride) memory.release(own.localBase)
  }
}
