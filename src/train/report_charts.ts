// Figures of the report as HTML text. Lines are SVG stretched to the box, labels are HTML beside it: text keeps its
// size on every screen, and strokes do not scale.

export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

export interface Series {
  name: string // in the legend; '' leaves it out
  style: 'train' | 'raw' | 'valid' | 'yard' | 'aux' | 'auxraw'
  points: readonly (readonly [x: number, y: number])[] // ascending x; NaN breaks the line
  dots?: boolean // marks each point
}

export interface LineChart {
  title: string
  unit: string
  series: readonly Series[]
  xRange: readonly [number, number]
  highPx: number
  from?: number // where the y axis begins, if no value is below; default: a little under the lowest
  log?: boolean
}

const SIZE = 1000 // drawing units a side

/** A figure with axes, legend and a summary for screen readers. */
export function lineChart(chart: LineChart): string {
  const values = chart.series.flatMap((s) => s.points.map((p) => p[1])).filter((y) => Number.isFinite(y) && (!chart.log || y > 0))
  if (values.length === 0) return figure(chart.title, '', '', '<p class="empty">Nothing was recorded.</p>')
  const [low, high] = yRange(values, chart)
  const forward = chart.log ? Math.log10 : (y: number) => y
  const yAt = (y: number) => round(SIZE * (1 - (forward(y) - forward(low)) / (forward(high) - forward(low))))
  const xAt = (x: number) => round((SIZE * (x - chart.xRange[0])) / Math.max(chart.xRange[1] - chart.xRange[0], 1e-9))
  const yTicks = chart.log ? logTicks(low, high) : niceTicks(low, high, 5)
  const exponent = chart.log ? 0 : commonExponent(yTicks)
  const xTicks = niceTicks(chart.xRange[0], chart.xRange[1], 8).filter(Number.isInteger)

  const lines = yTicks.map((y) => `<path class="grid" d="M0 ${yAt(y)}H${SIZE}"/>`).join('') + `<path class="axis" d="M0 ${SIZE}H${SIZE}"/>`
  const drawn = chart.series.map((s) => {
    const points = thin(s.points, 700)
    const dots = s.dots ? `<path class="dots" d="${s.points.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `M${xAt(x)} ${yAt(y)}h0`).join('')}"/>` : ''
    return `<path class="${s.style}" d="${linePath(points, xAt, yAt)}"/>${dots}`
  }).join('')
  const labels = yTicks.map((y) => `<span class="y" style="top:${yAt(y) / 10}%">${tickText(y, yTicks, exponent)}</span>`).join('') + xLabels(xTicks, xAt)
  const unit = exponent === 0 ? chart.unit : exponent === 3 && chart.unit !== '' ? `thousand ${chart.unit}` : `${chart.unit === '' ? '' : `${chart.unit}, `}× 10${superscript(exponent)}`
  const last = chart.series.map((s) => s.name && s.points.length > 0 ? `${s.name}: ${shortNumber(s.points[s.points.length - 1][1])}` : '').filter(Boolean).join(', ')
  return figure(chart.title, unit, legend(chart.series),
    `<div class="plot" style="--high:${chart.highPx}px" role="img" aria-label="${escapeText(`${chart.title}, last values: ${last}`)}"><svg viewBox="0 0 ${SIZE} ${SIZE}" preserveAspectRatio="none" aria-hidden="true">${lines}${drawn}</svg>${labels}</div>`)
}

function figure(title: string, unit: string, legendHtml: string, body: string, cls = ''): string {
  return `<figure${cls ? ` class="${cls}"` : ''}><figcaption><h3>${escapeText(title)}</h3>${unit ? `<span class="unit">${escapeText(unit)}</span>` : ''}${legendHtml}</figcaption>${body}</figure>`
}

function legend(series: readonly Series[]): string {
  const named = series.filter((s) => s.name !== '')
  if (named.length < 2) return ''
  const sample = (s: Series) => `<svg viewBox="0 0 22 11" aria-hidden="true"><path class="${s.style}" fill="none" stroke-linecap="round" d="M1 5.5H21"/>${s.dots ? '<path class="dots" stroke-linecap="round" d="M11 5.5h0"/>' : ''}</svg>`
  return `<ul class="legend">${named.map((s) => `<li>${sample(s)}${escapeText(s.name)}</li>`).join('')}</ul>`
}

/** In a long run the 1 % highest values may leave the picture: its first steps would flatten all the others. */
function yRange(values: readonly number[], chart: LineChart): [number, number] {
  const sorted = Float64Array.from(values).sort()
  const top = sorted[sorted.length < 1000 ? sorted.length - 1 : Math.floor(sorted.length * 0.99)]
  const bottom = Math.min(chart.from ?? Infinity, sorted[0])
  if (chart.log) return [bottom / 1.2, Math.max(top, bottom * 1.01) * 1.2]
  const span = top - bottom || Math.abs(top) || 1
  return [bottom === chart.from ? bottom : bottom - span * 0.06, top + span * 0.06]
}

/** Round numbers inside [low, high], about `count` of them. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count
  if (!(rough > 0)) return [low]
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 5, 10].find((m) => m * unit >= rough * 0.999) ?? 10)
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

function logTicks(low: number, high: number): number[] {
  const ticks: number[] = []
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) for (const m of [1, 2, 5]) ticks.push(Number((m * 10 ** e).toPrecision(6)))
  const inside = ticks.filter((t) => t >= low && t <= high)
  const decades = inside.filter((t) => /^1e|^10*$|^0\.0*1$/.test(String(t)))
  return inside.length > 7 && decades.length >= 2 ? decades : inside
}

/** 3 for thousands, -3 for thousandths, 0 where plain numbers are short enough. */
function commonExponent(ticks: readonly number[]): number {
  const largest = Math.max(...ticks.map(Math.abs))
  if (largest === 0 || (largest >= 0.05 && largest < 10_000)) return 0
  return 3 * Math.floor(Math.log10(largest) / 3 + 1e-9)
}

function tickText(value: number, ticks: readonly number[], exponent: number): string {
  const gap = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) / 10 ** exponent : 1
  const scaled = value / 10 ** exponent
  if (exponent === 0 && ticks.length > 1 && ticks[ticks.length - 1] / ticks[0] >= 10 && ticks[0] > 0) return shortNumber(value)
  return minus(scaled.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(gap) + 1e-9)))))
}

function xLabels(ticks: readonly number[], xAt: (x: number) => number): string {
  return ticks.map((x, i) => `<span class="x${i % 2 === 1 ? ' odd' : ''}" style="left:${xAt(x) / 10}%">${x.toLocaleString('en-US')}</span>`).join('') + '<span class="xname">step</span>'
}

/** Keeps the lowest and highest point of each of numBins stretches: spikes stay visible, files stay small. */
function thin(points: Series['points'], numBins: number): Series['points'] {
  if (points.length <= 2 * numBins) return points
  const kept: (readonly [number, number])[] = []
  for (let bin = 0; bin < numBins; bin++) {
    const slice = points.slice(Math.floor((bin * points.length) / numBins), Math.floor(((bin + 1) * points.length) / numBins))
    const finite = slice.filter(([, y]) => Number.isFinite(y))
    if (finite.length < slice.length) { kept.push([slice[0][0], NaN]); continue }
    const lowest = finite.reduce((a, b) => (b[1] < a[1] ? b : a))
    const highest = finite.reduce((a, b) => (b[1] > a[1] ? b : a))
    kept.push(...[lowest, highest].sort((a, b) => a[0] - b[0]))
  }
  return kept
}

function linePath(points: Series['points'], xAt: (x: number) => number, yAt: (y: number) => number): string {
  let pen = 'M'
  return points.map(([x, y]) => {
    const at = Number.isFinite(y) ? yAt(y) : NaN
    if (!Number.isFinite(at)) { pen = 'M'; return '' }
    const part = `${pen}${xAt(x)} ${at}`
    pen = 'L'
    return part
  }).join('')
}

export interface HeatMap {
  title: string
  ratios: readonly (readonly number[])[] // [recorded steps][rows]: load over mean load
  steps: readonly number[] // ascending, one per recorded step
  rowName: string
  numExperts: number
}

/** Upper edges of the first eight of nine classes of load over mean load; the fifth is "even". */
export const heatEdges = [0.25, 0.5, 0.75, 0.9, 1.1, 1.33, 2, 4]

/** Time runs to the right, experts downwards. The even class is the background and is not drawn. */
export function heatMap(map: HeatMap): string {
  const numRows = map.ratios[0]?.length ?? 0
  const numColumns = map.ratios.length
  const paths: string[] = heatEdges.concat(Infinity).map(() => '')
  for (let row = 0; row < numRows; row++) {
    for (let begin = 0, end = 0; begin < numColumns; begin = end) { // runs of one colour become one rectangle
      const cls = heatClass(map.ratios[begin][row])
      for (end = begin + 1; end < numColumns && heatClass(map.ratios[end][row]) === cls; end++);
      if (cls !== 4) paths[cls] += `M${begin} ${row}h${end - begin}v1h${begin - end}z`
    }
  }
  const drawn = paths.map((d, cls) => (d ? `<path class="h${cls}" d="${d}"/>` : '')).join('')
  // Columns are recorded steps at even distances, so labels stand at the column of their step.
  const first = map.steps[0], last = map.steps[numColumns - 1]
  const xAt = (x: number) => round((SIZE * (x - first)) / Math.max(last - first, 1))
  const ticks = numColumns > 1 ? niceTicks(first, last, 6).filter(Number.isInteger) : []
  const every = [0, map.numExperts - 1].map((e, i) => `<span class="y" style="top:${i === 0 ? 50 / numRows : 100 - 50 / numRows}%">${e}</span>`).join('')
  const high = Math.min(176, Math.max(64, numRows * 12))
  return figure(map.title, map.rowName, '',
    `<div class="plot" style="--high:${high}px" role="img" aria-label="${escapeText(`Load of ${map.numExperts} experts over ${numColumns} recorded steps, ${map.title}`)}"><svg viewBox="0 0 ${numColumns} ${numRows}" preserveAspectRatio="none" shape-rendering="crispEdges" aria-hidden="true">${drawn}</svg>${every}${xLabels(ticks, xAt)}</div>`, 'heat')
}

function heatClass(ratio: number): number {
  const cls = heatEdges.findIndex((edge) => ratio < edge)
  return cls < 0 ? heatEdges.length : cls
}

/** The legend of all heat maps. */
export function heatScale(): string {
  const swatches = Array.from({ length: 9 }, (_, i) => `<i class="h${i}"></i>`).join('')
  const edges = ['¼', '½', '¾', '0.9', '1.1', '1⅓', '2', '4'].map((edge) => `<span>${edge}</span>`).join('')
  return `<div class="scale"><span>starved</span><div class="ramp">${swatches}${edges}</div><span>overloaded</span><span>tokens of an expert ÷ an even share</span></div>`
}

const round = (x: number) => Math.round(x * 10) / 10
const minus = (text: string) => text.replace('-', '−')

export function superscript(exponent: number): string {
  return String(exponent).replace(/./g, (c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]))
}

/** 2.20 × 10⁻⁴: one form for a column of numbers of many sizes. */
export function scientific(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return shortNumber(value)
  const [mantissa, exponent] = value.toExponential(2).split('e')
  return minus(`${mantissa} × 10`) + superscript(Number(exponent))
}

/** Three significant digits: 2.35, 12,400, 2.2 × 10⁻⁴. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e7 || size < 1e-3) return scientific(value)
  if (size >= 1000) return minus(Math.round(value).toLocaleString('en-US'))
  return minus(String(Number(value.toPrecision(3))))
}
