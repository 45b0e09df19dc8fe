// node tools/parity_table.mjs < check.jsonl: the README's parity matrix from `weft check --json`: worst error of its bound, by device.
import { readFileSync } from 'node:fs'

const lines = readFileSync(0, 'utf8').trim().split('\n').map((l) => JSON.parse(l))
const cells = lines.filter((l) => l.event === 'cell')
// cpu is the reference itself: a column of zeros.
const devices = [...new Set(cells.map((c) => c.device))].filter((d) => d !== 'cpu')
const ops = [...new Set(cells.map((c) => c.op))]
const show = (own) => {
  if (!own.length) return '–'
  if (own.every((c) => c.skipped)) return 'no kernel'
  const bad = own.filter((c) => !c.ok).length
  if (bad) return `${bad} of ${own.length} fail`
  const worst = own.reduce((a, b) => ((b.error / b.bound || 0) > (a.error / a.bound || 0) ? b : a))
  return worst.error === 0 ? 'equal bits' : `${worst.error.toExponential(1)} of ${worst.bound.toExponential(1)}`
}
const rows = ops.map((op) => {
  const own = cells.filter((c) => c.op === op)
  return `| \`${op}\` | ${new Set(own.map((c) => c.case)).size} | ${devices.map((d) => show(own.filter((c) => c.device === d))).join(' | ')} |`
})
console.log(`| op | cases | ${devices.map((d) => `\`${d}\``).join(' | ')} |\n|---|---|${'---|'.repeat(devices.length)}\n${rows.join('\n')}`)
for (const { device, why } of lines.filter((l) => l.event === 'absent')) console.log(`\n\`${device}\`: not yet run on hardware (${why})`)
const overall = lines.find((l) => l.event === 'overall')
console.log(`\n\`overall okay: ${overall.passed}/${overall.total}\``)
