// What the parts of the emulator share: registers and memory as bytes of one linear memory, warps and their groups of
// lanes, blocks, asynchronous agents, and the hooks of the sanitizer. Types and constants only, small helpers at most.
import type { Position, PtxModule, Statement } from './ast.ts'

/**
 * One WebAssembly memory holds everything: device allocations, shared memory of resident blocks, register files, local
 * memory, constants. The views are replaced when the memory grows: read them from here at each use, never keep one.
 */
export interface Memory {
  readonly wasm: WebAssembly.Memory
  u8: Uint8Array; i8: Int8Array; u16: Uint16Array; i16: Int16Array; u32: Uint32Array; i32: Int32Array
  f32: Float32Array; f64: Float64Array; i64: BigInt64Array; u64: BigUint64Array; data: DataView
  /** Bytes for the emulator itself (zeroed, 16-byte aligned at least); a linear byte offset. Throws OutOfMemory. */
  reserve(bytes: number, align?: number): number
  release(offset: number): void
  /** Device allocations (cuMemAlloc, module globals): 256-byte aligned, exactly `bytes` long, guard space on both sides. */
  allocate(bytes: number, what: string): number
  deallocate(offset: number): void
  /** Linear offset of the last global access by an instruction: the compiler guesses from it what the next one touches. */
  lastTouched?: number
  /** The live allocation that holds `offset`, or undefined. */
  allocationAt(offset: number): Allocation | undefined
}
export interface Allocation { readonly start: number; readonly bytes: number; readonly what: string; readonly id: number; live: boolean }

// Addresses as PTX sees them: 64 bits, the high 32 say which window, the low 32 are a linear byte offset (global, const),
// an offset in the block's shared memory, in the thread's local memory, or in the kernel's parameters.
export const GLOBAL_HIGH = 0x7e00
/** Generic addresses of the shared window; shared addresses themselves are 32 bits: (rank + 1) << 24 | offset for another
 *  block of the cluster (mapa), plain offset for the own block. */
export const SHARED_HIGH = 0x7f00
export const LOCAL_HIGH = 0x7f01
export const PARAM_HIGH = 0x7f02
/** Generic addresses of 32 bits (.address_size 32): the highest byte names the window, all others are global memory. */
export const FLAT_WINDOWS: Readonly<Record<number, number>> = { 0xff: SHARED_HIGH, 0xfe: LOCAL_HIGH, 0xfd: PARAM_HIGH }
export const CLUSTER_SHIFT = 24
export const SHARED_OFFSET_MASK = (1 << CLUSTER_SHIFT) - 1
/** Shared memory of a block starts at shared address 0 and holds at most 227 KiB. */
export const MAX_SHARED_BYTES = 232448

/**
 * Registers: a slot is a byte offset from the frame's base (`warp.base`), 16-byte aligned, structure of arrays over 32 lanes:
 * predicates one u32 bit mask (16 bytes reserved), types up to 32 bits 128 bytes (lane i at slot + 4 i; 8- and 16-bit values
 * zero-extended), 64 bits 256 bytes (slot + 8 i, little-endian), 128 bits 512 bytes. Immediates, symbol addresses and special
 * registers that do not change are slots too, filled when the frame is made: an instruction sees slots only.
 */
export type Slot = number

/** An instruction ready to run. `exec` computes for the lanes of `mask` (guard already applied, never 0) and does not touch the pc. */
export interface Instruction {
  readonly statement: Statement
  /** `add.rn.f32` */
  readonly name: string
  readonly guard: { readonly slot: Slot; readonly negate: boolean } | null
  readonly exec: Exec | null
  /** Set on instructions that move the pc, wait, or end threads; they end a basic block of the compiler. `exec` is then null. */
  readonly control: Control | null
  /** Register slots read and written (with bytes), immediates not counted: for the compiler and for poisoning. */
  readonly reads: readonly SlotUse[]
  readonly writes: readonly SlotUse[]
  /** Slots of the operands in the statement's order (vectors flattened); what the compiler's emitters work on. */
  readonly slots: readonly Slot[]
  /** Control: further pcs it may jump to (branch tables), for the compiler's blocks. */
  readonly targets?: readonly number[]
  /** Memory instructions: which hook of the sanitizer they call. A compiled one calls `exec` while the sanitizer is on. */
  readonly touchesMemory: boolean
  /** Multiply-adds counted twice, per warp (mma, wgmma: per warp's share), for profile. */
  readonly tensorFlop?: number
}
export interface SlotUse { readonly slot: Slot; readonly bytes: number }
export type Exec = (warp: Warp, mask: number) => void
/**
 * Runs for group `g` whose pc stands on the instruction; `mask` has the guard applied and MAY BE 0 (bra falls through).
 * Must set g.pc (usually g.pc + 1) unless it returns RETRY. Returns NEXT: go on; WAIT: g.wait was set; RETRY: g.wait was set and
 * the same instruction runs again once g.wait.ready(); YIELD: go on, but let others run first.
 */
export type Control = (warp: Warp, g: Group, mask: number) => Outcome
export type Outcome = 0 | 1 | 2 | 3
export const NEXT: Outcome = 0
export const WAIT: Outcome = 1
export const RETRY: Outcome = 2
export const YIELD: Outcome = 3

/** Why a group does not run. `what` is shown when nothing can make progress: "mbarrier at shared 0x40, phase parity 1". */
export interface Wait {
  readonly what: string
  ready(): boolean
  /** Nothing else can run: true if the wait ends all the same (a poll that says no, not yet). Asked once per time that all stand still. */
  giveUp?(): boolean
  /** Reported besides `deadlock` when it never gets ready: 'barrier-divergence' for a barrier that some threads never reach. */
  readonly alsoReport?: DiagnosticClass
}

/** Lanes of one warp at one pc in one frame. Groups with equal pc and frame merge; the lowest pc runs first, fairly. */
export interface Group {
  pc: number; mask: number; frame: Frame; wait: Wait | null
  /** The wait stands before its instruction, which runs again: lanes that arrive there join. */
  retry?: boolean
  /** Backward branches so far: groups that loop give way to others. */
  turns?: number
}

/** Registers of one function activation of one warp. */
export interface Frame {
  readonly fn: LoadedFunction
  /** Linear byte offset of the slots. */
  readonly base: number
  readonly parent: Frame | null
  readonly returnPc: number
}

/**
 * Runs group `g` (warp.group, frame and base are set) until it waits, ends, divides, changes its frame, reaches a pc >= `limit`
 * (another group of the warp stands there), or has run about `budget` warp instructions. Adds to machine.executed. Returns the
 * budget left, or -1 when others should run first.
 */
export type RunGroup = (warp: Warp, g: Group, budget: number, limit: number) => number

export interface LoadedFunction {
  readonly name: string
  readonly instructions: readonly Instruction[]
  readonly frameBytes: number
  /** Called after a frame was zeroed: writes immediates, addresses and special registers for this warp. */
  fillConstants(warp: Warp, base: number): void
  /** Runs groups of this function in place of the interpreter and of its compiled code (scheduler.ts). */
  run?: RunGroup
  /** Slots of formal parameters: kernel parameters lie in cta.launch.paramBase instead. */
  readonly local: { readonly bytes: number; offsetOf(name: string): number | undefined }
}

export interface Warp {
  readonly machine: Machine
  readonly cta: Cta
  /** Index in the block; `id` counts over the grid: cta.index * warpsPerBlock + index. */
  readonly index: number
  readonly id: number
  /** Linear byte offset of the running frame's registers: the scheduler sets it before exec and control. */
  base: number
  frame: Frame
  /** Lanes that exist (the last warp may be partial) and have not exited. */
  alive: number
  /** The group that is running, with all its lanes (%activemask is group.mask). */
  group: Group
  groups: Group[]
  /** The instruction being executed: place of a diagnostic. */
  current: Instruction
  /** setmaxnreg: registers per thread now. */
  registers: number
  /** Linear offset of local memory of lane 0; lane i follows at + i * localStride. */
  readonly localBase: number
  readonly localStride: number
  /** Per-warp state of chapters (cp.async groups, wgmma groups, bulk groups), by key. */
  readonly state: Map<string, unknown>
  /** Sanitizer: registers are in use by wgmma, every instruction is shown to it. */
  watched?: boolean
}

export interface Cta {
  readonly machine: Machine
  readonly launch: LaunchState
  /** Linear index in the grid; `id` its coordinates. */
  readonly index: number
  readonly id: readonly [number, number, number]
  readonly cluster: Cluster
  readonly rankInCluster: number
  /** Linear byte offset and length (static + dynamic) of its shared memory. */
  readonly sharedBase: number
  readonly sharedBytes: number
  readonly warps: readonly Warp[]
  /** Threads not exited. */
  aliveThreads: number
  /** Per-block state of chapters (named barriers, mbarriers, register pool), by key. */
  readonly state: Map<string, unknown>
}
export interface Cluster { readonly ctas: readonly Cta[]; readonly dims: readonly [number, number, number]; readonly id: readonly [number, number, number]; readonly state: Map<string, unknown> }

export interface LaunchState {
  readonly grid: readonly [number, number, number]
  readonly block: readonly [number, number, number]
  readonly clusterDims: readonly [number, number, number]
  /** The launch or the entry names a cluster size. */
  readonly explicitCluster?: boolean
  readonly entry: LoadedFunction
  readonly dynamicSharedBytes: number
  readonly staticSharedBytes: number
  /** Linear byte offset of the parameter block. */
  readonly paramBase: number
  readonly paramBytes: number
}

export interface Machine {
  readonly memory: Memory
  readonly options: EmulatorOptions
  /** Compute capability being emulated. */
  readonly target: string
  readonly module: PtxModule
  readonly agents: AsyncAgents
  /** null while `sanitize` is off: test for it once per warp instruction. */
  readonly sanitizer: Sanitizer | null
  /** Seeded; the only source of randomness (Philox or xorshift), replayable. */
  random(): number
  /** Thread instructions executed so far; %clock and the budget count by it. */
  executed: number
  /** The linear base of a shared address's block: own or another of the cluster. undefined: no such block. */
  sharedBlock(cta: Cta, sharedAddress: number): Cta | undefined
  /** Ends the launch with an error (illegal address, trap): thrown through exec. */
  fault(kind: FaultKind, message: string, warp?: Warp, lane?: number, target?: FaultTarget): never
}
/** What an access that faulted meant: the address as PTX sees it, hexadecimal. */
export interface FaultTarget { readonly space: 'global' | 'shared' | 'local'; readonly address: string }
export type FaultKind = 'illegal-address' | 'misaligned-address' | 'trap' | 'illegal-instruction' | 'too-many-instructions' | 'deadlock' | 'out-of-memory'
export interface EmulatorOptions {
  readonly seed: number
  readonly sanitize: boolean
  readonly maxInstructions: number
  /** When asynchronous work lands: at issue, when it is waited for, or at seeded random moments between. */
  readonly async: 'early' | 'late' | 'random'
  readonly tensorCore: 'exact' | 'hopper'
  /** Functions that got hot run as WebAssembly; `eager`: all, from their first instruction on (tests). */
  readonly compile: boolean | 'eager'
  /** Takes what a kernel prints (vprintf); without it nobody sees it. */
  readonly print?: (text: string) => void
}

/**
 * Copies and products that run beside the threads (TMA, cp.async, wgmma). An operation is performed once, at a moment between
 * issue and the last one that the program's waits allow; `perform` reads its sources, writes, and signals (mbarrier, group).
 */
export interface AsyncAgents {
  issue(op: AsyncOp): void
  /** Performs it now if it has not been (a wait on it needs it; earlier ones of the same `order` key first). */
  force(op: AsyncOp): void
  /** Its sources are read now at the latest. */
  read(op: AsyncOp): void
  readonly pending: number
}
export interface AsyncOp {
  readonly what: string
  readonly warp: Warp
  readonly lane: number
  readonly instruction: Instruction
  /** Operations of one key land in issue order (wgmma of one warpgroup); null: any order. */
  readonly order: string | null
  /** Of a warp's part in an operation of several warps (wgmma): the operation. What one of them observed is complete for all. */
  readonly whole?: AsyncOp
  done: boolean
  /** Takes what it is to write from its sources, which may then change (wait_group.read); `perform` writes that. */
  read?(): void
  perform(): void
}

// ---- Sanitizer hooks. Chapters call them only if machine.sanitizer is not null. ----

export type DiagnosticClass =
  | 'global-out-of-bounds' | 'shared-out-of-bounds' | 'local-out-of-bounds' | 'misaligned-address' | 'uninitialised-shared-read'
  | 'shared-race' | 'global-race' | 'barrier-divergence' | 'async-race' | 'missing-proxy-fence' | 'mbarrier-misuse' | 'deadlock'
export interface Diagnostic {
  readonly class: DiagnosticClass
  readonly file: string; readonly at: Position
  readonly block: readonly [number, number, number]; readonly thread: readonly [number, number, number]
  /** As PTX sees it, hexadecimal; null where none is meant. */
  readonly address: string | null
  readonly message: string
  /** The other access of a race, or what is waited for. */
  readonly other: string | null
}
/**
 * What an address is resolved for (isa/addresses.ts). `reduce`: an atomic without a result (red), which acquires nothing.
 * `mbarrier`: the operand that names an mbarrier object, in any instruction (mbarrier.*, the barrier of a bulk copy).
 * First bytes of ranges that `asyncIssue` declares, and tensor maps, are resolved as `untold` (see Access): not an access of the thread.
 */
export type AccessKind = 'read' | 'write' | 'atomic' | 'reduce' | 'mbarrier'
/** `weak` is the plain kind; `relaxed` covers relaxed and mmio; atomics are relaxed unless they say more. */
export type Order = 'weak' | 'volatile' | 'relaxed' | 'acquire' | 'release' | 'acq_rel' | 'sc'
export type Scope = 'cta' | 'cluster' | 'gpu' | 'sys'
/** The values that a store takes: element i of a lane at slot i, `stride` bytes a lane, of which `bytes` count. */
export interface Stored { readonly slots: readonly Slot[]; readonly stride: number; readonly bytes: number }

/**
 * What chapters tell the sanitizer. It orders accesses by happens-before, not by when they ran: the same bug is found under every
 * schedule. All calls are made while `warp.current` is the instruction that they are about.
 */
export interface Sanitizer {
  readonly diagnostics: readonly Diagnostic[]
  /** Diagnostics left out: repetitions at the same instructions, and those beyond the cap. */
  readonly dropped: number
  /** One diagnostic; the same class at the same pair of instructions is told once. */
  report(cls: DiagnosticClass, warp: Warp, lane: number, address: string | null, message: string, other?: string | null): void

  /** Before the first block of a launch, and after the last or when a fault ended it. */
  launchStarted(launch: LaunchState): void
  launchEnded(): void
  ctaStarted(cta: Cta): void
  ctaEnded(cta: Cta): void

  /**
   * One warp-wide access of `bytes` a lane by the threads themselves (resolve in addresses.ts calls it: chapters do not).
   * `linear[lane]` is the linear byte offset, already translated; in global memory bounds were NOT checked. `stored`: a store's values.
   * Returns the lanes that may go on (the others are skipped: reads give 0, writes are dropped).
   */
  access(warp: Warp, mask: number, space: 'global' | 'shared' | 'local', kind: AccessKind, linear: Uint32Array, bytes: number, order: Order, scope: Scope, stored?: Stored | null): number
  /** An address whose window is wrong altogether (high half), or a range that is not inside: out of bounds of `space`. */
  badAddress(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', address: bigint, bytes: number): void

  /** Lanes of `mask` synchronised among themselves: called by every .sync and .sync.aligned instruction, after its own accesses. */
  warpSync(warp: Warp, mask: number): void
  /**
   * A CTA or cluster barrier. `arrive` when lanes arrive, once each; `leave` when they pass. `key`: one object for each phase of each
   * barrier. `how`: 'wait': the lanes do nothing until they leave; 'go': they go on and may never leave (bar.arrive, cluster arrive);
   * 'relaxed': as 'go', publishing only what an earlier fence covers.
   */
  barrierArrive(warp: Warp, mask: number, key: object, how: 'wait' | 'go' | 'relaxed'): void
  barrierLeave(warp: Warp, mask: number, key: object): void
  /** fence and membar. */
  fence(warp: Warp, mask: number, order: Order, scope: Scope): void
  /** fence.proxy.async; `space` where the instruction restricts it. */
  proxyFence(warp: Warp, mask: number, space: 'all' | 'global' | 'shared'): void

  /** mbarrier.init of the object at `linear` in `cta`'s shared memory; mbarrier.inval. A plain access between is misuse. */
  mbarrierLive(warp: Warp, lane: number, cta: Cta, linear: number): void
  mbarrierGone(cta: Cta, linear: number): void
  /** Before the arrival is counted (`key.phase` is the phase it belongs to). `order`: 'release' unless the instruction says relaxed. */
  mbarrierArrive(warp: Warp, mask: number, key: MbarrierKey, order: Order): void
  /** test_wait or try_wait that came out true for these lanes; `phase` is the completed one. `order`: 'acquire' unless relaxed. */
  mbarrierObserved(warp: Warp, mask: number, key: MbarrierKey, phase: number, order: Order): void

  /**
   * An asynchronous operation (cp.async, bulk and tensor copies, st.async, wgmma) with all bytes it will touch, inside bounds; called
   * when the instruction runs, BEFORE agents.issue(op) (which may perform it at once). `proxy`: 'async' for bulk, tensor copies and
   * wgmma operands in shared memory; 'generic' for cp.async and st.async. Until its completion is observed any conflicting access is
   * an async-race. Addresses of the ranges are resolved as `untold`. wgmma: one call per warp of the warpgroup, each with the rows it
   * reads. Bounds are the chapter's: rangeInside (addresses.ts).
   */
  asyncIssue(op: AsyncOp, proxy: 'async' | 'generic', ranges: readonly AsyncRange[]): AsyncHandle
  /**
   * Its completion is signalled to an mbarrier: call it in perform(), before completeTx or the arrival (`key.phase` is the phase it
   * counts for). cp.async.mbarrier.arrive: for each earlier cp.async of the thread, when the arrival is made. Threads observe it by
   * mbarrierObserved. Not called for operations that only a wait_group covers.
   */
  asyncDone(handle: AsyncHandle, key: MbarrierKey): void
  /** wait_group, wait_all or wgmma.wait_group by these lanes covers the operation. `readOnly` (.read): only its source is free again. */
  asyncObserved(warp: Warp, mask: number, handle: AsyncHandle, readOnly: boolean): void
  /**
   * wgmma: registers of `warp.frame` that belong to `handle` until a wait of this warp: accumulators ('write') and A fragments
   * ('read'). The scheduler then shows every instruction of the warp to `registersUsed`; wgmma instructions are exempt.
   */
  asyncRegisters(warp: Warp, handle: AsyncHandle, slots: readonly SlotUse[], kind: 'read' | 'write'): void
  registersUsed(warp: Warp, instruction: Instruction, mask: number): void
}
/** An mbarrier's state: phases count from 0; `at` is its linear place in shared memory. */
export interface MbarrierKey { readonly phase: number; readonly at: number }
/** `lane`: who accesses it, where one operation stands for several lanes; else op.lane. */
export interface AsyncRange { readonly space: 'global' | 'shared'; readonly kind: 'read' | 'write' | 'atomic'; readonly cta: Cta; readonly start: number; readonly bytes: number; readonly lane?: number }
export type AsyncHandle = object
