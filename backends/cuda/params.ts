// Packs the arguments of a launch into the kernel's parameter block.
import type { PtxDispatch } from '../../src/core/kernel.ts'
import type { CudaFunction, DevicePointer } from './driver.ts'

/** `pointerOf(name, scratch)`: the address of an argument of the call, or of scratch memory. */
export function packParams(d: PtxDispatch, fn: CudaFunction, pointerOf: (name: string, scratch: boolean) => DevicePointer): Uint8Array {
  if (d.args.length !== fn.params.length) throw new Error(`${d.entry}: ${d.args.length} arguments, the kernel has ${fn.params.length} parameters`)
  const block = new Uint8Array(fn.paramBytes)
  const view = new DataView(block.buffer)
  d.args.forEach((arg, i) => {
    const { offset, bytes } = fn.params[i]
    const need = (size: number, what: string) => { if (bytes !== size) throw new Error(`${d.entry}: argument ${i} is ${what} of ${size} bytes, the parameter has ${bytes}`) }
    const pointer = (value: DevicePointer) => { need(8, 'an address'); view.setBigUint64(offset, BigInt(value), true) }
    if (typeof arg === 'string') pointer(pointerOf(arg, false))
    else if ('scratch' in arg) pointer(pointerOf(arg.scratch, true))
    else if ('tensorMap' in arg) throw new Error(`${d.entry}: tensor maps are not built yet`)
    else {
      const [type, value] = arg
      need(4, `a ${type}`)
      if (type === 'f32') view.setFloat32(offset, value, true)
      else if (type === 'i32') view.setInt32(offset, value, true)
      else view.setUint32(offset, value, true)
    }
  })
  return block
}
