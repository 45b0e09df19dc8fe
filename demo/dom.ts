// A few lines instead of a framework: elements, SVG, and what every panel repeats. Text is always set as text: trusted types allow no HTML strings.

type Child = Node | string | undefined
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(name, value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter((c) => c !== undefined))
  return element
}

/** `h('button', { type: 'button', click: go }, 'Go')`. */
export const h = <K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] => fill(document.createElement(tag), attributes, children)
export const svg = (tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)

/** A labelled slider that shows its value. */
export function slider(label: string, { min, max, step = 1, value, show = String, input }: { min: number; max: number; step?: number; value: number; show?: (v: number) => string; input: (v: number) => void }): { element: HTMLElement; set(v: number, limits?: { min?: number; max?: number; step?: number }): void } {
  const output = h('output', {}, show(value))
  const range = h('input', { type: 'range', min, max, step, value, 'aria-label': label })
  const say = () => { output.textContent = show(Number(range.value)); range.setAttribute('aria-valuetext', output.textContent) }
  range.addEventListener('input', () => { say(); input(Number(range.value)) })
  say()
  return {
    element: h('label', { class: 'control' }, h('span', {}, `${label} `, output), range),
    set(v, limits = {}) {
      for (const [name, x] of Object.entries(limits)) if (x !== undefined) range.setAttribute(name, String(x))
      range.value = String(v)
      say()
    },
  }
}

export function choice<T extends string>(label: string, options: readonly (readonly [T, string])[], value: T, change: (v: T) => void): { element: HTMLElement; select: HTMLSelectElement } {
  const select = h('select', { 'aria-label': label, change: () => change(select.value as T) }, ...options.map(([v, text]) => h('option', { value: v, selected: v === value }, text)))
  return { element: h('label', { class: 'control' }, h('span', {}, label), select), select }
}

export function toggle(label: string, value: boolean, change: (v: boolean) => void): HTMLButtonElement {
  const button = h('button', { type: 'button', 'aria-pressed': String(value), click: () => {
    const now = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(now))
    change(now)
  } }, label)
  return button
}

/** Named numbers, large. `set` replaces them in place. */
export function figures(): { element: HTMLDListElement; set(list: readonly (readonly [name: string, value: string, note?: string])[]): void } {
  const element = h('dl', { class: 'figures' })
  return { element, set: (list) => element.replaceChildren(...list.map(([name, value, note]) => h('div', {}, h('dt', {}, name), h('dd', {}, value, note ? h('small', {}, note) : undefined)))) }
}

/** The numbers of a drawing as text, folded away. */
export function numbers(title: string): { element: HTMLDetailsElement; set(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void } {
  const table = h('table')
  return {
    element: h('details', {}, h('summary', {}, title), h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, table)),
    set(head, rows) {
      table.replaceChildren(h('thead', {}, h('tr', {}, ...head.map((t) => h('th', { scope: 'col' }, t)))), h('tbody', {}, ...rows.map((r) => h('tr', {}, ...r.map((c) => h('td', {}, String(c)))))))
    },
  }
}
