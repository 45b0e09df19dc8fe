// Packs the arguments of a launch into the kernel's parameter block.
import type { Binding, PtxDispatch } from '../../src/core/kernel.ts'
import type { CudaDriver, CudaFunction, DevicePointer } from './driver.ts'

/** `pointerOf(name, scratch)`: the address of an argument of the call, or of scratch memory. */
export function packParams(d: PtxDispatch, fn: CudaFunction, pointerOf: (name: string, scratch: boolean) => DevicePointer, driver: Pick<CudaDriver, 'encodeTensorMap'>): Uint8Array {
  if (d.args.length !== fn.params.length) throw new Error(`${d.entry}: ${d.args.length} arguments, the kernel has ${fn.params.length} parameters`)
  const block = new Uint8Array(fn.paramBytes)
  const view = new DataView(block.buffer)
  d.args.forEach((arg, i) => {
    const { offset, bytes } = fn.params[i]
    const need = (size: number, what: string) => { if (bytes !== size) throw new Error(`${d.entry}: argument ${i} is ${what} of ${size} bytes, the parameter has ${bytes}`) }
    const pointer = (value: DevicePointer) => { need(8, 'an address'); view.setBigUint64(offset, BigInt(value), true) }
    const addressOf = (binding: Binding) => (typeof binding === 'string' ? pointerOf(binding, false) : pointerOf(binding.scratch, true))
    if (typeof arg === 'string' || 'scratch' in arg) pointer(addressOf(arg))
    else if ('tensorMap' in arg) {
      need(128, 'a tensor map')
      const { buffer, byteOffset = 0, ...shape } = arg.tensorMap
      block.set(driver.encodeTensorMap({ ...shape, address: addressOf(buffer) + byteOffset }), offset)
    }
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
