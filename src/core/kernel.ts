// What a launch file says: how one op call becomes dispatches of WGSL (shaders/) or launches of PTX (ptx/).
import type { OpCall, Specs, Attrs } from './op.ts'

/** A storage buffer of the call by argument name, or scratch memory that lives for this call only. */
export type Binding = string | Scratch

/** Working memory between the dispatches of one call; make it with `scratch(name, bytes)`. */
export interface Scratch { readonly scratch: string; readonly bytes: number }
export const scratch = (name: string, bytes: number): Scratch => ({ scratch: name, bytes })

/** Scalars of the kernel's `struct Uniforms`, in its order, 4 bytes each: u32(x), i32(x) or f32(x). */
export type Uniform = readonly ['u32' | 'i32' | 'f32', number]
export const u32 = (x: number): Uniform => ['u32', x]
export const i32 = (x: number): Uniform => ['i32', x]
export const f32 = (x: number): Uniform => ['f32', x]

export interface Dispatch {
  /** Names the pipeline in errors and profiles; by default the op's name. */
  readonly label?: string
  /** WGSL text. Equal texts (with equal overrides) share a pipeline. */
  readonly wgsl: string
  readonly entry: string
  /** In binding order 0, 1, ... of group 0. The uniforms, when there are any, are the next binding. */
  readonly bindings: readonly Binding[]
  readonly uniforms?: readonly Uniform[]
  readonly overrides?: Readonly<Record<string, number>>
  /** Workgroups; see `workgroups1d` for counts beyond 65,535. */
  readonly workgroups: readonly [number, number, number]
}

/** What a launch may know of the adapter. */
export interface GpuInfo {
  /** A CPU runs the shaders: no workgroup memory in hot kernels, lanes next to each other read next to each other. */
  readonly software: boolean
  /** Quad and subgroup operations are on. */
  readonly subgroups: boolean
  readonly maxBindingBytes: number
}

/** How one op runs on one kind of device: D is what that device is given, Device what a launch may know of it. */
export interface Kernel<A extends Attrs, Device, D> {
  readonly op: string
  /** Absent: every dtype and attribute that the op allows. */
  supports?(specs: Specs, attrs: A): boolean
  launch(call: OpCall & { attrs: A }, device: Device): readonly D[]
  /** Where the hardware itself computes less exactly than the op's tolerance assumes: the bound that holds for this kernel there, with its reason beside it. */
  tolerance?(specs: Specs, attrs: A, device: Device): number
}
export type WgslKernel<A extends Attrs = any> = Kernel<A, GpuInfo, Dispatch>

const maxPerDimension = 65535

/**
 * Spreads `count` workgroups over x and y. In the kernel: `let id = wg.y * num.x + wg.x` with
 * `@builtin(workgroup_id) wg` and `@builtin(num_workgroups) num`, then `if (id >= count) { return; }`.
 */
export function workgroups1d(count: number): [number, number, number] {
  if (count <= maxPerDimension) return [Math.max(1, count), 1, 1]
  const y = Math.ceil(count / maxPerDimension)
  return [Math.ceil(count / y), y, 1]
}

export const ceilDiv = (a: number, b: number) => Math.ceil(a / b)

/** What a TMA descriptor says of a tensor, as cuTensorMapEncodeTiled takes it: enum names without their prefix, defaults where one may be left out. */
export interface TensorMapShape {
  readonly dataType: 'UINT8' | 'UINT16' | 'UINT32' | 'INT32' | 'UINT64' | 'INT64' | 'FLOAT16' | 'FLOAT32' | 'FLOAT64' | 'BFLOAT16' | 'FLOAT32_FTZ' | 'TFLOAT32' | 'TFLOAT32_FTZ'
  /** Innermost first, in elements; `globalStrides` has rank - 1 entries, in bytes, from dimension 1 on. */
  readonly globalDim: readonly number[]
  readonly globalStrides: readonly number[]
  readonly boxDim: readonly number[]
  readonly elementStrides?: readonly number[]
  readonly interleave?: 'NONE' | '16B' | '32B'
  readonly swizzle?: 'NONE' | '32B' | '64B' | '128B'
  readonly l2Promotion?: 'NONE' | 'L2_64B' | 'L2_128B' | 'L2_256B'
  readonly oobFill?: 'NONE' | 'NAN_REQUEST_ZERO_FMA'
}

/** A TMA descriptor, passed by value as a 128-byte `.param .align 64 .b8 name[128]`. */
export interface TensorMapArg { readonly tensorMap: TensorMapShape & { readonly buffer: Binding; readonly byteOffset?: number } }

/** Blocks, and threads of a block. */
export interface LaunchConfig {
  readonly grid: readonly [number, number, number]
  readonly block: readonly [number, number, number]
  readonly cluster?: readonly [number, number, number]
  /** Dynamic shared memory. */
  readonly smemBytes?: number
}

/** One kernel launch. Arguments stand in the order of the entry's parameters: a binding is a 64-bit address. */
export interface PtxDispatch extends LaunchConfig {
  readonly label?: string
  /** PTX text. Equal texts share a module. */
  readonly ptx: string
  readonly entry: string
  readonly args: readonly (Binding | Uniform | TensorMapArg)[]
}

/** What is known of a CUDA device, by its launches too. */
export interface CudaInfo {
  /** Compute capability times ten: 80, 90. */
  readonly sm: number
  readonly numSms: number
  /** Largest dynamic plus static shared memory of a block, after opt-in. */
  readonly maxSmemBytes: number
  /** The emulator runs it: lanes cost time, occupancy does not. */
  readonly emulated: boolean
  /** Tensor cores sum exactly and round once, as only an emulator does; hardware drops bits (ptx-isa-notes 2.3). */
  readonly exactTensorCores: boolean
}

export interface PtxKernel<A extends Attrs = any> extends Kernel<A, CudaInfo, PtxDispatch> {
  /** Where code makes the text: what it may make, or an even choice of it, for ptxas to look at. */
  texts?(): readonly string[]
}
