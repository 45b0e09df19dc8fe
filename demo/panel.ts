// What a panel is. A new one is a file in panels/ and its line in panels/index.ts.
import type { Remote } from 'comlink'
import type { DemoWorker } from './worker.ts'

export interface Shared {
  /** The heavy half, in a worker: training, parity, the emulator. */
  readonly worker: Remote<DemoWorker>
  /** State in the URL: read once, written as it changes; keys are `<panel>.<name>`. */
  readonly state: UrlState
  /** Tells screen readers, politely. */
  announce(text: string): void
}

export interface Panel {
  /** Anchor and prefix of its state. */
  readonly id: string
  readonly title: string
  readonly lead: string
  mount(root: HTMLElement, shared: Shared): void | Promise<void>
}

/** `#pipeline?pipeline.ranks=8`: the address can be shared. */
export class UrlState {
  private readonly values = new Map<string, string>()
  constructor() {
    const query = location.hash.split('?')[1] ?? ''
    for (const [key, value] of new URLSearchParams(query)) this.values.set(key, value)
  }
  text(key: string, fallback: string): string { return this.values.get(key) ?? fallback }
  number(key: string, fallback: number, min: number, max: number): number {
    const n = Number(this.values.get(key) ?? fallback)
    return Number.isFinite(n) ? Math.min(max, Math.max(min, n)) : fallback
  }
  set(panel: string, key: string, value: string | number): void {
    this.values.set(`${panel}.${key}`, String(value))
    history.replaceState(null, '', `#${panel}?${new URLSearchParams([...this.values])}`)
  }
}
