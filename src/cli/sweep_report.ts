// The curve of `weft plan --sweep`: one self-contained page in the look of a run's report.
import type { Plan } from '../sim/plan.ts'
import { escapeText, lineChart, type Series } from '../train/report_charts.ts'
import { reportStyle } from '../train/report_style.ts'

export interface SweepPoint { readonly value: number; readonly plan?: Plan; readonly why?: string }

export function renderSweep(title: string, points: readonly SweepPoint[]): string {
  const xs = points.map((p) => p.value)
  const xRange = [Math.min(...xs), Math.max(...xs)] as const
  const curve = (name: string, style: Series['style'], pick: (p: Plan) => number): Series => ({ name, style, dots: points.length < 40, points: points.map((p) => [p.value, p.plan ? pick(p.plan) : NaN]) })
  const charts = [
    lineChart({ title: 'Step', unit: 'seconds', xRange, highPx: 280, from: 0, series: [
      curve('whole step', 'train', (p) => p.stepTimeSec), curve('overlapped pairs', 'valid', (p) => p.partsSec.overlapped), curve('bubble', 'aux', (p) => p.partsSec.bubble),
    ] }),
    lineChart({ title: 'Throughput', unit: 'tokens a second and GPU', xRange, highPx: 280, from: 0, series: [curve('tokens', 'train', (p) => p.tokensPerSecPerGpu)] }),
    lineChart({ title: 'Memory of the fullest rank', unit: 'GB', xRange, highPx: 200, from: 0, series: [curve('memory', 'train', (p) => Math.max(...p.memoryBytesPerRank.map((m) => m.total)) / 1e9)] }),
  ]
  const rows = points.map(({ value, plan, why }) => `<tr><td>${value}</td>${plan
    ? [plan.stepTimeSec.toFixed(3), plan.partsSec.overlapped.toFixed(3), plan.partsSec.bubble.toFixed(3), plan.tokensPerSecPerGpu.toFixed(0), (100 * plan.mfuCausal).toFixed(2)].map((x) => `<td>${x}</td>`).join('') : `<td colspan="5">${escapeText(why ?? '')}</td>`}</tr>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(title)} · Weft plan</title>
<style>${reportStyle}</style>
</head>
<body><main>
<header><h1>${escapeText(title)}</h1><p class="lead">One training step of a described cluster, simulated for each value.</p></header>
<section>${charts.join('\n')}</section>
<section><table><thead><tr><th>value</th><th>step, s</th><th>overlapped, s</th><th>bubble, s</th><th>tokens/s/GPU</th><th>MFU causal, %</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>
</main></body>
</html>
`
}
