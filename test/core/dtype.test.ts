import { describe, expect, it } from 'vitest'
import { decode, e4m3Values, e5m2Values, encode, fromBf16, fromF16, toBf16, toE4m3, toE5m2, toF16, type DType } from '../../src/core/dtype.ts'
import { readGolden } from '../support/golden.ts'

describe('small floats', async () => {
  const table = await readGolden('fp8/fp8_table.safetensors')
  const x = (await table('x')).f32

  const formats: [name: string, codes: string, encodeOne: (x: number) => number, values: Float32Array, decodeTable: string][] = [
    ['e4m3', 'e4m3fn_sat', toE4m3, e4m3Values, 'decode_e4m3fn'],
    ['e5m2', 'e5m2_sat', toE5m2, e5m2Values, 'decode_e5m2'],
  ]
  for (const [name, codes, encodeOne, values, decodeTable] of formats) {
    it(`${name} encodes all ${x.length} values of the golden table`, async () => {
      const expected = (await table(codes)).bytes
      const wrong = [...x.keys()].filter((i) => (Number.isNaN(x[i]) ? !Number.isNaN(values[encodeOne(x[i])]) : encodeOne(x[i]) !== expected[i]))
      expect(wrong.map((i) => `${x[i]} -> ${encodeOne(x[i])}, expected ${expected[i]}`)).toEqual([])
      const bytes = encode(x, name as DType)
      expect(bytes.every((c, i) => Number.isNaN(x[i]) || c === expected[i])).toBe(true)
    })

    it(`${name} decodes all 256 codes as the golden table`, async () => {
      expect([...values]).toEqual([...(await table(decodeTable)).f32])
    })
  }

  it('f16 and bf16: every code that is not NaN comes back', () => {
    for (let code = 0; code < 65536; code++) {
      const half = fromF16(code), brain = fromBf16(code)
      if (half === half && toF16(half) !== code) throw new Error(`f16 ${code} -> ${half} -> ${toF16(half)}`)
      if (brain === brain && toBf16(brain) !== code) throw new Error(`bf16 ${code} -> ${brain} -> ${toBf16(brain)}`)
    }
  })

  it('ties go to even, f16 overflows to infinity, fp8 saturates, NaN stays NaN', () => {
    expect(toF16(1 + 2 ** -11)).toBe(0x3c00)
    expect(toF16(1 + 3 * 2 ** -11)).toBe(0x3c02)
    expect(toF16(1 + 2 ** -11 + 2 ** -40)).toBe(0x3c01) // the tie is broken far below: one rounding, from float64
    expect([toF16(65519), toF16(65520), toF16(-1e300), toF16(2 ** -25), toF16(2 ** -25 * 1.001)]).toEqual([0x7bff, 0x7c00, 0xfc00, 0, 1])
    expect([toE4m3(1e300), toE4m3(-Infinity), toE5m2(Infinity), toE4m3(NaN), toE5m2(NaN)]).toEqual([0x7e, 0xfe, 0x7b, 0x7f, 0x7f])
    expect(Number.isNaN(fromBf16(toBf16(NaN)))).toBe(true)
  })

  it('encode and decode are inverse for what a type can hold', () => {
    const types: [DType, number[]][] = [['f32', [0.1, -3]], ['bf16', [1.5, -2, 256]], ['f16', [0.5, 2048]], ['e4m3', [448, -0.001953125]],
      ['e5m2', [57344, 0.25]], ['i32', [-7, 2 ** 31 - 1]], ['u32', [2 ** 32 - 1]], ['u8', [255, 0]]]
    for (const [dtype, values] of types) {
      expect([...decode(encode(values, dtype), dtype, values.length)]).toEqual(dtype === 'f32' ? values.map(Math.fround) : values)
    }
  })
})
