// Stored tensors -> the two typed arrays that the rest of Weft computes with.
import { decode } from '../core/dtype.ts'
import { InputError } from '../core/errors.ts'
import { type StoredDType, storedBytes } from './safetensors_header.ts'

interface Stored { dtype: StoredDType; bytes: Uint8Array }

/**
 * F32, BF16, F16, F8_E4M3, F8_E5M2 exactly; F64 rounded to nearest (beyond f32's range: infinity). F32 may share memory
 * with `bytes`. `where` names file and tensor in the InputError for any other dtype.
 */
export function toFloat32({ dtype, bytes }: Stored, where = 'the tensor'): Float32Array {
  const x = aligned(bytes, storedBytes[dtype])
  const length = bytes.length / storedBytes[dtype]
  switch (dtype) {
    case 'F32': return decode(x, 'f32', length) as Float32Array
    case 'BF16': return decode(x, 'bf16', length) as Float32Array
    case 'F16': return decode(x, 'f16', length) as Float32Array
    case 'F8_E4M3': return decode(x, 'e4m3', length) as Float32Array
    case 'F8_E5M2': return decode(x, 'e5m2', length) as Float32Array
    case 'F64': return Float32Array.from(new Float64Array(x.buffer, x.byteOffset, length))
    default: throw new InputError(`${where} is ${dtype}, must be F32, BF16, F16, F64 or F8`)
  }
}

/** I64 and the smaller integer types; a value outside int32 is an InputError. I32 may share memory with `bytes`. */
export function toInt32({ dtype, bytes }: Stored, where = 'the tensor'): Int32Array {
  const x = aligned(bytes, storedBytes[dtype])
  const length = bytes.length / storedBytes[dtype]
  const at = x.byteOffset
  switch (dtype) {
    case 'I32': return new Int32Array(x.buffer, at, length)
    case 'I64': return fromI64(new Int32Array(x.buffer, at, 2 * length), where)
    case 'U32': return fromU32(new Uint32Array(x.buffer, at, length), where)
    case 'I16': return Int32Array.from(new Int16Array(x.buffer, at, length))
    case 'U16': return Int32Array.from(new Uint16Array(x.buffer, at, length))
    case 'I8': return Int32Array.from(new Int8Array(x.buffer, at, length))
    case 'U8': return Int32Array.from(x)
    default: throw new InputError(`${where} is ${dtype}, must be an integer type`)
  }
}

/** Halves of little-endian int64: the value fits when the high half is the sign of the low one. */
function fromI64(halves: Int32Array, where: string): Int32Array {
  const out = new Int32Array(halves.length / 2)
  for (let i = 0; i < out.length; i++) {
    const low = halves[2 * i]
    const high = halves[2 * i + 1]
    if (high !== low >> 31) {
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0)
      throw new InputError(`${where}: element ${i} is ${value}, must fit into 32 bits`)
    }
    out[i] = low
  }
  return out
}

function fromU32(x: Uint32Array, where: string): Int32Array {
  const bad = x.findIndex((v) => v > 0x7fffffff)
  if (bad >= 0) throw new InputError(`${where}: element ${bad} is ${x[bad]}, must be below 2^31`)
  return Int32Array.from(x)
}

/** Typed arrays need an offset that is a multiple of the element size; tensors inside a larger buffer may not have it. */
const aligned = (bytes: Uint8Array, size: number): Uint8Array => (bytes.byteOffset % size ? bytes.slice() : bytes)
