// Shadow of linear memory, made page by page where it is touched: the last write and the reads since, for each word, or for each
// byte or pair of bytes where accesses were that small. An entry is 0 (nothing), event << 5 | lane, or ~node: a chain of several.

export const pageShift = 12
export const pageBytes = 1 << pageShift
export const insidePage = pageBytes - 1

export const blank = 0, written = 1, barrierObject = 2

export interface Page {
  /** Bytes of one entry, as a shift. */
  shift: number
  writes: Int32Array
  reads: Int32Array
  /** Of each byte of shared memory: blank, written, or part of a live mbarrier. */
  states: Uint8Array | null
  stateWords: Int32Array | null
}

export class Shadow {
  private readonly pages: (Page | undefined)[] = []
  private readonly touched: number[] = []
  private readonly spare: Page[] = []
  /** Nodes of chains: an event, the lanes of it, the next node or 0. */
  events = new Int32Array(256)
  lanes = new Int32Array(256)
  nexts = new Int32Array(256)
  private numNodes = 1
  private freeNode = 0

  /** The page of a place, with entries of at most `bytes`. */
  page(at: number, bytes: number): Page {
    const page = this.pages[at >>> pageShift] ?? this.touch(at >>> pageShift)
    if (bytes < 1 << page.shift) this.refine(page, bytes === 1 ? 0 : 1)
    return page
  }
  sharedPage(at: number, bytes: number): Page {
    const page = this.page(at, bytes)
    if (page.states === null) { page.states = new Uint8Array(pageBytes); page.stateWords = new Int32Array(page.states.buffer) }
    return page
  }

  private touch(number: number): Page {
    this.touched.push(number)
    return (this.pages[number] = this.spare.pop() ?? { shift: 2, writes: new Int32Array(pageBytes >> 2), reads: new Int32Array(pageBytes >> 2), states: null, stateWords: null })
  }

  private refine(page: Page, shift: number): void {
    const finer = (from: Int32Array): Int32Array => {
      const to = new Int32Array(pageBytes >> shift)
      const by = page.shift - shift
      for (let i = 0; i < to.length; i++) { const entry = from[i >> by]; to[i] = entry >= 0 ? entry : this.copy(entry) }
      for (const entry of from) this.free(entry)
      return to
    }
    page.writes = finer(page.writes)
    page.reads = finer(page.reads)
    page.shift = shift
  }
  private copy(entry: number): number {
    let head = 0
    for (let node = ~entry; node !== 0; node = this.nexts[node]) head = this.node(this.events[node], this.lanes[node], head)
    return ~head
  }

  node(event: number, lanes: number, next: number): number {
    let node = this.freeNode
    if (node !== 0) this.freeNode = this.nexts[node]
    else {
      node = this.numNodes++
      if (node >= this.events.length) {
        const grown = (from: Int32Array) => { const to = new Int32Array(from.length * 2); to.set(from); return to }
        this.events = grown(this.events); this.lanes = grown(this.lanes); this.nexts = grown(this.nexts)
      }
    }
    this.events[node] = event
    this.lanes[node] = lanes
    this.nexts[node] = next
    return node
  }
  freeOne(node: number): void {
    this.nexts[node] = this.freeNode
    this.freeNode = node
  }
  /** Of an entry that is overwritten. */
  free(entry: number): void {
    if (entry >= 0) return
    for (let node = ~entry; node !== 0;) { const next = this.nexts[node]; this.freeOne(node); node = next }
  }

  /** Memory that another block used, or that is given to one. */
  forget(start: number, bytes: number): void {
    for (let at = start; at < start + bytes;) {
      const end = Math.min(start + bytes, (at & ~insidePage) + pageBytes)
      const page = this.pages[at >>> pageShift]
      if (page !== undefined) {
        // An entry that reaches over the end belongs to bytes that nobody has.
        const [from, to] = [(at & insidePage) >> page.shift, ((end - 1) & insidePage) >> page.shift]
        for (let i = from; i <= to; i++) { this.free(page.writes[i]); this.free(page.reads[i]) }
        page.writes.fill(0, from, to + 1)
        page.reads.fill(0, from, to + 1)
        page.states?.fill(blank, at & insidePage, ((end - 1) & insidePage) + 1)
      }
      at = end
    }
  }

  /** No access happened so far; bytes of shared memory stay written. */
  forgetAccesses(): void {
    for (const number of this.touched) { const page = this.pages[number]!; page.writes.fill(0); page.reads.fill(0) }
    this.numNodes = 1
    this.freeNode = 0
  }

  clear(): void {
    this.forgetAccesses()
    for (const number of this.touched) {
      const page = this.pages[number]!
      this.pages[number] = undefined
      if (this.spare.length >= sparePages) continue
      if (page.shift !== 2) { page.shift = 2; page.writes = new Int32Array(pageBytes >> 2); page.reads = new Int32Array(pageBytes >> 2) }
      page.states?.fill(blank)
      this.spare.push(page)
    }
    this.touched.length = 0
  }
}

/** Pages kept for the next launch. */
const sparePages = 4096
