// Reads untrusted JSON with a zod schema and turns every problem into a sentence with its key path.
import { z } from 'zod'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'

// zod tries `new Function` to compile schemas; a page with a strict content security policy forbids it, and reports the attempt.
z.config({ jitless: true })

const MAX_DEPTH = 32 // no configuration is deeper; bounds the work on hostile input

// The message of each rule is what the value must be: `<path> is <value>; it must be <message>`.

export function integer(min: number, max: number) {
  const rule = `an integer from ${min} to ${max}`
  return z.number(rule).int(rule).min(min, rule).max(max, rule)
}

/** A finite number in [min, max]; `open` excludes min itself. */
export function number(min: number, max: number, open = false) {
  const rule = open ? `a number above ${min} and at most ${max}` : `a number from ${min} to ${max}`
  const base = z.number(rule).max(max, rule)
  return open ? base.gt(min, rule) : base.min(min, rule)
}

export function oneOf<const T extends readonly (string | number | boolean)[]>(...values: T) {
  const list = values.map((value) => JSON.stringify(value)).join(', ')
  return z.literal(values as unknown as (string | number | boolean)[], values.length === 1 ? list : `one of ${list}`) as unknown as z.ZodType<T[number], T[number]>
}

export const boolean = () => z.boolean('true or false')
export const text = () => z.string('a string').min(1, 'a string that is not empty').max(4096, 'a string of at most 4096 characters')

/** Strips optional, default, prefault and nullable from a schema. */
export function unwrap(schema: unknown): unknown {
  let inner = schema
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodNullable) inner = inner.unwrap()
  return inner
}

/** The keys that a schema knows at a path, or undefined where it has none. */
export function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] | undefined {
  let inner = unwrap(schema)
  for (const key of path) {
    if (inner instanceof z.ZodArray) inner = unwrap(inner.element)
    else if (inner instanceof z.ZodObject && Object.hasOwn(inner.shape, key)) inner = unwrap(inner.shape[key as string])
    else return undefined
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : undefined
}

/** `train.steps`, `train.batchRamp[1].step`; parts that are not plain names are quoted and shortened. */
export function pathText(path: readonly PropertyKey[]): string {
  let out = ''
  for (const part of path) {
    if (typeof part === 'number') out += `[${part}]`
    else {
      const name = String(part)
      const shown = /^\w{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64))
      out += out === '' ? shown : `.${shown}`
    }
  }
  return out === '' ? 'the top level' : out
}

/** A value in an error message: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * The JSON checked by the schema, with defaults filled in.
 * Throws InputError with one line per problem: `<where>: <path> is <value>; it must be <rule>`.
 */
export function readWithSchema<S extends z.ZodType>(schema: S, json: unknown, where: string, prefix: readonly string[] = []): z.output<S> {
  checkPlain(json, where, prefix)
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const lines = new Map<string, string>() // one line per path: -1.5 breaks two rules but is one mistake
  for (const issue of result.error.issues) {
    for (const [path, sentence] of sentences(issue, schema, json, prefix)) if (!lines.has(path)) lines.set(path, `${where}: ${path} ${sentence}`)
  }
  throw new InputError([...lines.values()].slice(0, 20).join('\n'))
}

function sentences(issue: z.core.$ZodIssue, schema: unknown, json: unknown, prefix: readonly string[]): [string, string][] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path) ?? []
    return issue.keys.map((key) => [pathText([...prefix, ...issue.path, key]), `is not a known key${didYouMean(key, known)}`])
  }
  let value = json
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part]
  const rule = issue.code === 'invalid_type' && issue.message.startsWith('Invalid input') ? ({ object: 'an object', array: 'a list' } as Record<string, string>)[issue.expected] ?? `of type ${issue.expected}` : issue.message
  return [[pathText([...prefix, ...issue.path]), `is ${show(value)}; it must be ${rule}`]]
}

/** Plain finite JSON of bounded depth: the keys that are only kept are checked by nothing else. */
function checkPlain(json: unknown, where: string, prefix: readonly string[]): void {
  const stack: [value: unknown, path: PropertyKey[]][] = [[json, [...prefix]]]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [value, path] = next
    const fail = (rule: string) => new InputError(`${where}: ${pathText(path)} is ${show(value)}; it must be ${rule}`)
    if (typeof value === 'number' && !Number.isFinite(value)) throw fail('a finite number')
    if (typeof value !== 'object' || value === null) continue
    if (path.length > MAX_DEPTH) throw new InputError(`${where}: ${pathText(path.slice(0, 4))} is nested more than ${MAX_DEPTH} levels deep`)
    for (const key of Object.keys(value)) stack.push([(value as Record<string, unknown>)[key], [...path, Array.isArray(value) ? Number(key) : key]])
  }
}

/** Throws all the sentences of rules that do not hold, each `[holds, path, sentence]`. */
export function checkRules(rules: readonly (readonly [holds: boolean, path: string, sentence: string])[], where: string): void {
  const broken = rules.filter(([holds]) => !holds).map(([, path, sentence]) => `${where}: ${path} ${sentence}`)
  if (broken.length > 0) throw new InputError(broken.join('\n'))
}
