// Train live: a small mixture of experts learns to write, on this machine.
import { figures, h, numbers, svg } from '../dom.ts'
import { live } from '../live.ts'
import type { Panel } from '../panel.ts'

/** Mean next-byte loss of a table of byte pairs on the same text: what a model must beat to have learned more than pairs. */
const bigramLoss = 2.32

export const train: Panel = {
  id: 'train',
  title: 'Train it live',
  lead: 'Two hundred thousand parameters, three layers, sixteen experts: DeepSeek-V3’s architecture in a thimble, learning English one byte at a time on this machine.',
  mount(root, { worker, announce }) {
    const losses: [number, number][] = []
    const shown = figures()
    const chart = h('div')
    const written = h('blockquote', { class: 'mono written', 'aria-live': 'off' }, 'It writes here once it has learned a little.')
    const asText = numbers('The curve in numbers')
    const problem = h('p', { class: 'bad', role: 'status' })
    const go = h('button', { type: 'button', class: 'primary', click: () => { if (live.state === 'training') void live.pause(worker); else void live.start(worker) } }, 'Start training')
    const again = h('button', { type: 'button', disabled: true, click: () => { losses.length = 0; void live.reset(worker) } }, 'Reset')
    let speed = 0
    live.listen((news, state) => {
      go.textContent = state === 'training' ? 'Pause' : state === 'paused' ? 'Go on' : 'Start training'
      again.toggleAttribute('disabled', state === 'idle')
      problem.textContent = live.failure ? `Training stopped: ${live.failure}. “Go on” tries again.` : ''
      if (state === 'idle') { losses.length = 0; draw() }
      if (!news) return
      losses.push([news.step, news.loss])
      speed = speed ? 0.8 * speed + 0.2 * news.tokensPerSec : news.tokensPerSec
      if (news.sample) written.textContent = `In the ${news.sample}`
      if (news.step === 1) announce('training')
      shown.set([['Step', String(news.step)], ['Loss', recent(10).toFixed(2), 'nats a byte, last ten steps'], ['Byte pairs', bigramLoss.toFixed(2), 'what a table of pairs reaches'], ['Speed', speed.toFixed(0), 'tokens a second']])
      if (news.step < 50 || news.step % 5 === 0) draw()
    })
    const recent = (n: number) => { const last = losses.slice(-n); return last.reduce((s, [, l]) => s + l, 0) / last.length }
    const draw = () => {
      const [w, height] = [720, 200]
      const most = Math.max(50, losses.at(-1)?.[0] ?? 0)
      const x = (step: number) => 34 + (step / most) * (w - 44), y = (l: number) => 8 + (1 - Math.min(l, 6) / 6) * (height - 32)
      const path = losses.map(([s, l], i) => `${i ? 'L' : 'M'}${x(s).toFixed(1)} ${y(l).toFixed(1)}`).join('')
      chart.replaceChildren(svg('svg', { viewBox: `0 0 ${w} ${height}`, role: 'img', 'aria-label': losses.length ? `Loss, ${losses[0][1].toFixed(2)} at first, ${recent(10).toFixed(2)} now` : 'Loss: nothing yet' },
        svg('path', { class: 'axis', d: `M34 ${y(0)}H${w - 10}M34 ${y(bigramLoss)}H${w - 10}` }), svg('text', { x: w - 10, y: y(bigramLoss) - 5, 'text-anchor': 'end', class: 'tick' }, 'byte pairs'),
        svg('path', { class: 'curve', d: path }), svg('text', { x: 0, y: y(6) + 10 }, '6'), svg('text', { x: 0, y: y(0) }, '0'), svg('text', { x: w - 10, y: height - 8, 'text-anchor': 'end', class: 'tick' }, `step ${most}`)))
      asText.set(['step', 'loss'], losses.filter((_, i) => i % Math.max(1, Math.floor(losses.length / 20)) === 0).map(([s, l]) => [s, l.toFixed(3)]))
    }
    draw()
    root.append(h('div', { class: 'controls' }, go, again), problem, shown.element, h('figure', {}, h('figcaption', {}, 'Loss, nats a byte'), chart), h('h3', { class: 'sub' }, 'What it writes'), written, asText.element)
  },
}
