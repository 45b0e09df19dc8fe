// Which unit of an SM a PTX instruction keeps busy, and what it counts for. PTX, not SASS: ptxas makes several of some (div, cvt).
import type { Instruction } from '../machine.ts'

export const instructionClasses = [
  'tensor core', 'float', 'half', 'double', 'special function', 'integer', 'compare and select', 'conversion', 'move', 'global load', 'global store', 'shared load', 'shared store',
  'local', 'constant and parameter', 'atomic', 'asynchronous copy', 'between lanes', 'barrier and fence', 'control',
] as const
export type InstructionClass = (typeof instructionClasses)[number]

const special = new Set(['ex2', 'lg2', 'sin', 'cos', 'tanh', 'rcp', 'rsqrt', 'sqrt', 'div'])
const betweenLanes = new Set(['shfl', 'vote', 'match', 'redux', 'activemask', 'elect'])
const compares = new Set(['setp', 'set', 'selp', 'slct', 'min', 'max', 'testp'])
const moves = new Set(['mov', 'cvta', 'mapa', 'isspacep', 'getctarank', 'prmt', 'movmatrix'])
const barriers = new Set(['bar', 'barrier', 'membar', 'fence', 'mbarrier', 'griddepcontrol', 'setmaxnreg', 'nanosleep'])
const controls = new Set(['bra', 'brx', 'call', 'ret', 'exit', 'trap', 'brkpt', 'pmevent'])
const asynchronous = /^(cp\.async|cp\.reduce\.async|st\.async|red\.async|prefetch|applypriority|discard|createpolicy|tensormap)/
const memory = new Set(['ld', 'ldu', 'st', 'ldmatrix', 'stmatrix'])
const atomics = new Set(['atom', 'red', 'multimem'])

/** Loads and stores by generic address count as global: `space` tells where an access really went. */
export function classOf({ name, tensorFlop }: Instruction): InstructionClass {
  const parts = name.split('.')
  const opcode = parts[0]
  if (tensorFlop !== undefined || opcode === 'wgmma' || opcode === 'wmma') return parts.includes('fence') || parts.includes('commit_group') || parts.includes('wait_group') ? 'barrier and fence' : 'tensor core'
  if (asynchronous.test(name)) return 'asynchronous copy'
  if (atomics.has(opcode)) return 'atomic'
  if (memory.has(opcode)) return memoryClass(opcode, parts)
  if (betweenLanes.has(opcode)) return 'between lanes'
  if (barriers.has(opcode)) return 'barrier and fence'
  if (controls.has(opcode)) return 'control'
  if (moves.has(opcode)) return 'move'
  if (opcode === 'cvt') return 'conversion'
  const type = parts.at(-1)!
  const floating = /^(f|bf)(16|32|64)/.test(type)
  if (special.has(opcode) && floating) return type === 'f64' ? 'double' : 'special function'
  if (compares.has(opcode)) return 'compare and select'
  if (!floating) return 'integer'
  return type === 'f64' ? 'double' : type === 'f32' ? 'float' : 'half'
}

function memoryClass(opcode: string, parts: readonly string[]): InstructionClass {
  const space = parts.find((p) => /^(global|shared|local|const|param)/.test(p)) ?? 'global'
  const store = opcode.startsWith('st')
  if (opcode.endsWith('matrix') || space.startsWith('shared')) return store ? 'shared store' : 'shared load'
  if (space === 'local') return 'local'
  if (space === 'const' || space.startsWith('param')) return 'constant and parameter'
  return store ? 'global store' : 'global load'
}

/** Floating-point operations of one lane: a multiply-add counts two, a packed pair twice. Divisions and roots count none. */
export function flopOf(instruction: Instruction): number {
  const [opcode] = instruction.name.split('.')
  const each = opcode === 'fma' || opcode === 'mad' ? 2 : opcode === 'add' || opcode === 'sub' || opcode === 'mul' ? 1 : 0
  return /x2$/.test(instruction.name) ? 2 * each : each
}

export type TensorType = '8-bit float' | '16-bit float' | 'tf32' | '8-bit integer' | 'double'

/** By the type of the factors, which decides the rate. */
export function tensorTypeOf(name: string): TensorType {
  if (/\.(e4m3|e5m2)/.test(name)) return '8-bit float'
  if (/\.tf32/.test(name)) return 'tf32'
  if (/\.[su](8|4)\b|\.b1\b/.test(name)) return '8-bit integer'
  return /\.f64/.test(name) ? 'double' : '16-bit float'
}
