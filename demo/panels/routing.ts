// Routing: where the tokens of a text go, how the experts' loads move, and the bias that balances them.
import { choice, figures, h, numbers, svg, toggle } from '../dom.ts'
import { live } from '../live.ts'
import type { Panel } from '../panel.ts'
import { numExperts, numGroups, shownText, type LayerRouting } from '../worker/training.ts'

const perGroup = numExperts / numGroups
const history = 160

export const routing: Panel = {
  id: 'routing',
  title: 'Watch the routing',
  lead: 'A router sends every token to a few experts. Left alone it learns favourites and the rest idle; a bias, raised for experts that get too little, lowered for those that get too much, evens them out without touching the loss. Experts live in groups, one a node: a limit on groups limits the traffic between nodes.',
  mount(root, { worker, announce }) {
    const shares: number[][][] = [] // [layer][step][expert]
    const shown = figures()
    const flow = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Tokens and their experts' })
    const hint = h('p', { class: 'note mono', role: 'status' }, 'Start training above; point at a letter to read its experts.')
    const loads = h('div', { class: 'pair' })
    const asText = numbers('Loads and biases in numbers')
    const balance = toggle('Balancing', live.settings.balancing, (on) => { void live.set(worker, { balancing: on }); announce(on ? 'balancing on' : 'balancing off') })
    const limit = choice('Groups a token may visit', [1, 2, 3, 4].map((n) => [String(n), n === numGroups ? `${n}: no limit` : String(n)] as const), String(live.settings.groupLimit), (v) => {
      // A group holds four experts: a token must find all of its own in the groups it may visit.
      void live.set(worker, { groupLimit: Number(v), topk: Math.min(live.settings.topk, Number(v) * perGroup) })
    })
    const topk = choice('Experts a token', [1, 2, 3, 4].map((n) => [String(n), String(n)] as const), String(live.settings.topk), (v) => { void live.set(worker, { topk: Number(v) }) })
    let layers: readonly LayerRouting[] = []
    live.listen((news, state) => {
      if (state === 'idle') { shares.length = 0; flow.replaceChildren(); loads.replaceChildren() }
      if (!news) return
      news.load.forEach((load, l) => {
        const sum = load.reduce((a, b) => a + b, 0) || 1
        ;(shares[l] ??= []).push(load.map((n) => n / sum))
        if (shares[l].length > history) shares[l].shift()
      })
      if (news.routing) { layers = news.routing; drawFlow(); drawLoads(news.bias) }
      const worst = Math.max(...shares.map((s) => Math.max(...mean(s.slice(-10))) * numExperts))
      const visited = layers.flatMap((l) => l.experts.map((e) => new Set(e.map((x) => Math.floor(x / perGroup))).size))
      const nodes = visited.reduce((a, b) => a + b, 0) / (visited.length || 1)
      shown.set([
        ['Busiest expert', `${worst.toFixed(2)}×`, 'the mean load, last ten steps; 1 is perfect'],
        ['Groups a token visits', nodes.toFixed(2), `limit ${live.settings.groupLimit}`],
        ['Traffic between nodes', `${(100 * nodes / Math.min(numGroups, live.settings.topk)).toFixed(0)} %`, `of ${Math.min(numGroups, live.settings.topk)} copies a token, were each expert on a node of its own`],
      ])
      asText.set(['layer', 'expert', 'share of tokens, %', 'bias'], shares.flatMap((s, l) => mean(s.slice(-10)).map((x, e) => [l + 1, e, (100 * x).toFixed(1), news.bias[l][e].toFixed(3)])))
    })
    const mean = (rows: readonly number[][]) => rows[0].map((_, e) => rows.reduce((s, r) => s + r[e], 0) / rows.length)

    /** Letters above, experts below, a line for each choice, as strong as its weight. */
    const drawFlow = () => {
      const [layer] = layers
      const letters = [...shownText]
      const [step, w] = [22, 22 * letters.length + 20]
      const expertX = (e: number) => 20 + (e + 0.5) * ((w - 40) / numExperts) + Math.floor(e / perGroup) * 6 - 9
      const lines = layer.experts.flatMap((chosen, t) => chosen.map((e, k) => svg('path', { class: `g${Math.floor(e / perGroup)} flow`, 'data-token': t, d: `M${20 + t * step} 30C${20 + t * step} 80 ${expertX(e)} 70 ${expertX(e)} 118`, 'stroke-opacity': (0.15 + 0.85 * layer.weights[t][k] / 2.5).toFixed(2), 'stroke-width': (0.5 + 2.5 * layer.weights[t][k] / 2.5).toFixed(2) })))
      const tokens = letters.map((c, t) => {
        const text = `“${c === ' ' ? 'space' : c}” goes to ${layer.experts[t].map((e, k) => `expert ${e} (${layer.weights[t][k].toFixed(2)})`).join(', ')}`
        const say = () => { hint.textContent = text; picture.querySelectorAll('.flow').forEach((p) => p.classList.toggle('dim', p.getAttribute('data-token') !== String(t))) }
        return svg('g', { tabindex: '0', role: 'img', 'aria-label': text, pointerenter: say, focus: say }, svg('rect', { x: 9 + t * step, y: 6, width: step, height: 26, class: 'token' }), svg('text', { x: 20 + t * step, y: 24, 'text-anchor': 'middle' }, c === ' ' ? '␣' : c))
      })
      const experts = Array.from({ length: numExperts }, (_, e) => svg('g', {}, svg('circle', { cx: expertX(e), cy: 128, r: 10, class: `g${Math.floor(e / perGroup)} expert` }), svg('text', { x: expertX(e), y: 132, 'text-anchor': 'middle', class: 'on' }, String(e))))
      const picture = svg('svg', { width: w, height: 146, viewBox: `0 0 ${w} 146` }, ...lines, ...tokens, ...experts)
      picture.addEventListener('pointerleave', () => picture.querySelectorAll('.flow').forEach((p) => p.classList.remove('dim')))
      flow.replaceChildren(picture)
    }

    /** Shares over time, stacked to one, and the biases beside. */
    const drawLoads = (bias: readonly number[][]) => {
      loads.replaceChildren(...shares.map((s, l) => {
        const [w, height] = [460, 120]
        const bands = Array.from({ length: numExperts }, (_, e) => {
          const up = s.map((row, i) => [i, row.slice(0, e).reduce((a, b) => a + b, 0), row.slice(0, e + 1).reduce((a, b) => a + b, 0)])
          const x = (i: number) => (i / Math.max(1, s.length - 1)) * w
          return svg('path', { class: `g${Math.floor(e / perGroup)} ${e % 2 ? 'odd' : 'even'}`, d: `${up.map(([i, low], n) => `${n ? 'L' : 'M'}${x(i).toFixed(1)} ${(low * height).toFixed(1)}`).join('')}${up.reverse().map(([i, , high]) => `L${x(i).toFixed(1)} ${(high * height).toFixed(1)}`).join('')}Z` }, svg('title', {}, `expert ${e}: ${(100 * s.at(-1)![e]).toFixed(1)} %`))
        })
        const most = Math.max(0.05, ...bias[l].map(Math.abs))
        const bars = bias[l].map((b, e) => svg('rect', { class: `g${Math.floor(e / perGroup)}`, x: e * (w / numExperts) + 2, width: w / numExperts - 4, y: height + 30 - Math.max(0, b / most) * 18, height: Math.max(1, Math.abs(b / most) * 18) }, svg('title', {}, `expert ${e}: bias ${b.toFixed(3)}`)))
        return h('figure', {}, h('figcaption', {}, `Layer ${l + 1}: each expert’s share of the tokens over the last ${s.length} steps, and below the bias of each`),
          svg('svg', { viewBox: `0 0 ${w} ${height + 52}`, role: 'img', 'aria-label': `Layer ${l + 1}: shares ${s.at(-1)!.map((x) => (100 * x).toFixed(0)).join(', ')} percent` }, ...bands, svg('path', { class: 'axis', d: `M0 ${height + 30}H${w}` }), ...bars))
      }))
    }
    root.append(h('div', { class: 'controls' }, balance, limit.element, topk.element), shown.element, flow, hint, loads, asText.element)
  },
}
