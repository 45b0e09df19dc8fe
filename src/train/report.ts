// report.html of a run: one self-contained file without scripts, the same bytes for the same data.
import { countParameters } from '../model/config.ts'
import { batchSizeAt, type RunConfig } from './config.ts'
import type { EvalRow, StepRow } from './metrics.ts'
import { escapeText, heatMap, heatScale, lineChart, scientific, shortNumber, type Series } from './report_charts.ts'
import { reportStyle } from './report_style.ts'

export interface ReportData {
  title: string
  device: string
  config: RunConfig
  rows: readonly StepRow[] // ascending steps
  evals: readonly EvalRow[]
  /** Tokens per expert: [recorded steps][MoE layers][experts]; may be empty. */
  experts: readonly (readonly (readonly number[])[])[]
  /** The recorded steps; by default evenly over the run. */
  expertSteps?: readonly number[]
}

/** The whole page. Text from outside is escaped; a content security policy inside allows nothing but its own style. */
export function renderReport(data: ReportData): string {
  const body = [header(data), lossSection(data), dynamicsSection(data), expertSection(data), tableSection(data), configSection(data)].join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(data.title)} · Weft</title>
<style>${reportStyle}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`
}

// Four threads over and under: the mark of the project.
const mark = `<svg viewBox="0 0 22 22" aria-hidden="true"><g fill="none" stroke-width="3.2" stroke-linecap="round"><path stroke="var(--train)" d="M6.5 2v2.6M6.5 11v9M15.5 2v9M15.5 17.4V20"/><path stroke="var(--valid)" d="M2 7.5h9M17.4 7.5H20M2 14.5h2.6M11 14.5h9"/></g></svg>`

function header(data: ReportData): string {
  const { rows, evals, config } = data
  const last = rows.at(-1)
  const { total, active } = countParameters(config.model)
  const tokens = last ? tokensUntil(config, last.step) : 0
  const lead = [
    last ? `${last.step.toLocaleString('en-US')} of ${config.train.steps.toLocaleString('en-US')} steps` : 'No step yet',
    `${compact(tokens)} tokens`, `${compact(total)} parameters, ${compact(active)} active per token`, `${config.train.precision} on ${data.device}`,
  ].join(' · ')
  const window = smoothing(rows.length)
  const lastEval = evals.at(-1)
  const speeds = rows.map((r) => r.tokensPerSec).filter(Number.isFinite).sort((a, b) => a - b)
  const figures: [string, string, string][] = [
    ['Training loss', fixed(mean(rows.slice(-window).map((r) => r.loss))), `nats per token, last ${window === 1 ? 'step' : `${window} steps`}`],
    ['Validation loss', lastEval ? fixed(lastEval.valLoss) : '–', lastEval ? versusBigram(lastEval) : 'not measured'],
    ['Throughput', speeds.length > 0 ? compact(speeds[Math.floor(speeds.length / 2)]) : '–', 'tokens per second, median'],
    ['Expert load', last ? shortNumber(last.expertLoadMaxOverMean) : '–', 'busiest ÷ mean, last step'],
  ]
  return `<header>
<p class="brand">${mark}Weft training report</p>
<h1>${escapeText(data.title)}</h1>
<p class="lead">${escapeText(lead)}</p>
<dl class="figures">${figures.map(([name, value, note]) => `<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`).join('')}</dl>
</header>`
}

function versusBigram({ valLoss, bigramLoss }: EvalRow): string {
  const gap = Math.abs(bigramLoss - valLoss).toFixed(3)
  if (!Number.isFinite(bigramLoss - valLoss)) return 'nats per token'
  return valLoss < bigramLoss ? `${gap} below the bigram model` : `${gap} above the bigram model`
}

function lossSection({ rows, evals, config }: ReportData): string {
  const window = smoothing(rows.length)
  const bigram = evals.find((e) => Number.isFinite(e.bigramLoss))?.bigramLoss
  const series: Series[] = [
    { name: window > 1 ? 'training, each step' : 'training', style: window > 1 ? 'raw' : 'train', points: rows.map((r) => [r.step, r.loss]) },
    ...(window > 1 ? [{ name: `training, mean of ${window}`, style: 'train', points: smooth(rows.map((r) => [r.step, r.loss]), window) } as const] : []),
    ...(evals.length > 0 ? [{ name: 'validation', style: 'valid', points: evals.map((e) => [e.step, e.valLoss]), dots: evals.length <= 60 } as Series] : []),
    ...(bigram !== undefined ? [{ name: `byte bigrams, ${bigram.toFixed(3)}`, style: 'yard', points: xRange(rows, config).map((x) => [x, bigram]) } as Series] : []),
  ]
  return `<section><h2>Loss</h2><p>Cross-entropy of the next token. The dotted line is a model that knows only pairs of bytes; below it, the model uses more than the byte before.</p>
<div class="pair">${lineChart({ title: 'Cross-entropy', unit: 'nats per token', series, xRange: xRange(rows, config), highPx: 340 })}</div></section>`
}

function dynamicsSection({ rows, config }: ReportData): string {
  const range = xRange(rows, config)
  const window = smoothing(rows.length)
  const clip = config.train.optimizer.clip
  const norms = rows.map((r) => r.gradNorm).filter((n) => n > 0 && Number.isFinite(n)).sort((a, b) => a - b)
  const wide = norms.length > 0 && norms[norms.length - 1] / norms[0] > 25
  const showClip = norms.length > 0 && clip < norms[norms.length - 1] * 3 && clip > norms[0] / 3
  const one = (title: string, unit: string, key: keyof StepRow, more: Partial<Parameters<typeof lineChart>[0]> = {}, extra: Series[] = []) => {
    const points = rows.map((r) => [r.step, r[key] as number] as const)
    const series: Series[] = window > 1 && key !== 'lr'
      ? [{ name: '', style: 'auxraw', points }, { name: title, style: 'aux', points: smooth(points, window) }]
      : [{ name: title, style: 'aux', points }]
    return lineChart({ title, unit, series: [...series, ...extra], xRange: range, highPx: 190, ...more })
  }
  return `<section><h2>Dynamics</h2>${window > 1 ? `<p>Faint: each step. Firm: the mean of ${window} steps.</p>` : ''}<div class="pair">
${one('Gradient norm', `before clipping${showClip ? ` at ${shortNumber(clip)}, dotted` : ''}${wide ? ', logarithmic' : ''}`, 'gradNorm', wide ? { log: true } : { from: 0 }, showClip ? [{ name: '', style: 'yard', points: range.map((x) => [x, clip]) }] : [])}
${one('Learning rate', '', 'lr', { from: 0 })}
${one('Throughput', 'tokens per second', 'tokensPerSec', { from: 0 })}
${one('Expert load, busiest ÷ mean', 'worst layer; 1 is even', 'expertLoadMaxOverMean', { from: 1 })}
</div></section>`
}

const MAX_LAYERS = 12, MAX_EXPERT_ROWS = 64, MAX_COLUMNS = 100

function expertSection(data: ReportData): string {
  const { experts, config, rows } = data
  const numLayers = experts[0]?.length ?? 0
  const numExperts = experts[0]?.[0]?.length ?? 0
  const head = '<section><h2>Expert load by layer</h2>'
  if (numLayers === 0 || numExperts === 0) return `${head}<p>Nothing was recorded.</p></section>`
  const lastStep = rows.at(-1)?.step ?? experts.length
  const steps = data.expertSteps ?? experts.map((_, i) => Math.round(((i + 1) * lastStep) / experts.length))
  const shown = pick(Array.from({ length: numLayers }, (_, i) => i), MAX_LAYERS)
  const perRow = Math.ceil(numExperts / MAX_EXPERT_ROWS)
  const columns = bins(experts.length, MAX_COLUMNS)
  const maps = shown.map((layer) => heatMap({
    title: layerName(config, layer), numExperts, rowName: perRow > 1 ? `${perRow} experts a row` : 'one expert a row',
    steps: columns.map(([begin, end]) => steps[end - 1] ?? steps[begin]),
    ratios: columns.map(([begin, end]) => loadRatios(experts.slice(begin, end).map((recorded) => recorded[layer] ?? []), numExperts, perRow)),
  }))
  const left = shown.length < numLayers ? ` ${shown.length} of ${numLayers} layers are shown.` : ''
  return `${head}<p>Each band is one layer, each row an expert, time runs to the right. The ground tone means that the router gives the expert its even share.${left}</p>${heatScale()}<div class="pair">${maps.join('\n')}</div></section>`
}

/** Load over mean load per row, summed over the recorded steps of one column. */
function loadRatios(recorded: readonly (readonly number[])[], numExperts: number, perRow: number): number[] {
  const sums = new Float64Array(numExperts)
  for (const load of recorded) load.forEach((n, e) => { sums[e] += n })
  const even = mean(sums) || 1
  return bins(numExperts, Math.ceil(numExperts / perRow)).map(([begin, end]) => mean(sums.subarray(begin, end)) / even)
}

function layerName(config: RunConfig, moeLayer: number): string {
  const layer = config.model.first_k_dense_replace + moeLayer
  return layer < config.model.num_hidden_layers ? `Layer ${layer}` : `Layer ${layer}, multi-token prediction`
}

function tableSection({ rows, evals }: ReportData): string {
  const evalAt = new Map(evals.map((e) => [e.step, e]))
  const wanted = new Set([...pick(rows, 16).map((r) => r.step), ...pick(evals, 16).map((e) => e.step)])
  const rowAt = new Map(rows.map((r) => [r.step, r]))
  const lines = [...wanted].sort((a, b) => a - b).map((step) => {
    const row = rowAt.get(step), measured = evalAt.get(step)
    const cells = [step.toLocaleString('en-US'), row ? fixed(row.loss) : '', measured ? fixed(measured.valLoss) : '', row ? scientific(row.lr) : '', row ? fixed(row.gradNorm) : '', row ? compact(row.tokensPerSec) : '', row ? fixed(row.expertLoadMaxOverMean, 2) : '']
    return `<tr${measured ? ' class="eval"' : ''}>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  const heads: [string, string][] = [['Step', ''], ['Training loss', 'nats/token'], ['Validation loss', 'nats/token'], ['Learning rate', ''], ['Gradient norm', 'unclipped'], ['Throughput', 'tokens/s'], ['Expert load', 'max ÷ mean']]
  return `<section><h2>Numbers</h2><p>A selection; every step is in metrics.jsonl.</p><div class="wide"><table><thead><tr>${heads.map(([name, unit]) => `<th scope="col">${name}${unit ? `<small>${unit}</small>` : ''}</th>`).join('')}</tr></thead><tbody>${lines.join('\n')}</tbody></table></div></section>`
}

function configSection({ config }: ReportData): string {
  return `<section><h2>Configuration</h2><details><summary>All values, defaults filled in</summary><pre>${escapeText(JSON.stringify(config, null, 2))}</pre></details></section>`
}

function xRange(rows: readonly StepRow[], config: RunConfig): [number, number] {
  const first = rows[0]?.step ?? 1
  return [first === 1 ? 0 : first, Math.max(rows.at(-1)?.step ?? config.train.steps, first + 1)]
}

function tokensUntil(config: RunConfig, lastStep: number): number {
  // Batch sizes are constant between ramp entries, so whole stretches are added at once.
  const starts = [1, ...config.train.batchRamp.map((r) => r.step).filter((s) => s > 1 && s <= lastStep), lastStep + 1]
  return starts.slice(1).reduce((sum, end, i) => sum + (end - starts[i]) * batchSizeAt(config.train, starts[i]) * config.train.sequenceLength, 0)
}

/** Steps that one smoothed point averages: a fortieth of the run. */
const smoothing = (numRows: number) => Math.max(1, 2 * Math.floor(numRows / 80) + 1)

/** Centred moving mean from running sums; the window shrinks at both ends; NaN stays out of it. */
function smooth(points: Series['points'], window: number): [number, number][] {
  const half = (window - 1) / 2
  const sums = new Float64Array(points.length + 1), counts = new Float64Array(points.length + 1)
  points.forEach(([, y], i) => {
    sums[i + 1] = sums[i] + (Number.isFinite(y) ? y : 0)
    counts[i + 1] = counts[i] + (Number.isFinite(y) ? 1 : 0)
  })
  return points.map(([x], i) => {
    const begin = Math.max(0, i - half), end = Math.min(points.length, i + half + 1)
    return [x, (sums[end] - sums[begin]) / (counts[end] - counts[begin])]
  })
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return values.length === 0 ? NaN : sum / values.length
}

/** At most n of the items, evenly spread, first and last among them. */
function pick<T>(items: readonly T[], n: number): T[] {
  return items.length <= n ? [...items] : Array.from({ length: n }, (_, i) => items[Math.round((i * (items.length - 1)) / (n - 1))])
}

/** At most n stretches [begin, end) of nearly equal length that cover 0..length. */
function bins(length: number, n: number): [number, number][] {
  const count = Math.min(length, n)
  return Array.from({ length: count }, (_, i) => [Math.floor((i * length) / count), Math.floor(((i + 1) * length) / count)])
}

const fixed = (value: number, digits = 3) => (Number.isFinite(value) ? value.toFixed(digits) : '–')

/** 409,600; 1.23 M; 671 B; 14.8 T. */
function compact(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const [unit, letter] = value >= 1e12 ? [1e12, ' T'] : value >= 1e9 ? [1e9, ' B'] : value >= 1e6 ? [1e6, ' M'] : [1, '']
  return letter === '' ? Math.round(value).toLocaleString('en-US') : `${(value / unit).toPrecision(3)}${letter}`
}
