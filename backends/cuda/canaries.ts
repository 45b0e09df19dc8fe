// A driver around another one that guards every allocation: known bytes before and after it, and NaN patterns inside, so that on a
// GPU, which has no sanitizer here, a write outside a buffer and an output that nobody wrote are seen.
import type { CudaDriver, DevicePointer } from './driver.ts'

/** A multiple of every alignment that kernels ask for. */
const guardBytes = 1024
const guardByte = 0xc5
/** 0xff everywhere is NaN in f32, bf16, f16, e4m3 and e5m2, and -1 in integers. */
const poisonByte = 0xff

export interface Canaries { readonly driver: CudaDriver; /** Empty if no guard was written; else which allocations, with the first byte. */ check(): Promise<string[]> }

export function withCanaries(inner: CudaDriver): Canaries {
  const live = new Map<DevicePointer, number>()
  const broken: string[] = []
  const later: Promise<void>[] = []

  async function look(pointer: DevicePointer, bytes: number): Promise<void> {
    for (const [where, at] of [['before', pointer - guardBytes], ['after', pointer + bytes]] as const) {
      const guard = await inner.copyFromDevice(at, guardBytes)
      const first = guard.findIndex((b) => b !== guardByte)
      if (first >= 0) broken.push(`${bytes} bytes: ${where} it, ${where === 'before' ? guardBytes - first : first} bytes away, something was written`)
    }
  }

  const overridden: Partial<CudaDriver> = {
    alloc(bytes) {
      const base = inner.alloc(bytes + 2 * guardBytes)
      inner.fill(base, guardByte, bytes + 2 * guardBytes)
      inner.fill(base + guardBytes, poisonByte, bytes)
      live.set(base + guardBytes, bytes)
      return base + guardBytes
    },
    free(pointer) {
      const bytes = live.get(pointer)!
      live.delete(pointer)
      // Read in order behind the work that used it; freed once it has been looked at.
      later.push(look(pointer, bytes).then(() => inner.free(pointer - guardBytes)))
    },
  }
  const driver = new Proxy(inner, {
    get(target, key) {
      const own = overridden[key as keyof CudaDriver]
      if (own) return own
      const value = Reflect.get(target, key) as unknown
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
  return {
    driver,
    async check() {
      while (later.length) await later.shift()
      for (const [pointer, bytes] of live) await look(pointer, bytes)
      return broken.splice(0)
    },
  }
}
