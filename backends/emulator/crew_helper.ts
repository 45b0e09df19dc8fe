// A helper of a crew: a thread that runs blocks of other threads' launches. It reads a launch from the control block, makes the
// module its own once (outside of the launch: nobody waits for that), and takes blocks until there are no more.
import { CrewControl, word, type LaunchText } from './crew_control.ts'
import { Run } from './grid_run.ts'
import { Emulator } from './launch.ts'
import { LoadedModule } from './loader.ts'
import type { LaunchState } from './machine.ts'
import { LinearMemory, OutOfMemory } from './memory.ts'
import { parsePtx } from './parser.ts'

/** Sent to a helper's thread once, in Node and in browsers alike. */
export interface HelperStart { readonly memory: WebAssembly.Memory; readonly control: SharedArrayBuffer; readonly index: number }

/** Runs until the crew ends; blocks its thread. */
export function serve(start: HelperStart): void {
  const helper = new Helper(start)
  let seen = 0
  for (;;) {
    const generation = helper.control.load('generation')
    if (generation === -1) return
    if (generation % 2 === 0 || generation === seen) { Atomics.wait(helper.control.words, word.generation, generation); continue }
    const launch = helper.whileActive(generation, () => helper.control.read())
    if (!launch) continue
    seen = generation
    helper.ready(launch, generation)
    helper.whileActive(generation, () => helper.work(launch))
  }
}

class Helper {
  readonly control: CrewControl
  private readonly memory: LinearMemory
  private readonly machines = new Map<number, Emulator>()
  private chunks = 0
  private version = -1
  constructor(private readonly start: HelperStart) {
    this.control = new CrewControl(start.control)
    this.memory = LinearMemory.partOf(start.memory)
  }

  /** Counted among the active ones, whom the launching thread waits for; undefined if the launch is over. */
  whileActive<T>(generation: number, run: () => T): T | undefined {
    const { words } = this.control
    Atomics.add(words, word.active, 1)
    try { return this.control.load('generation') === generation ? run() : undefined } finally {
      Atomics.sub(words, word.active, 1)
      Atomics.notify(words, word.active)
    }
  }

  /** The module of a launch, decoded. Its text and its variables stay where they are. */
  ready({ module, options, chunks }: LaunchText, generation: number): void {
    const own = chunks[this.start.index]
    this.memory.follow()
    for (; this.chunks < own.length; this.chunks++) this.memory.adopt(own[this.chunks].start, own[this.chunks].bytes)
    if (this.machines.has(module.id)) return
    const text = this.whileActive(generation, () => new TextDecoder().decode(this.memory.u8.slice(module.at, module.at + module.bytes)))
    if (text === undefined) return
    const loaded = new LoadedModule(parsePtx(text, module.file), this.memory, module.places)
    this.machines.set(module.id, new Emulator(this.memory, loaded, options))
  }

  work({ module, kernel, state, allocations }: LaunchText): void {
    const emulator = this.machines.get(module.id)
    if (!emulator) return
    const { control, memory } = this
    memory.follow()
    if (allocations.version !== this.version) {
      memory.setAllocations(Array.from({ length: allocations.count }, (_, i) => ({ start: memory.u32[(allocations.at >> 2) + 2 * i], bytes: memory.u32[(allocations.at >> 2) + 2 * i + 1] })))
      this.version = allocations.version
    }
    const image = emulator.loaded.imageOf(kernel)
    const launch: LaunchState = { ...state, clusterDims: [1, 1, 1], explicitCluster: false, entry: image.entry, staticSharedBytes: image.staticSharedBytes }
    const before = emulator.executed
    let taken: number | undefined
    image.forget()
    const run = new Run(emulator, image, launch, { next: () => (taken = control.take()) })
    try { run.toTheEnd() } catch (error) {
      if (error instanceof OutOfMemory && run.firstResident === Infinity && taken !== undefined) control.giveBack(taken)
      else control.tellFault(this.start.index, Math.min(run.firstResident, taken ?? 0), error)
    }
    image.trim()
    control.executed(emulator.executed - before)
  }
}
