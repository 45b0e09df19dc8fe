// A tensor is a spec and a reference-counted buffer on one device.
import { byteSize, encode, type DType, type Numbers } from './dtype.ts'
import type { Device } from './device.ts'
import { InputError } from './errors.ts'
import { numElements, sameShape, type Shape, type Spec } from './shape.ts'

/** A device buffer shared by a tensor and its reshaped views; goes back to the backend at zero references. */
export interface Storage { readonly handle: unknown; references: number }

export class Tensor implements Spec {
  /** Sum of what backward passes found, for leaves made with `requiresGrad`; owned by this tensor. */
  grad: Tensor | undefined

  constructor(
    readonly device: Device,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly storage: Storage,
    /** Backward passes reach this tensor: a parameter, or computed from one under a tape. */
    public requiresGrad = false,
  ) {}

  get numElements() { return numElements(this.shape) }

  /** Keeps the buffer alive past the scope that made it; pair with `release`. */
  retain(): this {
    if (this.storage.references <= 0) throw new Error(`tensor ${this.describe()} was freed already`)
    this.storage.references++
    return this
  }

  release(): void {
    if (--this.storage.references === 0) this.device.backend.free(this.storage.handle)
  }

  /** The same elements under another shape of equal size; differentiable. */
  reshape(shape: Shape): Tensor {
    if (numElements(shape) !== this.numElements) throw new InputError(`reshape: ${this.describe()} has ${this.numElements} elements, [${shape.join(', ')}] has ${numElements(shape)}`)
    if (sameShape(shape, this.shape)) return this
    const view = this.device.adopt(new Tensor(this.device, this.dtype, shape, this.retain().storage))
    this.device.tape?.record([this], [view], [], ([g]) => ({ now: [g?.reshape(this.shape)] }))
    return view
  }

  /** The contents, decoded (bf16 and fp8 to float32). Waits for the device; never needed inside a step. */
  async read(): Promise<Numbers> {
    return (await this.device.read([this]))[0]
  }

  /** The stored bytes as they are. */
  async readBytes(): Promise<Uint8Array> { return (await this.device.backend.read([this.storage.handle]))[0] }

  /** Overwrites the contents, rounding to this dtype. */
  write(values: ArrayLike<number>): void {
    if (values.length !== this.numElements) throw new InputError(`write: ${this.describe()} needs ${this.numElements} numbers, got ${values.length}`)
    this.device.backend.write(this.storage.handle, encode(values, this.dtype))
  }

  /** Overwrites the stored bytes as they are. */
  writeBytes(bytes: Uint8Array): void {
    const needed = this.numElements * byteSize[this.dtype]
    if (bytes.length !== needed) throw new InputError(`write: ${this.describe()} needs ${needed} bytes, got ${bytes.length}`)
    this.device.backend.write(this.storage.handle, bytes)
  }

  describe(): string { return `[${this.shape.join(', ')}] ${this.dtype}` }
}
