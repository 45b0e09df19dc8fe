// The emulator's linear memory: alignment, guard space, reuse, and a model of allocations under random use.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinearMemory, OutOfMemory } from '../../backends/emulator/memory.ts'

describe('allocations', () => {
  it('are 256-byte aligned, zero, and apart by guard space that belongs to nobody', () => {
    const m = new LinearMemory()
    const [a, b] = [m.allocate(100, 'a'), m.allocate(1, 'b')]
    for (const at of [a, b]) expect(at % 256).toBe(0)
    expect([m.allocationAt(a)?.what, m.allocationAt(a + 99)?.what, m.allocationAt(a + 100), m.allocationAt(a - 1), m.allocationAt(b)?.what]).toEqual(['a', 'a', undefined, undefined, 'b'])
    expect(Math.abs(a - b)).toBeGreaterThanOrEqual(100 + 256)
    expect(m.u8.subarray(a, a + 100).every((x) => x === 0)).toBe(true)
  })
  it('an address of a freed one belongs to nobody, also just after it was found there', () => {
    const m = new LinearMemory()
    const a = m.allocate(64, 'a')
    const before = m.allocationAt(a + 5)
    m.deallocate(a)
    expect([before?.live, m.allocationAt(a + 5)]).toEqual([false, undefined])
    expect(() => m.deallocate(a)).toThrow(/is not an allocation/)
  })
  it('used memory is zero again when it is given out again', () => {
    const m = new LinearMemory()
    const a = m.allocate(512, 'a')
    m.u8.fill(7, a, a + 512)
    m.deallocate(a)
    const b = m.allocate(512, 'b')
    expect(b).toBe(a)
    expect(m.u8.subarray(b, b + 512).some((x) => x !== 0)).toBe(false)
  })
  it('null is never an allocation', () => {
    const m = new LinearMemory()
    m.allocate(16, 'a')
    expect(m.allocationAt(0)).toBeUndefined()
  })
})

it('growing keeps contents and renews the views', () => {
  const m = new LinearMemory()
  const a = m.allocate(4, 'a')
  m.u32[a >> 2] = 0xdeadbeef
  const old = m.u32
  const big = m.allocate(8 << 20, 'big')
  expect([m.u32 === old, old.length]).toEqual([false, 0])
  expect(m.u32[a >> 2]).toBe(0xdeadbeef)
  m.u8[big + (8 << 20) - 1] = 1
  expect(m.u8[big + (8 << 20) - 1]).toBe(1)
})

it('more than there is gives OutOfMemory and leaves the rest usable', () => {
  const m = new LinearMemory()
  expect(() => m.allocate(2 ** 33, 'too much')).toThrow(OutOfMemory)
  expect(() => m.reserve(-1)).toThrow(OutOfMemory)
  expect(m.allocationAt(m.allocate(16, 'a'))?.what).toBe('a')
})

it('random use agrees with a list of ranges: none overlap, each byte has its owner', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('allocate' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ kind: fc.constant('reserve' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ kind: fc.constant('free' as const), which: fc.nat() }),
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const m = new LinearMemory()
    const live: { at: number; bytes: number; device: boolean; tag: number }[] = []
    steps.forEach((s, i) => {
      if (s.kind === 'free') {
        if (!live.length) return
        const [own] = live.splice(s.which % live.length, 1)
        if (own.device) m.deallocate(own.at)
        else m.release(own.at)
        return
      }
      const device = s.kind === 'allocate'
      const at = device ? m.allocate(s.bytes, `${i}`) : m.reserve(s.bytes)
      const tag = (i % 250) + 1
      m.u8.fill(tag, at, at + s.bytes)
      live.push({ at, bytes: s.bytes, device, tag })
    })
    for (const { at, bytes, device, tag } of live) {
      expect(m.u8.subarray(at, at + bytes).every((x) => x === tag)).toBe(true)
      if (device && bytes) expect([m.allocationAt(at)?.start, m.allocationAt(at + bytes - 1)?.start, m.allocationAt(at + bytes)]).toEqual([at, at, undefined])
      if (!device && bytes) expect(m.allocationAt(at)).toBeUndefined()
    }
    expect(m.liveBytes).toBe(live.reduce((n, a) => n + (a.device ? a.bytes : 0), 0))
  }), { numRuns: 100 })
})
