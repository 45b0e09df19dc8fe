// What a thread of an elementwise kernel handles: one element, or four neighbours where every row is a multiple of four.

export interface Item {
  readonly per: 1 | 4
  readonly bytes: 4 | 16
  /** `one element` or `four elements`, for headers. */
  readonly words: string
  /** Of a load or store: `.f32` or `.v4.f32`. */
  readonly f32: string
  /** Its operand: `%v0` or `{%v0, %v1, %v2, %v3}`. */
  of(name: string): string
  /** The lines once for each element, `$` being its number. */
  each(...lines: string[]): string
}

const make = (per: 1 | 4): Item => ({
  per, bytes: per === 4 ? 16 : 4, words: per === 4 ? 'four elements' : 'one element', f32: per === 4 ? '.v4.f32' : '.f32',
  of: (name) => (per === 4 ? `{${name}0, ${name}1, ${name}2, ${name}3}` : `${name}0`),
  each: (...lines) => [...Array(per).keys()].map((k) => lines.map((l) => `  ${l.replaceAll('$', String(k))}\n`).join('')).join('').trimEnd(),
})

/** Both forms of a kernel. */
export function itemTexts(text: (item: Item) => string): { readonly one: string; readonly four: string } {
  return { one: text(make(1)), four: text(make(4)) }
}

/** The form for rows of these widths, and elements per item. */
export function itemFor(texts: { readonly one: string; readonly four: string }, ...widths: number[]): { ptx: string; per: 1 | 4 } {
  return widths.every((w) => w % 4 === 0) ? { ptx: texts.four, per: 4 } : { ptx: texts.one, per: 1 }
}
