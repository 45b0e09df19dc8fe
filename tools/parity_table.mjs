// node tools/parity_table.mjs < check.jsonl: the README's parity matrix from `weft check --json`.
import { readFileSync } from 'node:fs'

const lines = readFileSync(0, 'utf8').trim().split('\n').map((l) => JSON.parse(l))
const cells = lines.filter((l) => l.event === 'cell')
const devices = [...new Set(cells.map((c) => c.device))]
const ops = [...new Set(cells.map((c) => c.op))]
const show = (own) => {
  if (!own.length) return '–'
  const bad = own.filter((c) => !c.ok).length
  if (bad) return `${bad} of ${own.length} fail`
  const worst = own.reduce((a, b) => ((b.error / b.bound || 0) > (a.error / a.bound || 0) ? b : a))
  return worst.error === 0 ? 'equal bits' : `${worst.error.toExponential(1)} of ${worst.bound.toExponential(1)}`
}
const rows = ops.map((op) => `| \`${op}\` | ${cells.filter((c) => c.op === op && c.device === devices[0]).length} | ${devices.slice(1).map((d) => show(cells.filter((c) => c.op === op && c.device === d))).join(' | ')} |`)
const overall = lines.find((l) => l.event === 'overall')
console.log(`| op | cases | ${devices.slice(1).map((d) => `${d}: worst error of its bound`).join(' | ')} |\n|---|---|${'---|'.repeat(devices.length - 1)}\n${rows.join('\n')}\n\n\`overall okay: ${overall.passed}/${overall.total}\``)
