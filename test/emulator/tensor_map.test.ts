// Tensor maps: what an encoded one says, every limit, and the three ways to make one: a case file, the driver, a launch of an op.
import { describe, expect, it } from 'vitest'
import type { TensorMapSpec } from '../../backends/cuda/driver.ts'
import { packParams } from '../../backends/cuda/params.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { GLOBAL_HIGH } from '../../backends/emulator/machine.ts'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { CaseError, runCase, type CaseTensorMap } from '../../backends/emulator/run_case.ts'
import { decodeTensorMap, encodeTensorMap, encodeTensorMapOf, misplaced, replaceField } from '../../backends/emulator/tensor_map.ts'

const high = GLOBAL_HIGH * 2 ** 32
const good: TensorMapSpec = {
  address: high + 0x1000, dataType: 'FLOAT16', rank: 3, globalDim: [100, 2 ** 32, 7], globalStrides: [208, 2 ** 40 - 16], boxDim: [32, 256, 1], elementStrides: [8, 2, 1],
  interleave: 'NONE', swizzle: '64B', l2Promotion: 'L2_128B', oobFill: 'NAN_REQUEST_ZERO_FMA',
}

describe('encode and decode', () => {
  const memory = new LinearMemory()
  const place = memory.reserve(128, 64)
  const decode = (spec: TensorMapSpec) => { memory.u8.set(encodeTensorMap(spec), place); return decodeTensorMap(memory, place) }
  it('says what was said', () => {
    expect(encodeTensorMap(good).length).toBe(128)
    expect(decode(good)).toEqual({
      type: { name: 'FLOAT16', unit: 2, float: true }, rank: 3, low: 0x1000, high: GLOBAL_HIGH, dims: [100, 2 ** 32, 7], strides: [2, 208, 2 ** 40 - 16],
      box: [32, 256, 1], elementStrides: [1, 2, 1], swizzle: 2, oobNan: true,
    })
  })
  it('defaults', () => expect(decode({ address: high, dataType: 'UINT8', globalDim: [64], globalStrides: [], boxDim: [16] })).toMatchObject({ rank: 1, elementStrides: [1], swizzle: 0, oobNan: false }))
  it('other bytes are no tensor map', () => {
    expect(decodeTensorMap(memory, memory.reserve(128, 64))).toBe('not a tensor map')
    memory.u8.set(encodeTensorMap(good), place)
    memory.u8[place + 3] ^= 1
    expect(decodeTensorMap(memory, place)).toBe('not a tensor map')
  })
  it('a tensor that was freed is told', () => {
    const own = memory.allocate(4096, 'A')
    memory.u8.set(encodeTensorMapOf(memory, { address: high + own, dataType: 'UINT8', globalDim: [64], globalStrides: [], boxDim: [16] }), place)
    const map = decodeTensorMap(memory, place)
    if (typeof map === 'string') throw new Error(map)
    expect(misplaced(map, memory)).toBeUndefined()
    memory.deallocate(own)
    expect(misplaced(map, memory)).toMatch(/address 0x7e00[0-9a-f]+ is outside every live allocation/)
  })
  it('replaced fields, one after the other; types by the codes of the instruction', () => {
    memory.u8.set(encodeTensorMap(good), place)
    replaceField(memory, place, 'global_address', 0, 0x2000, GLOBAL_HIGH)
    replaceField(memory, place, 'rank', 0, 1, 0)
    replaceField(memory, place, 'global_dim', 1, 50, 0)
    replaceField(memory, place, 'global_stride', 0, 64, 0)
    replaceField(memory, place, 'box_dim', 0, 4, 0)
    replaceField(memory, place, 'element_stride', 1, 3, 0)
    replaceField(memory, place, 'elemtype', 0, 9, 0)
    replaceField(memory, place, 'swizzle_mode', 0, 1, 0)
    replaceField(memory, place, 'fill_mode', 0, 0, 0)
    expect(decodeTensorMap(memory, place)).toMatchObject({ low: 0x2000, rank: 2, dims: [100, 50], strides: [8, 64], box: [4, 256], elementStrides: [1, 3], type: { name: 'FLOAT64' }, swizzle: 1, oobNan: false })
    for (const [code, name] of [[7, 'FLOAT32'], [8, 'FLOAT32_FTZ'], [10, 'BFLOAT16'], [11, 'TFLOAT32']] as const) {
      replaceField(memory, place, 'elemtype', 0, code, 0)
      replaceField(memory, place, 'swizzle_mode', 0, 0, 0)
      replaceField(memory, place, 'box_dim', 0, 8, 0)
      expect(decodeTensorMap(memory, place)).toMatchObject({ type: { name } })
    }
    replaceField(memory, place, 'box_dim', 0, 3, 0)
    expect(decodeTensorMap(memory, place)).toMatch(/boxDim\[0\] is 3 elements of 4 bytes, 12 bytes; they must be a multiple of 16/)
  })
})

describe('limits', () => {
  const cases: [object, RegExp][] = [
    [{ dataType: 'FLOAT8' }, /dataType is "FLOAT8"; it must be one of UINT8 UINT16/],
    [{ dataType: '16U4_ALIGN8B' }, /dataType is "16U4_ALIGN8B", which needs sm_100/],
    [{ rank: 0 }, /rank is 0; it must be 1 to 5/],
    [{ rank: 6 }, /rank is 6/],
    [{ rank: 2 }, /globalDim is \[100,4294967296,7\]; it must have 2 entries/],
    [{ address: high + 8 }, /address is 0x7e0000000008; it must be a multiple of 16/],
    [{ globalDim: [100, 0, 7] }, /globalDim\[1\] is 0; it must be a whole number from 1 to 4294967296/],
    [{ globalDim: [100, 2 ** 32 + 1, 7] }, /globalDim\[1\] is 4294967297/],
    [{ globalStrides: [200, 2 ** 30] }, /globalStrides\[0\] is 200; it must be a multiple of 16/],
    [{ globalStrides: [208, 2 ** 40] }, /globalStrides\[1\] is 1099511627776/],
    [{ globalStrides: [208] }, /globalStrides is \[208\]; it must have 2 entries/],
    [{ boxDim: [32, 257, 1] }, /boxDim\[1\] is 257; it must be a whole number from 1 to 256/],
    [{ boxDim: [4, 1, 1], swizzle: 'NONE' }, /boxDim\[0\] is 4 elements of 2 bytes, 8 bytes; they must be a multiple of 16/],
    [{ boxDim: [40, 1, 1] }, /boxDim\[0\] is 40 elements of 2 bytes, 80 bytes; with swizzle 64B they must be at most 64/],
    [{ boxDim: [1.5, 1, 1] }, /boxDim\[0\] is 1.5/],
    [{ elementStrides: [1, 9, 1] }, /elementStrides\[1\] is 9; it must be a whole number from 1 to 8/],
    [{ elementStrides: [0, 1, 1] }, /elementStrides\[0\] is 0/],
    [{ interleave: '16B' }, /interleaved layouts are not emulated/],
    [{ interleave: '8B' }, /interleave is "8B"; it must be one of NONE 16B 32B/],
    [{ swizzle: '256B' }, /swizzle is "256B"/],
    [{ swizzle: '128B_ATOM_32B' }, /which needs sm_100/],
    [{ l2Promotion: 'L2_1B' }, /l2Promotion is "L2_1B"/],
    [{ oobFill: 'ONE' }, /oobFill is "ONE"/],
    [{ dataType: 'UINT16' }, /oobFill is NAN_REQUEST_ZERO_FMA; UINT16 has no NaN/],
  ]
  for (const [change, message] of cases) it(JSON.stringify(change), () => expect(() => encodeTensorMap({ ...good, ...change } as TensorMapSpec)).toThrow(message))
})

/** Copies its 128-byte parameter to `out`. */
const text = `.version 8.0\n.target sm_90\n.address_size 64
.visible .entry k(.param .u64 out, .param .align 64 .b8 map[128])
{ .reg .b64 %rd<4>; .reg .b32 %r<4>; .reg .pred %p; ld.param.u64 %rd1, [out]; mov.b64 %rd2, map; mov.u32 %r1, 0;
L: ld.param.u32 %r2, [%rd2]; st.global.u32 [%rd1], %r2; add.s64 %rd1, %rd1, 4; add.s64 %rd2, %rd2, 4; add.u32 %r1, %r1, 1; setp.lt.u32 %p, %r1, 32; @%p bra L; ret; }`
const shape = { dataType: 'UINT8', globalDim: [64, 4], globalStrides: [80], boxDim: [16, 2] } as const
const addressIn = (bytes: Uint8Array) => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true))

describe('arguments of a launch', () => {
  const launch = (change: object) => runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [1, 1, 1], args: [{ ptr: 'out' }, { tensorMap: { buffer: 'A', rank: 2, ...shape, ...change } as CaseTensorMap }],
    buffers: [{ name: 'out', type: 'u8', count: 128 }, { name: 'A', type: 'u8', count: 1000 }],
  }, text)
  it('a case', () => {
    const own = launch({ byteOffset: 48 }).buffers.get('out')!
    expect(own).toEqual(encodeTensorMap({ ...shape, address: addressIn(own) }))
    expect(addressIn(own) % 256).toBe(48)
  })
  it('a tensor that is no part of its buffer, an unknown buffer, a broken rule', () => {
    expect(() => launch({ byteOffset: 704 })).toThrow(/argument 1: tensorMap\.globalDim is \[64, 4\] with globalStrides \[80\], 304 bytes; buffer A has 296 from there on/)
    expect(launch({ byteOffset: 688 }).equal).toBeNull()
    expect(() => launch({ buffer: 'B' })).toThrow(/there is no buffer B/)
    expect(() => launch({ byteOffset: -16 })).toThrow(/byteOffset is -16/)
    expect(() => launch({ boxDim: [17, 2] })).toThrow(CaseError)
  })
  it('the driver, and an op with scratch', async () => {
    const driver = new EmulatorDriver('sm_90a')
    const fn = (await driver.loadModule(text, 'k')).functions.get('k')!
    const [out, a] = [driver.alloc(128), driver.alloc(1000)]
    const dispatch = (buffer: string | { scratch: string; bytes: number }) => packParams({ ptx: text, entry: 'k', grid: [1, 1, 1], block: [1, 1, 1], args: ['out', { tensorMap: { ...shape, buffer, byteOffset: 16 } }] }, fn, (_, own) => (own ? a : out), driver)
    driver.launch(fn, { grid: [1, 1, 1], block: [1, 1, 1] }, dispatch({ scratch: 'a', bytes: 1000 }))
    expect(await driver.copyFromDevice(out, 128)).toEqual(encodeTensorMap({ ...shape, address: a + 16 }))
    expect(() => dispatch('out')).toThrow(/CUDA_ERROR_INVALID_VALUE: tensorMap\.globalDim/)
    expect(() => new EmulatorDriver('sm_80').encodeTensorMap({ ...shape, address: a })).toThrow(/CUDA_ERROR_NOT_SUPPORTED: tensor maps need sm_90/)
  })
})
