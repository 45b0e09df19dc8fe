// The list of diagnostics: each distinct one once, at most so many.
import { coordinates, type Triple } from '../dims.ts'
import { threadOf } from '../diagnostics.ts'
import type { Diagnostic, DiagnosticClass, Instruction, LaunchState, Machine, Warp } from '../machine.ts'

const most = 100

export class Reports {
  readonly diagnostics: Diagnostic[] = []
  dropped = 0
  private readonly told = new Set<string>()
  constructor(private readonly machine: Machine) {}

  /** `other`: what it is about besides the running instruction; `what`: its place, or what divides several kinds at one instruction. */
  add(cls: DiagnosticClass, warp: Warp, lane: number, address: string | null, message: string, other: string | null, what: string): void {
    const { at } = warp.current.statement
    // A race is the same from both sides.
    const key = `${cls} ${[`${at.line}:${at.column}`, what].sort().join(' ')}`
    if (this.told.has(key) || this.diagnostics.length >= most) { this.dropped++; return }
    this.told.add(key)
    this.diagnostics.push({ class: cls, file: this.machine.module.file, at, block: warp.cta.id, thread: threadOf(warp, lane), address, message: `${warp.current.name}: ${message}`, other })
  }

  /** "st.shared.u32 at k.ptx:12:3 by thread (3, 0, 0) of block (0, 0, 0)". */
  name(instruction: Instruction, launch: LaunchState, warpsPerBlock: number, warp: number, lane: number): string {
    const { at } = instruction.statement
    const thread = coordinates((warp % warpsPerBlock) * 32 + lane, launch.block)
    return `${instruction.name} at ${this.machine.module.file}:${at.line}:${at.column} by ${sayThread(thread, coordinates(Math.floor(warp / warpsPerBlock), launch.grid))}`
  }
}

const sayThread = (thread: Triple, block: Triple): string => `thread (${thread.join(', ')}) of block (${block.join(', ')})`
