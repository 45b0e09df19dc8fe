// Modifiers in any order, as the assembler takes them, and what an instruction needs of the PTX version and the target.
import type { DecodeContext } from '../decode.ts'

/** Names of one kind: at most one of them may stand in an instruction. */
export type ModifierKinds = Readonly<Record<string, readonly string[]>>
export type Taken<K extends ModifierKinds> = { readonly [N in keyof K]?: K[N][number] }

/** Takes the modifiers that are of these kinds; the first other one stays, to be refused by name. */
export function takeAll<K extends ModifierKinds>(ctx: DecodeContext, kinds: K): Taken<K> {
  const taken: Record<string, string> = {}
  for (;;) {
    const next = ctx.modifiers.peek()
    const kind = next === undefined ? undefined : Object.keys(kinds).find((k) => kinds[k].includes(next))
    if (kind === undefined) return taken as Taken<K>
    if (taken[kind] !== undefined) ctx.error(taken[kind] === next ? `.${next} stands twice` : `.${taken[kind]} and .${next} exclude each other`)
    taken[kind] = next!
    ctx.modifiers.flag(next!)
  }
}

/** What keeps `what` from this PTX version and target, or undefined. */
export function lack(ctx: DecodeContext, what: string, version: number, sm = 0): string | undefined {
  const [major, minor] = ctx.ptxVersion
  if (major + minor / 10 < version - 1e-6) return `${what} needs PTX ${version.toFixed(1)}, this is ${major}.${minor}`
  return ctx.sm < sm ? `${what} needs sm_${sm}, this is sm_${ctx.sm}` : undefined
}

/** Refuses `what` before this PTX version and target. */
export function since(ctx: DecodeContext, what: string, version: number, sm = 0): void {
  const problem = lack(ctx, what, version, sm)
  if (problem !== undefined) ctx.error(problem)
}
