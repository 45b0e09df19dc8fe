// Where a product's operands are unpacked, and which implementation of the products a machine uses.
import type { Machine, Memory } from '../machine.ts'
import { hopperProducts } from './hopper.ts'
import { plainProducts } from './plain.ts'
import type { ProductKind, Products } from './products.ts'
import { wasmProducts } from './wasm.ts'

/** Places for one product at a time. */
export interface Workspace {
  readonly products: Products
  /** Tables of up to 1024 pieces, two of 128 registers each. */
  readonly pieces: number
  readonly c: number
  readonly d: number
  /** Panels of f32: A [64, 128], B [256, 64] before and after it is transposed. */
  readonly rows: number
  readonly raw: number
  readonly columns: number
}

const spaces = new WeakMap<Memory, Map<string, Workspace>>()
const panel = { rows: 64 * 128 * 4, columns: 256 * 64 * 4 }

/** By the machine's options; `kind` matters only where products are rounded as the hardware does. */
export function workspaceOf({ memory, options }: Machine, kind: ProductKind): Workspace {
  let own = spaces.get(memory)
  if (!own) spaces.set(memory, (own = new Map()))
  const way = options.compile ? 'compiled' : 'plain'
  const name = options.tensorCore === 'hopper' ? `${way} ${kind.wgmma} ${kind.a} ${kind.b}` : way
  let workspace = own.get(name)
  if (!workspace) {
    const exact = options.compile ? wasmProducts(memory) : plainProducts(memory)
    const products = options.tensorCore === 'hopper' ? hopperProducts(memory, exact, kind) : exact
    own.set(name, (workspace = { ...(own.values().next().value ?? places(memory)), products }))
  }
  return workspace
}

function places(memory: Memory): Omit<Workspace, 'products'> {
  const pieces = memory.reserve(4096 + 1024 + panel.rows + 2 * panel.columns)
  const rows = pieces + 4096 + 1024
  return { pieces, c: pieces + 4096, d: pieces + 4096 + 512, rows, raw: rows + panel.rows, columns: rows + panel.rows + panel.columns }
}
