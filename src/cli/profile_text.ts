// A profile as lines for a reader and as one JSON object a launch.
import type { Occupancy } from '../../backends/emulator/profile/occupancy.ts'
import type { GlobalTraffic, LaunchProfile, LineProfile, SharedTraffic } from '../../backends/emulator/profile/profiler.ts'
import { sm90 } from '../../backends/emulator/profile/occupancy.ts'
import { assumptions, gpus, type Estimate } from '../../backends/emulator/profile/roofline.ts'

export interface LaunchReport { readonly profile: LaunchProfile; readonly registers: number | null; readonly occupancy: Occupancy; readonly estimates: readonly Estimate[] }

const ratio = (a: number, b: number) => (b === 0 ? 0 : a / b)
const percent = (x: number) => `${(100 * x).toFixed(1)} %`
const count = (n: number) => n.toLocaleString('en-US')
const bytes = (n: number) => (n < 10_000 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`)
const time = (sec: number) => (sec < 1e-6 ? `${(sec * 1e9).toFixed(1)} ns` : sec < 1e-3 ? `${(sec * 1e6).toFixed(2)} us` : `${(sec * 1e3).toFixed(3)} ms`)

export function profileText(title: string, reports: readonly LaunchReport[]): string {
  const all = reports.map((r, i) => launchText(r, reports.length > 1 ? `launch ${i + 1} of ${reports.length}: ` : ''))
  const sources = gpus.map((g) => `  ${g.name}: ${g.memoryBytesPerSec / 1e12} TB/s, ${g.tensorFlopPerSec['16-bit float'] / 1e12} TFLOP/s in 16 bits, ${g.tensorFlopPerSec['8-bit float'] / 1e12} in 8; ${g.source}`)
  return `${title}\n${all.join('')}\nassumed:\n${assumptions.map((a) => `  ${a}\n`).join('')}${sources.join('\n')}\n`
}

function launchText({ profile: p, registers, occupancy, estimates }: LaunchReport, prefix: string): string {
  const lines = [
    `\n${prefix}${p.kernel} grid (${p.grid.join(', ')}) block (${p.block.join(', ')})${p.cluster.every((n) => n === 1) ? '' : ` cluster (${p.cluster.join(', ')})`}, shared memory ${p.staticSharedBytes} + ${p.dynamicSharedBytes} bytes, ${registers ?? 'unknown'} registers`,
    `  occupancy      ${percent(occupancy.fraction)}: ${occupancy.blocksPerSm} blocks, ${occupancy.warpsPerSm} of ${sm90.warps} warps an SM, limited by ${occupancy.limitedBy}`,
    `  instructions   ${count(p.warpInstructions)} of warps, ${count(p.threadInstructions)} of threads; ${ratio(p.threadInstructions, p.warpInstructions).toFixed(1)} of 32 lanes active, ${percent(ratio(p.partial, p.warpInstructions))} with some off`,
    ...[...p.classes].sort((a, b) => b[1].warps - a[1].warps).map(([cls, { warps }]) => `    ${cls.padEnd(24)}${percent(ratio(warps, p.warpInstructions)).padStart(7)}  ${count(warps)}`),
    ...flopText(p),
    ...(['read', 'write', 'atomic', 'async'] as const).flatMap((k) => globalText(k, p.global[k])),
    `  device memory  at least ${bytes(p.uniqueReadBytes)} read, ${bytes(p.uniqueWrittenBytes)} written (different sectors)`,
    ...(['read', 'write', 'atomic'] as const).flatMap((k) => sharedText(k, p.shared[k])),
    ...(p.asyncSharedBytes ? [`  shared async   ${bytes(p.asyncSharedBytes)} by bulk copies and matrix products`] : []),
    ...(p.localBytes ? [`  local memory   ${bytes(p.localBytes)}`] : []),
    ...worstLines(p.lines),
    ...estimates.map((e) => `  ${e.gpu.padEnd(15)}at least ${time(e.timeSec)}, bound by ${e.boundBy} (${[...e.bounds].filter((b) => b.timeSec > 0).sort((a, b) => b.timeSec - a.timeSec).slice(0, 4).map((b) => `${b.what} ${time(b.timeSec)}`).join(', ')})`),
  ]
  return `${lines.join('\n')}\n`
}

function flopText(p: LaunchProfile): string[] {
  const parts = [['f32', p.floatFlop], ['f16 and bf16', p.halfFlop], ['f64', p.doubleFlop], ...[...p.tensorFlop].map(([t, n]) => [`tensor cores, ${t}`, n] as const)].filter(([, n]) => n !== 0)
  return parts.length ? [`  FLOP           ${parts.map(([what, n]) => `${count(n as number)} ${what}`).join('; ')}`] : []
}

function globalText(kind: string, t: GlobalTraffic): string[] {
  if (t.requests === 0) return []
  return [`  global ${kind.padEnd(8)}${count(t.requests)} requests, ${bytes(t.bytes)} asked for, ${count(t.sectors)} sectors: ${ratio(t.sectors, t.requests).toFixed(2)} a request, ${ratio(t.idealSectors, t.requests).toFixed(2)} would do (${percent(ratio(t.idealSectors, t.sectors))} coalesced)`]
}

function sharedText(kind: string, t: SharedTraffic): string[] {
  if (t.requests === 0) return []
  return [`  shared ${kind.padEnd(8)}${count(t.requests)} requests, ${bytes(t.bytes)}, ${count(t.passes)} passes, ${count(t.passes - t.idealPasses)} of them bank conflicts, ${t.worstWays === 1 ? 'none' : `${t.worstWays} ways at worst`}`]
}

/** Lines whose accesses cost most beyond what they need. */
function worstLines(lines: readonly LineProfile[]): string[] {
  const waste = (l: LineProfile) => (l.global ? l.global.sectors - l.global.idealSectors : 0) + (l.shared ? l.shared.passes - l.shared.idealPasses : 0)
  return lines.filter((l) => waste(l) > 0).sort((a, b) => waste(b) - waste(a)).slice(0, 5).map((l) => {
    const parts = [l.global && `${ratio(l.global.sectors, l.global.requests).toFixed(2)} sectors a request, ${ratio(l.global.idealSectors, l.global.requests).toFixed(2)} would do`, l.shared && `${ratio(l.shared.passes, l.shared.idealPasses).toFixed(2)} ways`].filter(Boolean)
    return `    line ${l.line}: ${l.name}: ${parts.join('; ')}`
  })
}

/** Units are in the names; the profile's own names otherwise. */
export function profileJson({ profile: p, registers, occupancy, estimates }: LaunchReport): object {
  return {
    event: 'profile', kernel: p.kernel, grid: p.grid, block: p.block, cluster: p.cluster, staticSharedBytes: p.staticSharedBytes, dynamicSharedBytes: p.dynamicSharedBytes, registers, occupancy,
    warpInstructions: p.warpInstructions, threadInstructions: p.threadInstructions, activeLanesPerInstruction: ratio(p.threadInstructions, p.warpInstructions),
    classes: Object.fromEntries([...p.classes].map(([cls, n]) => [cls, { warpInstructions: n.warps, threadInstructions: n.lanes }])),
    flop: { f32: p.floatFlop, half: p.halfFlop, f64: p.doubleFlop, tensor: Object.fromEntries(p.tensorFlop) },
    global: Object.fromEntries(Object.entries(p.global).map(([k, t]) => [k, { ...t, sectorsPerRequest: ratio(t.sectors, t.requests), sectorBytes: 32 * t.sectors }])),
    deviceMemory: { uniqueReadBytes: p.uniqueReadBytes, uniqueWrittenBytes: p.uniqueWrittenBytes },
    shared: Object.fromEntries(Object.entries(p.shared).map(([k, t]) => [k, { ...t, bankConflicts: t.passes - t.idealPasses }])), asyncSharedBytes: p.asyncSharedBytes, localBytes: p.localBytes,
    lines: p.lines, estimates, assumptions,
  }
}
