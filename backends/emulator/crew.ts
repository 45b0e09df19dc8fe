// Several threads over the blocks of one launch, where those do not talk to each other (talk.ts). The thread that launches works
// too and waits for nobody who has not begun; helpers (crew_helper.ts) sleep on a word of shared memory between launches. Results
// are those of one thread: blocks are independent, and of several faults the one of the lowest block is told.
import { CrewControl, mostHelpers, word, type LaunchText } from './crew_control.ts'
import { product } from './dims.ts'
import { EmulatorFault } from './diagnostics.ts'
import { Run, type ClusterSource } from './grid_run.ts'
import { alignUp, type EntryImage } from './image.ts'
import type { Emulator } from './launch.ts'
import type { LoadedModule } from './loader.ts'
import type { LaunchState } from './machine.ts'
import type { LinearMemory } from './memory.ts'

/** Thread instructions of a launch from which on waking a helper pays: about half a millisecond. */
const worthwhile = 500_000
const leastChunk = 4 << 20

export class Crew {
  readonly control = new CrewControl()
  private readonly modules = new Map<LoadedModule, LaunchText['module']>()
  private readonly chunks: { start: number; bytes: number }[][]
  private table = { at: 0, room: 0, version: -1, count: 0 }

  /** `memory` must be shared. */
  constructor(private readonly memory: LinearMemory, readonly helpers: number) {
    if (helpers < 1 || helpers > mostHelpers) throw new Error(`a crew of ${helpers} helpers; there may be 1 to ${mostHelpers}`)
    this.chunks = Array.from({ length: helpers }, () => [])
  }

  takes(emulator: Emulator, image: EntryImage, state: LaunchState): boolean {
    const blocks = product(state.grid)
    return blocks >= 2 && !image.talks && emulator.sanitizer === null && emulator.options.seed === 0 && !state.explicitCluster && image.instructionsPerBlock * blocks >= worthwhile
  }

  run(emulator: Emulator, image: EntryImage, state: LaunchState): void {
    const { control } = this
    const { words } = control
    const text = this.textOf(emulator, image, state)
    const open = control.write(text, product(state.grid))
    if (open) {
      Atomics.add(words, word.generation, 1)
      Atomics.notify(words, word.generation)
    }
    let own: { at: number; error: unknown } | undefined
    const run = new Run(emulator, image, state, { next: () => control.take() })
    try { run.toTheEnd() } catch (error) {
      own = { at: run.firstResident, error }
      control.stopAt(error instanceof EmulatorFault ? own.at : 0)
    }
    if (open) this.close()
    emulator.executed += control.executedByHelpers
    const theirs = control.firstFault()
    if (own && (!theirs || own.at <= theirs.at)) throw own.error
    if (theirs) throw theirs.error
    const left = control.returned()
    if (left.length) new Run(emulator, image, state, listed(left)).toTheEnd()
  }

  /** No helper joins any more; those that have are waited for. */
  private close(): void {
    const { words } = this.control
    Atomics.add(words, word.generation, 1)
    for (let active; (active = Atomics.load(words, word.active)) > 0;) Atomics.wait(words, word.active, active)
  }

  private textOf({ loaded, options }: Emulator, image: EntryImage, state: LaunchState): LaunchText {
    this.provide(image, state)
    const { grid, block, dynamicSharedBytes, paramBase, paramBytes } = state
    return { module: this.moduleText(loaded), kernel: image.entry.name, options, state: { grid, block, dynamicSharedBytes, paramBase, paramBytes }, chunks: this.chunks, allocations: this.allocations() }
  }

  private moduleText(loaded: LoadedModule): LaunchText['module'] {
    const module = this.modules.get(loaded)
    if (!module) throw new Error(`${loaded.ptx.file} is not known to the crew`)
    return module
  }

  /** Before the first launch of a module: its text, for the helpers. */
  know(loaded: LoadedModule, text: string): void {
    const bytes = new TextEncoder().encode(text)
    const at = this.memory.reserve(bytes.length)
    this.memory.u8.set(bytes, at)
    this.modules.set(loaded, { id: this.modules.size, file: loaded.ptx.file, at, bytes: bytes.length, places: loaded.globalPlaces })
  }

  private allocations(): LaunchText['allocations'] {
    const { memory, table } = this
    if (table.version !== memory.version) {
      const live = memory.allocations
      if (live.length > table.room) {
        if (table.room) memory.release(table.at)
        table.room = 2 * live.length + 256
        table.at = memory.reserve(8 * table.room)
      }
      live.forEach((a, i) => memory.u32.set([a.start, a.bytes], (table.at >> 2) + 2 * i))
      table.version = memory.version
      table.count = live.length
    }
    return { at: table.at, count: table.count, version: table.version }
  }

  /** Room for a block of the launch in each helper's own memory, and for what the helper keeps between launches. */
  private provide(image: EntryImage, { block, staticSharedBytes, dynamicSharedBytes }: LaunchState): void {
    const { entry } = image
    const warps = Math.ceil(product(block) / 32)
    const need = 2 * (warps * (2 * entry.frameBytes + 32 * alignUp(entry.local.bytes, 16)) + staticSharedBytes + dynamicSharedBytes) + 64 * entry.instructions.length + 65536
    for (const chunks of this.chunks) {
      if (chunks.some((c) => c.bytes >= 2 * need)) continue
      const bytes = alignUp(Math.max(leastChunk, 4 * need), 65536)
      chunks.push({ start: this.memory.reserve(bytes, 65536), bytes })
    }
  }

  /** Helpers end. */
  end(): void {
    Atomics.store(this.control.words, word.generation, -1)
    Atomics.notify(this.control.words, word.generation)
  }
}

/** These blocks, one after the other. */
function listed(indices: readonly number[]): ClusterSource {
  const left = [...indices].sort((a, b) => a - b)
  return { next: () => left.shift() }
}
