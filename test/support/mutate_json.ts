// Damages a JSON value in one to three places, steered by a stream of numbers: for the readers of untrusted files.

const poison: unknown[] = [
  null, true, false, 0, -1, 1, 0.5, 3, 7, 1e9, 2 ** 53, -0, NaN, Infinity, -Infinity, '', 'x', '8', 'NaN', '__proto__', '\u0000', 'a'.repeat(5000), [], {}, [[]], [null], { x: 1 },
  { type: 'yarn' }, [1, 2, 3],
]
const keys = ['hidden_sizes', 'stepz', '__proto__', 'constructor', 'toString', '', ' ', 'type', 'x'.repeat(3000), '🙂', 'length', 'hasOwnProperty']

export function mutate(base: unknown, numbers: Iterable<number>): unknown {
  const stream = numbers[Symbol.iterator]()
  const next = (n: number): number => (stream.next().value as number) % n
  // Own properties even for __proto__, as JSON.parse makes them.
  const holder = { root: JSON.parse(JSON.stringify(base)) as unknown }
  for (let times = 1 + next(3); times > 0; times--) mutateOnce(holder, next)
  return holder.root
}

function mutateOnce(holder: { root: unknown }, next: (n: number) => number): void {
  let parent = holder as Record<string, unknown>
  let key = 'root'
  for (let depth = 1 + next(4); depth > 0; depth--) {
    const value = parent[key]
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) break
    parent = value as Record<string, unknown>
    key = Object.keys(parent)[next(Object.keys(parent).length)]
  }
  const value = parent[key]
  const choice = next(5)
  if (choice === 0 && key !== 'root') delete parent[key]
  else if (choice === 1 && typeof value === 'number') parent[key] = [value + 1, -value, value / 2, value * 1e6, value * 2, value - 1][next(6)]
  else if (choice === 2 && typeof value === 'object' && value !== null) define(value, keys[next(keys.length)], poison[next(poison.length)])
  else if (choice === 3) define(parent, keys[next(keys.length)], value)
  else parent[key] = poison[next(poison.length)]
}

function define(object: object, key: string, value: unknown): void {
  if (Array.isArray(object) && key === 'length') return // not a property that JSON can set
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
