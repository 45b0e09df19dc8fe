// linear and groupedLinear in three precisions: values and gradients against plain float64 sums over the rounded operands.
import { expect } from 'vitest'
import { e4m3Values, fromBf16, toBf16, toE4m3 } from '../../src/core/dtype.ts'
import { caseRandom } from '../../src/check/random.ts'
import { groupedLinear, linear, type Recipe } from '../../src/model/linear.ts'
import { ParameterStore } from '../../src/model/parameters.ts'
import type { Device } from '../../src/core/device.ts'
import { maxAbs, maxDifference, onDevices } from './support.ts'

// A matrix after the rounding that a recipe does to it, [M, K]: for bf16 each number, for fp8 tiles of rows x columns numbers
// that share one scale = max(amax, 1e-4) / 448. Written here anew, in float32 steps.
function rounded(x: ArrayLike<number>, K: number, recipe: Recipe, rows: number, columns: number): Float64Array {
  if (recipe !== 'fp8') return Float64Array.from(x, (v) => (recipe === 'bf16' ? fromBf16(toBf16(v)) : v))
  const M = x.length / K
  const out = new Float64Array(x.length)
  for (let m0 = 0; m0 < M; m0 += rows) {
    for (let k0 = 0; k0 < K; k0 += columns) {
      const tile: number[] = []
      for (let m = m0; m < Math.min(M, m0 + rows); m++) for (let k = k0; k < Math.min(K, k0 + columns); k++) tile.push(m * K + k)
      const scale = Math.fround(Math.max(1e-4, ...tile.map((i) => Math.abs(x[i]))) / 448)
      for (const i of tile) out[i] = Math.fround(e4m3Values[toE4m3(Math.fround(x[i] / scale))] * scale)
    }
  }
  return out
}

/** The operands of y = x w^T, dx = dy w and dw = dy^T x; fp8 re-tiles the latter two along the rows. */
function operands(recipe: Recipe, x: ArrayLike<number>, w: ArrayLike<number>, dy: ArrayLike<number>, K: number, N: number) {
  const X = rounded(x, K, recipe, 1, 128)
  return { X, W: rounded(w, K, recipe, 128, 128), G: rounded(dy, N, recipe, 1, 128), Xw: rounded(X, K, recipe, 128, 1), Gw: rounded(dy, N, recipe, 128, 1) }
}

/** c[m, n] = sum over k of a(m, k) b(k, n). */
function product(M: number, N: number, K: number, a: (m: number, k: number) => number, b: (k: number, n: number) => number): Float64Array {
  return Float64Array.from({ length: M * N }, (_, i) => {
    let s = 0
    for (let k = 0; k < K; k++) s += a(Math.floor(i / N), k) * b(k, i % N)
    return s
  })
}

function data(name: string, ...shapes: number[][]) {
  const random = caseRandom(name)
  return shapes.map((shape) => random.normal(shape).data as Float32Array)
}

/** Sums of up to 140 products in float32. */
function check(name: string, actual: ArrayLike<number>, expected: Float64Array) {
  expect(maxDifference(actual, expected) / maxAbs(expected), name).toBeLessThan(3e-6)
}

onDevices('linear', (test) => {
  for (const recipe of ['f32', 'bf16', 'fp8'] as const) {
    for (const [T, K, N] of [[1, 8, 8], [37, 130, 72], [130, 140, 129]]) {
      test(`${recipe} [${T}, ${K}] -> ${N}`, async (device) => {
        const [x, w, dy] = data(`linear ${T} ${K} ${N}`, [T, K], [N, K], [T, N])
        const { X, W, G, Xw, Gw } = operands(recipe, x, w, dy, K, N)
        const { y, dx, dw } = await run(device, recipe, x, w, dy, [T, K, N])
        check('y', y, product(T, N, K, (t, k) => X[t * K + k], (k, n) => W[n * K + k]))
        check('dx', dx, product(T, K, N, (t, n) => G[t * N + n], (n, k) => W[n * K + k]))
        check('dw', dw, product(N, K, T, (n, t) => Gw[t * N + n], (t, k) => Xw[t * K + k]))
      })
    }

    test(`${recipe} grouped, with an empty expert and padding`, async (device) => {
      const align = recipe === 'fp8' ? 128 : 8
      const [E, K, N] = [4, 48, 136]
      const rows = [align - 3, 0, align, 2] // of each expert; the rest of a segment is padding, zero
      const offsets = [0]
      for (const n of rows) offsets.push(offsets.at(-1)! + Math.ceil(n / align) * align)
      const P = offsets[E] + align
      const [x, w, dy] = data(`grouped ${recipe}`, [P, K], [E, N, K], [P, N])
      for (let p = 0; p < P; p++) {
        const e = offsets.findLastIndex((o, e) => e < E && o <= p)
        if (e >= 0 && p - offsets[e] < rows[e] && p < offsets[e + 1]) continue
        x.fill(0, p * K, (p + 1) * K)
        dy.fill(0, p * N, (p + 1) * N)
      }
      const { X, G, Xw, Gw } = operands(recipe, x, w, dy, K, N)
      const W = Array.from({ length: E }, (_, e) => rounded(w.slice(e * N * K, (e + 1) * N * K), K, recipe, 128, 128))
      const { y, dx, dw } = await run(device, recipe, x, w, dy, [P, K, N], offsets, align)
      for (let e = 0; e < E; e++) {
        const [from, n] = [offsets[e], rows[e]]
        if (n === 0) { expect(dw.slice(e * N * K, (e + 1) * N * K).every((v) => v === 0)).toBe(true); continue }
        check(`y of ${e}`, y.slice(from * N, (from + n) * N), product(n, N, K, (t, k) => X[(from + t) * K + k], (k, m) => W[e][m * K + k]))
        check(`dx of ${e}`, dx.slice(from * K, (from + n) * K), product(n, K, N, (t, m) => G[(from + t) * N + m], (m, k) => W[e][m * K + k]))
        check(`dw of ${e}`, dw.slice(e * N * K, (e + 1) * N * K), product(N, K, n, (m, t) => Gw[(from + t) * N + m], (t, k) => Xw[(from + t) * K + k]))
      }
      expect(y.slice(offsets[E] * N).every((v) => v === 0)).toBe(true)
    })
  }

  test('weights rounded once after each change', async (device) => {
    const store = new ParameterStore(device)
    const p = store.add('w', [4, 4])
    p.tensor.write(new Array(16).fill(1))
    const x = device.tensor('f32', [1, 4], [1, 1, 1, 1])
    const value = async (recipe: Recipe) => { const y = linear(x, p, recipe); const [v] = await y.read(); y.release(); return v }
    for (const recipe of ['bf16', 'fp8'] as const) {
      p.tensor.write(new Array(16).fill(1))
      p.changed()
      expect(await value(recipe)).toBeCloseTo(4, 5)
      const live = device.backend.memory().liveBytes
      p.tensor.write(new Array(16).fill(2))
      expect(await value(recipe)).toBeCloseTo(4, 5)
      p.changed()
      expect(await value(recipe)).toBeCloseTo(8, 5)
      expect(device.backend.memory().liveBytes).toBeLessThanOrEqual(live + 64)
    }
    store.release()
    x.release()
  })
})

async function run(device: Device, recipe: Recipe, x: Float32Array, w: Float32Array, dy: Float32Array, [T, K, N]: number[], offsets?: number[], align = 8) {
  const before = device.backend.memory().liveBytes
  const store = new ParameterStore(device)
  const p = store.add('w', offsets ? [offsets.length - 1, N, K] : [N, K])
  p.tensor.write(w)
  const { y, dx } = device.scope(() => {
    const xt = device.tensor('f32', [T, K], x)
    xt.requiresGrad = true
    const { result: y, tape } = device.record(() => offsets
      ? groupedLinear(xt, p, device.tensor('i32', [offsets.length], offsets), recipe, align) : linear(xt, p, recipe))
    const [dx] = tape.backward([], { seeds: [[y, device.tensor('f32', [T, N], dy)]], wanted: [xt] })
    return { y, dx: dx! }
  })
  const result = { y: await y.read(), dx: await dx.read(), dw: await p.tensor.grad!.read() }
  for (const t of [y, dx]) t.release()
  store.release()
  expect(device.backend.memory().liveBytes).toBe(before)
  return result
}
