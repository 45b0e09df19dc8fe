// Reverse-mode differentiation on a tape. Backward is split: gradients of inputs now, those of weights maybe later.
import type { Device } from './device.ts'
import type { Attrs, Op, Specs } from './op.ts'
import type { Tensor } from './tensor.ts'

type Grads = (Tensor | undefined)[]
/** Gradients in the order of the recorded inputs; `later` may give the rest afterwards. */
export interface Backward { now: Grads; later?: () => Grads }
/** `queue` is where the pass around it delays weight gradients, if it does: for those that run a backward pass of their own. */
type BackwardOf = (grads: Grads, queue?: WeightQueue) => Backward

interface Node {
  inputs: Tensor[]
  outputs: Tensor[]
  /** Retained until this node's backward, the delayed part included, has run. */
  saved: Tensor[]
  backward: BackwardOf
}

/** Weight gradients that wait. Run them in any order that suits the schedule; each runs once. */
export class WeightQueue {
  private thunks: (() => void)[] = []
  get length() { return this.thunks.length }
  push(thunk: () => void) { this.thunks.push(thunk) }
  /** Runs the oldest `count` (all by default). */
  run(count = this.thunks.length) { for (const thunk of this.thunks.splice(0, count)) thunk() }
}

export class Tape {
  private nodes: Node[] = []
  constructor(private readonly device: Device) {}

  /** Notes a computation from `inputs` to `outputs`. Nothing is kept when no input needs a gradient. */
  record(inputs: Tensor[], outputs: Tensor[], saved: Tensor[], backward: BackwardOf): void {
    if (inputs.some((t) => t.requiresGrad)) this.recordAlways(inputs, outputs, saved, backward)
  }

  /** As `record`, for a computation whose parameters are not among its inputs. */
  recordAlways(inputs: Tensor[], outputs: Tensor[], saved: Tensor[], backward: BackwardOf): void {
    for (const t of outputs) t.requiresGrad = true
    // Outputs are keys of the gradient map only: holding the object does not hold the buffer.
    this.nodes.push({ inputs, outputs, saved: saved.map((t) => t.retain()), backward })
  }

  recordOp(op: Op, inputs: Record<string, Tensor>, out: Record<string, Tensor>, specs: Specs, attrs: Attrs): void {
    if (!op.vjp) return
    const names = op.args.filter(([, role]) => role !== 'out').map(([name]) => name)
    const outNames = Object.keys(out)
    const saved = Object.fromEntries((op.saves ?? []).map((name) => [name, inputs[name] ?? out[name]]))
    this.record(names.map((n) => inputs[n]), outNames.map((n) => out[n]), Object.values(saved), (grads) => {
      const named = Object.fromEntries(outNames.map((n, i) => [n, grads[i]]))
      const { now, later } = op.vjp!({ saved, specs, attrs }, named)
      return { now: names.map((n) => now[n]), later: later && (() => { const g = later(); return names.map((n) => g[n]) }) }
    })
  }

  /** Frees what the tape saved without running backward. */
  discard(): void {
    for (const node of this.nodes) for (const t of node.saved) t.release()
    this.nodes = []
  }

  /**
   * Runs backward from scalar `roots`, each with gradient one, and adds to `.grad` of every leaf that requires it.
   * `seeds` gives gradients of further tensors (a pipeline stage's output). Delayed weight gradients go to `queue`, or run
   * at once. The tape is used up. Returns the gradients asked for in `wanted` (to be released by the caller's scope).
   */
  backward(roots: Tensor[], options: { seeds?: [Tensor, Tensor][]; queue?: WeightQueue; wanted?: Tensor[] } = {}): (Tensor | undefined)[] {
    return this.device.withoutTape(() => {
      const grads = new Map<Tensor, Tensor>()
      const isOutput = new Set(this.nodes.flatMap((n) => n.outputs))
      const rootSet = new Set(roots)
      const wanted = new Set(options.wanted ?? [])
      const add = (t: Tensor, g: Tensor | undefined) => {
        if (!g || !t.requiresGrad) return
        if (isOutput.has(t) || wanted.has(t)) accumulate(grads, t, g)
        else t.grad = sum(t.grad, g)
      }
      for (const [t, g] of options.seeds ?? []) add(t, g)
      for (const node of this.nodes.splice(0).reverse()) {
        const incoming = node.outputs.map((t) => grads.get(t))
        const used = incoming.some((g) => g) || node.outputs.some((t) => rootSet.has(t))
        const release = () => {
          for (const t of node.saved) t.release()
          for (const t of node.outputs) if (!wanted.has(t)) { grads.get(t)?.release(); grads.delete(t) }
        }
        if (!used) { release(); continue }
        this.device.scope(() => {
          const { now, later } = node.backward(incoming, options.queue)
          node.inputs.forEach((t, i) => add(t, now[i]))
          if (!later) return release()
          // The thunk may run long after: it holds on to the gradients it was given.
          for (const g of incoming) g?.retain()
          const run = () => this.device.scope(() => {
            later().forEach((g, i) => add(node.inputs[i], g))
            for (const t of node.saved) t.release()
            for (const g of incoming) g?.release()
          })
          for (const t of node.outputs) if (!wanted.has(t)) { grads.get(t)?.release(); grads.delete(t) }
          if (options.queue) options.queue.push(() => this.device.withoutTape(run))
          else run()
        })
      }
      return (options.wanted ?? []).map((t) => { const g = grads.get(t); return g && this.device.adopt(g) })
    })
  }
}

function accumulate(grads: Map<Tensor, Tensor>, t: Tensor, g: Tensor): void {
  grads.set(t, sum(grads.get(t), g))
}

/** Takes over `g` (or adds it to what is there); the result outlives the scope that made `g`. */
function sum(old: Tensor | undefined, g: Tensor): Tensor {
  if (!old) return g.retain()
  const total = addGradients(old, g).retain()
  old.release()
  return total
}

// `add` is an op and core knows no op by name: src/ops/add.ts installs it.
let addGradients: (a: Tensor, b: Tensor) => Tensor = () => { throw new Error('import src/ops/add.ts before running backward') }
export function setGradientSum(fn: (a: Tensor, b: Tensor) => Tensor): void { addGradients = fn }

/**
 * Runs `fn(inputs)` and keeps only the inputs: backward runs `fn` again to get what it needs. `fn` must be a pure function
 * of its inputs and of leaves. Gradients of leaves inside `fn` go to their `.grad` as usual, by way of the queue where the pass
 * around has one.
 */
export function recompute(device: Device, inputs: Tensor[], fn: (inputs: Tensor[]) => Tensor): Tensor {
  const out = device.withoutTape(() => device.scope(() => fn(inputs)))
  const outer = device.tape
  if (!outer) return out
  out.requiresGrad = true
  outer.recordAlways(inputs, [out], inputs, ([g], queue) => {
    const { result, tape } = device.record(() => device.scope(() => fn(inputs)))
    return { now: tape.backward([], { seeds: g ? [[result, g]] : [], wanted: inputs, queue }) }
  })
  return out
}
