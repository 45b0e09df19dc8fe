// Pipelining: any schedule as a Gantt chart while you drag, all of them side by side, and the cluster that it was made for.
import { makeSchedule, scheduleKinds, type Schedule, type ScheduleKind } from '../../src/schedule/index.ts'
import type { Costs } from '../../src/schedule/replay.ts'
import { choice, figures, h, numbers, slider } from '../dom.ts'
import type { Panel } from '../panel.ts'
import { clusterView } from './cluster.ts'
import { bubbleFormula, gantt, kindNames, timed } from './gantt.ts'

export const scheduleNames: Readonly<Record<ScheduleKind, string>> = {
  '1f1b': '1F1B', interleaved: '1F1B interleaved', zb1p: 'ZB1P', zbv: 'ZB-V', dualpipe: 'DualPipe', dualpipev: 'DualPipeV', '1f1b-overlap': '1F1B, overlapped', 'interleaved-overlap': 'interleaved, overlapped',
}
const short = (x: number) => String(Math.round(x * 100) / 100)

export const pipeline: Panel = {
  id: 'pipeline',
  title: 'Keep every GPU busy',
  lead: 'A model too large for one GPU is cut into stages, one a rank, and micro-batches flow through them. Where a rank waits, a GPU idles. DualPipe feeds the pipe from both ends and hides the communication of one micro-batch in the computation of another.',
  mount(root, { state, announce }) {
    const now = {
      kind: state.text('pipeline.kind', 'dualpipe') as ScheduleKind, ranks: state.number('pipeline.ranks', 8, 1, 16), microBatches: state.number('pipeline.microBatches', 20, 1, 64),
      F: state.number('pipeline.F', 1, 0.25, 4), I: state.number('pipeline.I', 1, 0.25, 4), W: state.number('pipeline.W', 1, 0, 4), FB: state.number('pipeline.FB', 3, 0.5, 12),
    }
    if (!scheduleKinds.includes(now.kind)) now.kind = 'dualpipe'
    const chart = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Gantt chart' })
    const problem = h('p', { class: 'note', role: 'status' })
    const shown = figures()
    const asText = numbers('The chart in numbers')
    const side = numbers('All schedules at these settings')
    side.element.open = true

    const costs = (): Costs => ({ F: now.F, B: now.I + now.W, Bi: now.I, W: now.W, FB: now.FB })
    const make = (kind: ScheduleKind): Schedule | string => {
      try { return makeSchedule(kind, now.ranks, now.microBatches) } catch (error) { return (error as Error).message }
    }
    const draw = () => {
      const schedule = make(now.kind)
      if (typeof schedule === 'string') { problem.textContent = schedule; chart.replaceChildren(); shown.set([]); compare(); return }
      problem.textContent = ''
      const clock = timed(schedule, costs())
      const idle = clock.busy.map((b) => clock.makespan - b)
      chart.replaceChildren(gantt(schedule, clock, Math.max(680, root.clientWidth - 4)))
      const formula = bubbleFormula(schedule, costs())
      shown.set([
        ['Ends at', short(clock.makespan), 'units of time'],
        ['Bubble', short(Math.min(...idle)) === short(Math.max(...idle)) ? short(idle[0]) : `${short(Math.min(...idle))}–${short(Math.max(...idle))}`, `${short(100 * Math.max(...idle) / clock.makespan)} % of the step at the idlest rank`],
        ...(formula ? [['Published bubble', short(formula.value), formula.text] as const] : []),
        ['Activations in flight', clock.peakInFlight.join(' ') === new Array(schedule.ranks).fill(clock.peakInFlight[0]).join(' ') ? String(clock.peakInFlight[0]) : `${Math.min(...clock.peakInFlight)}–${Math.max(...clock.peakInFlight)}`, 'chunks a rank keeps at most'],
      ])
      asText.set(['rank', 'busy', 'idle', 'in flight', 'steps'], schedule.steps.map((list, r) => [r, short(clock.busy[r]), short(idle[r]), clock.peakInFlight[r], list.length]))
      compare()
    }
    const compare = () => {
      side.set(['schedule', 'ends at', 'worst bubble', 'in flight'], scheduleKinds.map((kind) => {
        const schedule = make(kind)
        if (typeof schedule === 'string') return [scheduleNames[kind], '–', '–', 'not possible here']
        const clock = timed(schedule, costs())
        return [scheduleNames[kind], short(clock.makespan), short(clock.makespan - Math.min(...clock.busy)), Math.max(...clock.peakInFlight)]
      }))
    }
    const change = <K extends keyof typeof now>(key: K) => (value: (typeof now)[K]) => {
      now[key] = value
      state.set('pipeline', key, String(value))
      draw()
    }
    const time = (key: 'F' | 'I' | 'W' | 'FB', label: string, min: number, max: number) => slider(label, { min, max, step: 0.25, value: now[key], input: change(key) }).element
    root.append(
      h('div', { class: 'controls' },
        choice('Schedule', scheduleKinds.map((k) => [k, scheduleNames[k]] as const), now.kind, (v) => { change('kind')(v); announce(`${scheduleNames[v]} drawn`) }).element,
        slider('Ranks', { min: 1, max: 16, value: now.ranks, input: change('ranks') }).element,
        slider('Micro-batches', { min: 1, max: 64, value: now.microBatches, input: change('microBatches') }).element,
        time('F', 'Forward', 0.25, 4), time('I', 'Backward, inputs', 0.25, 4), time('W', 'Weights', 0, 4), time('FB', 'Overlapped pair', 0.5, 12)),
      problem, chart,
      h('ul', { class: 'legend' }, ...(['F', 'FB', 'B', 'W'] as const).map((k) => h('li', {}, h('span', { class: `kind-${k}`, 'aria-hidden': 'true' }), kindNames[k])), h('li', {}, h('span', { class: 'kind-idle', 'aria-hidden': 'true' }), 'idle')),
      shown.element, side.element, asText.element, clusterView(state))
    draw()
    new ResizeObserver(() => { if (chart.firstElementChild) draw() }).observe(root)
  },
}
