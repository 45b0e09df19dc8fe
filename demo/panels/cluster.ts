// The cluster behind the schedule: `weft plan` for 2,048 H800, with the number of SMs that communicate as a slider.
import plan from '../../presets/plans/deepseek-v3-2048xh800.json'
import preset from '../../presets/deepseek-v3.json'
import { parseModelConfig } from '../../src/model/config.ts'
import { simulate } from '../../src/sim/plan.ts'
import { fitted, type PlanSpec } from '../../src/sim/spec.ts'
import { figures, h, slider, svg } from '../dom.ts'
import type { UrlState } from '../panel.ts'

export const clusterSpec = (communicationSms: number): PlanSpec => ({
  ...(plan as unknown as Omit<PlanSpec, 'model' | 'efficiency'>), schedule: { kind: 'dualpipe', chunks: 2 }, model: parseModelConfig(preset.model, 'deepseek-v3'), efficiency: fitted, communicationSms,
})

const smsRange = { min: 4, max: 40 } as const

export function clusterView(state: UrlState): HTMLElement {
  const shown = figures()
  const curve = h('figure', {}, h('figcaption', {}, 'Seconds of a step for each number of communicating SMs: too few starve the network, too many take from the products.'))
  const points = Array.from({ length: (smsRange.max - smsRange.min) / 2 + 1 }, (_, i) => smsRange.min + 2 * i)
  let steps: number[] | undefined
  const draw = (sms: number) => {
    const { plan: p } = simulate(clusterSpec(sms))
    shown.set([
      ['One training step', `${p.stepTimeSec.toFixed(2)} s`, 'published: 19.93 s with 20 SMs'], ['Tokens a day', `${(p.tokensPerDay / 1e9).toFixed(0)} B`, 'published: 273 B'],
      ['Rate', `${p.tflopsCausal.toFixed(0)} TFLOP/s`, `MFU ${(100 * p.mfuCausal).toFixed(1)} %, causal`], ['Cost', `${(p.gpuHours / 1e6).toFixed(2)} M`, 'GPU-hours for 14.8 T tokens; published: 2.66 M'],
      ['Idle', `${(100 * p.partsSec.bubble / p.stepTimeSec).toFixed(0)} %`, 'of the step, bubble and waiting'],
    ])
    steps ??= points.map((n) => simulate(clusterSpec(n)).plan.stepTimeSec)
    curve.lastElementChild!.tagName === 'FIGCAPTION' ? curve.append(line(steps, sms)) : curve.lastElementChild!.replaceWith(line(steps, sms))
  }
  const line = (ys: readonly number[], sms: number) => {
    const [w, ht] = [640, 150]
    const top = Math.max(...ys)
    const x = (n: number) => 36 + ((n - smsRange.min) / (smsRange.max - smsRange.min)) * (w - 46)
    const y = (s: number) => 10 + (1 - s / top) * (ht - 34)
    const at = Math.round((sms - smsRange.min) / 2)
    return svg('svg', { viewBox: `0 0 ${w} ${ht}`, role: 'img', 'aria-label': `Step time against communicating SMs: ${points.map((n, i) => `${n}: ${ys[i].toFixed(1)} s`).join(', ')}` },
      svg('path', { d: `M36 ${y(0)}H${w - 10}`, class: 'axis' }), svg('path', { d: ys.map((s, i) => `${i ? 'L' : 'M'}${x(points[i]).toFixed(1)} ${y(s).toFixed(1)}`).join(''), class: 'curve' }),
      svg('circle', { cx: x(sms), cy: y(ys[at]), r: 5, class: 'here' }), ...[4, 12, 20, 28, 36].map((n) => svg('text', { x: x(n), y: ht - 6, 'text-anchor': 'middle' }, String(n))), svg('text', { x: 0, y: 18 }, `${top.toFixed(0)} s`), svg('text', { x: 0, y: y(0) }, '0'))
  }
  const start = state.number('pipeline.sms', 20, smsRange.min, smsRange.max)
  const control = slider('SMs that communicate, of 132', { ...smsRange, step: 2, value: start, input: (v) => { state.set('pipeline', 'sms', v); draw(v) } })
  draw(start)
  return h('div', {}, h('h3', { class: 'sub' }, 'The cluster it was made for: DeepSeek-V3 on 2,048 H800'), h('div', { class: 'controls' }, control.element), shown.element, curve)
}
