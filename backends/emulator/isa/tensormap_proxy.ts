// Tensor maps that the device itself makes are read through a proxy of their own: a block that uses one must acquire it after it was
// changed (fence.proxy.tensormap::generic.acquire; PTX ISA 9.7.13.4). Kept for the sanitizer only.
import { GLOBAL_HIGH, type LaunchState, type Warp } from '../machine.ts'
import { showAddress } from './addresses.ts'

/** How often the instructions of this launch have changed the map at a linear place. */
const changes = new WeakMap<LaunchState, Map<number, number>>()
const key = 'tensor maps acquired'
function acquiredBy({ cta }: Warp): Map<number, number> {
  let own = cta.state.get(key) as Map<number, number> | undefined
  if (!own) cta.state.set(key, (own = new Map()))
  return own
}

export function mapChanged({ machine, cta: { launch } }: Warp, place: number): void {
  if (machine.sanitizer === null) return
  let all = changes.get(launch)
  if (!all) changes.set(launch, (all = new Map()))
  all.set(place, (all.get(place) ?? 0) + 1)
}

/** Any thread of the block may do so: the others are ordered behind it by whatever orders the copy. */
export function mapAcquired(w: Warp, place: number): void {
  const count = changes.get(w.cta.launch)?.get(place)
  if (count !== undefined) acquiredBy(w).set(place, count)
}

export function mapUsed(w: Warp, lane: number, place: number): void {
  const { sanitizer } = w.machine
  if (sanitizer === null) return
  const count = changes.get(w.cta.launch)?.get(place)
  if (count === undefined || acquiredBy(w).get(place) === count) return
  sanitizer.report('missing-proxy-fence', w, lane, showAddress(GLOBAL_HIGH, place), 'the tensor map was changed on the device and not acquired by fence.proxy.tensormap::generic.acquire since')
}
