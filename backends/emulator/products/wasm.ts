// The products as one WebAssembly module that works in the emulator's memory. See products.ts; plain.ts is its oracle.
import { wasmModule, type ExportedFunction } from '../codegen/wasm_encoder.ts'
import type { Memory } from '../machine.ts'
import { elementNames } from './elements.ts'
import { emitExpand } from './emit_expand.ts'
import { emitMultiply } from './emit_multiply.ts'
import { emitLend, emitPairColumns, emitTranspose } from './emit_transpose.ts'
import type { Accumulator, Products } from './products.ts'

const accumulators: readonly Accumulator[] = ['f32', 'f16', 's32']
const modules = new Map<boolean, WebAssembly.Module>()

function moduleFor(shared: boolean): WebAssembly.Module {
  let module = modules.get(shared)
  if (module) return module
  const functions: ExportedFunction[] = [
    ...elementNames.map((type) => ({ name: `expand ${type}`, code: emitExpand(type), results: [] })),
    ...accumulators.map((kind) => ({ name: `multiply ${kind}`, code: emitMultiply(kind), results: [] })),
    { name: 'transpose', code: emitTranspose(false), results: [] },
    { name: 'transposePairs', code: emitTranspose(true), results: [] },
    { name: 'pairColumns', code: emitPairColumns(), results: [] },
    { name: 'lend', code: emitLend(false), results: [] },
    { name: 'giveBack', code: emitLend(true), results: [] },
  ]
  modules.set(shared, (module = new WebAssembly.Module(wasmModule([], functions, shared) as BufferSource)))
  return module
}

export function wasmProducts(memory: Memory): Products {
  const shared = memory.wasm.buffer.constructor.name === 'SharedArrayBuffer'
  const { exports } = new WebAssembly.Instance(moduleFor(shared), { e: { memory: memory.wasm } })
  const named = <F>(prefix: string, names: readonly string[]) => Object.fromEntries(names.map((n) => [n, exports[`${prefix} ${n}`]])) as F
  return {
    ...exports as unknown as Omit<Products, 'expand' | 'multiply'>,
    expand: named<Products['expand']>('expand', elementNames),
    multiply: named<Products['multiply']>('multiply', accumulators),
  }
}
