import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fillNormal, normal, permutation, philox, uniform } from '../../src/core/random.ts'

const words = (text: string) => text.split(' ').map((word) => parseInt(word, 16))

describe('philox', () => {
  // Random123 1.14, tests/kat_vectors, philox4x32 10.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('gives the published answer for counter %s', (counter, key, answer) => {
    expect(philox(words(key) as [number, number], words(counter) as [number, number, number, number])).toEqual(words(answer))
  })
})

describe('uniform', () => {
  it('lies in [0, 1), is exact in float32 and spread evenly', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => uniform(7, 'test', i))
    expect(values.every((v) => v >= 0 && v < 1 && Math.fround(v) === v)).toBe(true)
    const counts = new Array<number>(20).fill(0)
    for (const v of values) counts[Math.floor(v * 20)]++
    const chi2 = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
    expect(chi2).toBeLessThan(43.8) // 19 degrees of freedom, p = 0.001
  })
})

describe('normal', () => {
  it('has mean 0, variance 1 and normal tails', () => {
    const x = new Float32Array(200_000)
    fillNormal(x, 1, 'w', 1)
    const moment = (k: number) => x.reduce((sum, v) => sum + v ** k, 0) / x.length
    expect(Math.abs(moment(1))).toBeLessThan(0.01)
    expect(moment(2)).toBeCloseTo(1, 1.7)
    expect(Math.abs(moment(3))).toBeLessThan(0.03)
    expect(moment(4)).toBeCloseTo(3, 1)
    expect(x.filter((v) => Math.abs(v) > 1.96).length / x.length).toBeCloseTo(0.05, 2)
    expect(x.every((v) => Number.isFinite(v))).toBe(true)
  })

  it('is the same whole or in slices, and scales', () => {
    const whole = new Float32Array(103)
    fillNormal(whole, 9, 'layer.0', 0.02)
    for (const [begin, end] of [[0, 5], [5, 6], [6, 103]]) {
      const slice = new Float32Array(end - begin)
      fillNormal(slice, 9, 'layer.0', 0.02, begin)
      expect(slice).toEqual(whole.slice(begin, end))
    }
    expect(whole[17] / normal(9, 'layer.0', 17)).toBeCloseTo(0.02, 8)
  })

  it('differs by seed and by name', () => {
    const first = (seed: number, name: string) => Array.from({ length: 8 }, (_, i) => normal(seed, name, i))
    const all = [first(1, 'a'), first(2, 'a'), first(1, 'b'), first(1, 'ab'), first(1, 'ba'), first(1, '')].map((x) => x.join())
    expect(new Set(all).size).toBe(all.length)
    const x = new Float32Array(20_000), y = new Float32Array(20_000)
    fillNormal(x, 1, 'model.layers.0', 1)
    fillNormal(y, 1, 'model.layers.1', 1)
    expect(Math.abs(x.reduce((sum, v, i) => sum + v * y[i], 0) / x.length)).toBeLessThan(0.03)
  })

  it('reaches indices beyond 2^32', () => {
    expect(normal(1, 'a', 2 ** 34)).not.toBe(normal(1, 'a', 0))
  })
})

describe('permutation', () => {
  it('takes every index once', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), fc.string(), (n, seed, name) => {
      const at = permutation(n, seed, name)
      const seen = new Uint8Array(n)
      for (let i = 0; i < n; i++) seen[at(i)]++
      expect(seen.every((count) => count === 1)).toBe(true)
    }), { numRuns: 60 })
  })

  it('mixes: few fixed points, no order left, another order for another seed', () => {
    const n = 5000
    const a = permutation(n, 1, 'epoch.0'), b = permutation(n, 1, 'epoch.1'), c = permutation(n, 2, 'epoch.0')
    const indices = Array.from({ length: n }, (_, i) => i)
    expect(indices.filter((i) => a(i) === i).length).toBeLessThan(10)
    expect(indices.filter((i) => a(i) === b(i)).length).toBeLessThan(10)
    expect(indices.filter((i) => a(i) === c(i)).length).toBeLessThan(10)
    const ups = indices.slice(1).filter((i) => a(i) > a(i - 1)).length
    expect(Math.abs(ups / n - 0.5)).toBeLessThan(0.03)
    const correlation = indices.reduce((sum, i) => sum + (i - n / 2) * (a(i) - n / 2), 0) / (n ** 3 / 12)
    expect(Math.abs(correlation)).toBeLessThan(0.06)
  })

  it('puts each of three items in each place about as often', () => {
    const orders = new Map<string, number>()
    for (let seed = 0; seed < 3000; seed++) {
      const at = permutation(3, seed, 'x')
      const order = [at(0), at(1), at(2)].join('')
      orders.set(order, (orders.get(order) ?? 0) + 1)
    }
    expect(orders.size).toBe(6)
    expect(Math.min(...orders.values())).toBeGreaterThan(350)
  })

  it('needs no memory for a large n and refuses what is outside', () => {
    const at = permutation(2 ** 45 + 1, 3, 'big')
    expect(new Set(Array.from({ length: 1000 }, (_, i) => at(i))).size).toBe(1000)
    expect(() => permutation(0, 1, '')).toThrow(RangeError)
    expect(() => permutation(5, 1, '')(5)).toThrow(RangeError)
    expect(() => permutation(5, 1, '')(-1)).toThrow(RangeError)
  })
})
