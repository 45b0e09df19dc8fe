// What a model learns: named tensors on a device, and where each Hugging Face tensor lies in them. Inside, gate and up
// projections are one matrix and a layer's experts are one stack, so that each is one GEMM; outside, names are Hugging Face's.
import type { Device } from '../core/device.ts'
import type { Numbers } from '../core/dtype.ts'
import { InputError } from '../core/errors.ts'
import { numElements, type Shape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

/** A Hugging Face tensor as a run of elements of an internal one. */
export interface Slice { readonly name: string; readonly shape: Shape; readonly start: number; readonly numElements: number }

/** How fresh weights begin: `normal` N(0, initializerRange), `one` for norms, `zero` for the router's bias. */
export type Start = 'normal' | 'one' | 'zero'

type Forms = Record<string, Tensor>

export class Parameter {
  readonly tensor: Tensor // f32: the master weights
  readonly slices: readonly Slice[]
  private forms = new Map<string, { version: number; tensors: Forms }>()
  private version = 0

  constructor(
    readonly device: Device, readonly name: string, shape: Shape, pieces: readonly { name: string; shape: Shape }[],
    readonly start: Start,
    /** false: a buffer, without gradient and optimizer state. */
    readonly trainable: boolean,
    /** Weight decay acts on it: on every parameter, norms too. */
    readonly decay = trainable,
  ) {
    let at = 0
    this.slices = pieces.map((p) => {
      const size = numElements(p.shape)
      at += size
      return { ...p, start: at - size, numElements: size }
    })
    if (at !== numElements(shape)) throw new Error(`parameter ${name}: [${shape.join(', ')}] is not the size of its slices, ${at}`)
    this.tensor = lasting(device, () => device.empty('f32', shape))
    this.tensor.requiresGrad = trainable
  }

  /** To be called after the weights were written: forms made from them are made anew at their next use. */
  changed(): void { this.version++ }

  /** Another form of the weights (bf16; fp8 with scales), made once after each change. */
  form<F extends Forms>(key: string, make: (weights: Tensor) => F): F {
    const old = this.forms.get(key)
    if (old?.version === this.version) return old.tensors as F
    if (old) releaseAll(old.tensors)
    const tensors = this.device.withoutTape(() => lasting(this.device, () => make(this.tensor)))
    this.forms.set(key, { version: this.version, tensors })
    return tensors
  }

  dropGradient(): void {
    this.tensor.grad?.release()
    this.tensor.grad = undefined
  }

  release(): void {
    this.dropGradient()
    this.tensor.release()
    for (const form of this.forms.values()) releaseAll(form.tensors)
    this.forms.clear()
  }
}

/** What `make` returns (a tensor, or a record of them) lives until released, whatever scopes are open. */
export function lasting<R extends Tensor | Forms>(device: Device, make: () => R): R {
  let made!: R
  device.scope(() => {
    made = make()
    if ('storage' in made) (made as Tensor).retain()
    else for (const t of Object.values(made)) t.retain()
  })
  return made
}

const releaseAll = (tensors: Forms) => { for (const t of Object.values(tensors)) t.release() }

/** A tensor as the safetensors writer takes it. */
export interface NamedSource { name: string; dtype: 'F32' | 'BF16'; shape: Shape; bytes: () => Promise<Uint8Array> }

/** Reads a Hugging Face tensor's numbers; must reject for a name it does not have. */
export type ReadNumbers = (name: string, shape: Shape) => Promise<ArrayLike<number>>

export class ParameterStore {
  private readonly byName = new Map<string, Parameter>()

  constructor(readonly device: Device) {}

  /** A tensor that is one Hugging Face tensor. */
  add(name: string, shape: Shape, start: Start = 'normal', trainable = true): Parameter {
    return this.stack(name, shape, [{ name, shape }], start, trainable)
  }

  /** A tensor that holds several, one after the other. */
  stack(name: string, shape: Shape, pieces: readonly { name: string; shape: Shape }[], start: Start = 'normal', trainable = true): Parameter {
    if (this.byName.has(name)) throw new Error(`parameter ${name} exists`)
    const parameter = new Parameter(this.device, name, shape, pieces, start, trainable)
    this.byName.set(name, parameter)
    return parameter
  }

  get(name: string): Parameter {
    const parameter = this.byName.get(name)
    if (!parameter) throw new Error(`no parameter ${name}`)
    return parameter
  }

  /** Parameters and buffers, in the order in which the model uses them. */
  get all(): Parameter[] { return [...this.byName.values()] }
  get trainable(): Parameter[] { return this.all.filter((p) => p.trainable) }

  dropGradients(): void { for (const p of this.all) p.dropGradient() }

  /**
   * Fills every parameter from Hugging Face tensors; with `target`, that tensor of each parameter instead (an optimizer's
   * moment), for those that have one. Numbers are rounded to the target's dtype.
   */
  async load(read: ReadNumbers, target?: (p: Parameter) => Tensor | undefined): Promise<void> {
    for (const p of this.all) {
      const tensor = target ? target(p) : p.tensor
      if (!tensor) continue
      const numbers = new Float32Array(tensor.numElements)
      for (const slice of p.slices) {
        const values = await read(slice.name, slice.shape)
        if (values.length !== slice.numElements) {
          throw new InputError(`${slice.name} has ${values.length} elements, must have ${slice.numElements}: [${slice.shape.join(', ')}]`)
        }
        numbers.set(values, slice.start)
      }
      tensor.write(numbers)
      if (!target) p.changed()
    }
  }

  /**
   * Hugging Face tensors to write: the weights and buffers, or the tensor `of` each parameter (gradients, moments), of
   * those that have one. Each internal tensor is read from the device once when the sources are read in order.
   */
  sources(of: (p: Parameter) => Tensor | undefined = (p) => p.tensor): NamedSource[] {
    let last: { parameter: Parameter; bytes: Promise<Uint8Array> } | undefined
    return this.all.flatMap((parameter) => {
      const tensor = of(parameter)
      if (!tensor) return []
      if (tensor.dtype !== 'f32' && tensor.dtype !== 'bf16') throw new Error(`sources: ${parameter.name} ${tensor.describe()} must be f32 or bf16`)
      const dtype = tensor.dtype === 'f32' ? 'F32' as const : 'BF16' as const
      const size = tensor.dtype === 'f32' ? 4 : 2
      return parameter.slices.map(({ name, shape, start, numElements }) => ({
        name, dtype, shape,
        bytes: async () => {
          if (last?.parameter !== parameter) last = { parameter, bytes: tensor.readBytes() }
          return (await last.bytes).subarray(start * size, (start + numElements) * size)
        },
      }))
    })
  }

  /** The numbers of one Hugging Face tensor: of the weights, or of the tensor that `of` gives. */
  async read(name: string, of: (p: Parameter) => Tensor | undefined = (p) => p.tensor): Promise<Numbers | undefined> {
    for (const p of this.all) {
      const slice = p.slices.find((s) => s.name === name)
      if (slice) return (await of(p)?.read())?.slice(slice.start, slice.start + slice.numElements)
    }
    throw new Error(`no tensor ${name}`)
  }

  release(): void {
    for (const p of this.all) p.release()
    this.byName.clear()
  }
}
