// Whether the blocks of a launch may see what others of the same launch do. Only those that do not run on several threads at once.
//
// The rule is careful: a function talks if it, or anything it may call, has an atomic, a reduction or an access with an order
// (volatile, relaxed, acquire, release, mmio) outside of shared memory, a fence beyond the block, a clock (which counts the
// instructions of all), a wait that others end (nanosleep, griddepcontrol), works on clusters, changes tensor maps, or calls what
// is not defined here (the system's functions). Plain loads and stores of memory that another block writes in the same launch
// are a race, which no order of blocks is promised for.
import type { Operand, PtxFunction, Statement } from './ast.ts'

const ordered = /^(volatile|relaxed|acquire|release|acq_rel|sc|mmio|cv)$/
const inShared = (s: Statement) => s.modifiers.some((m) => m === 'shared' || m === 'shared::cta')

function talks(s: Statement, isDefined: (name: string) => boolean): boolean {
  switch (s.opcode) {
    case 'atom': case 'red': return !inShared(s)
    case 'ld': case 'st': return s.modifiers.some((m) => ordered.test(m)) && !inShared(s)
    case 'membar': return !s.modifiers.includes('cta')
    case 'fence': return s.modifiers.some((m) => /^(gpu|sys|cluster)$/.test(m))
    case 'multimem': case 'nanosleep': case 'griddepcontrol': case 'mapa': case 'getctarank': case 'tensormap': return true
    case 'barrier': return s.modifiers.includes('cluster')
    case 'cp': return s.modifiers.includes('reduce') || s.modifiers.some((m) => m.startsWith('multicast') || m === 'fence')
    case 'call': return s.operands.some((o) => callsOutside(o, isDefined))
    default: return s.modifiers.includes('shared::cluster') || s.operands.some(readsClock)
  }
}

const readsClock = (o: Operand): boolean => o.kind === 'special' && /^%(clock|globaltimer|pm\d)/.test(o.name)
/** A register may hold the address of any function: those that are defined are reached already. */
const callsOutside = (o: Operand, isDefined: (name: string) => boolean): boolean => o.kind === 'function' && !isDefined(o.name)

/** `functions`: an entry and all that it may call. */
export function blocksTalk(functions: readonly PtxFunction[]): boolean {
  const names = new Set(functions.map((f) => f.name))
  return functions.some((f) => f.body!.statements.some((s) => talks(s, (name) => names.has(name))))
}
