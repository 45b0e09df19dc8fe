// weft ptx check: every kernel of ptx/ through ptxas: it must assemble without C75xx remarks and spills, with the header's registers.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ladder } from '../../../ptx/index.ts'
import { InputError } from '../../core/errors.ts'
import { parseOptions } from '../options.ts'
import { deviceInfo, headerName, kernelTexts, targetOf } from '../ptx_texts.ts'

const folder = fileURLToPath(new URL('../../../ptx/', import.meta.url))

export async function run(args: string[]): Promise<number> {
  const { json } = parseOptions('ptx check', args, { json: { type: 'boolean', default: false } })
  if (spawnSync('ptxas', ['--version']).error) throw new InputError('weft ptx check: ptxas is not in the path; it comes with the PyPI wheel nvidia-cuda-nvcc 13.0')
  const scratch = mkdtempSync(join(tmpdir(), 'weft-ptx-'))
  let passed = 0
  const texts = allTexts()
  try {
    for (const { label, ptx } of texts) {
      const problems = assemble(ptx, scratch)
      if (!problems.length) passed++
      if (json) process.stdout.write(`${JSON.stringify({ event: 'kernel', file: label, ok: !problems.length, problems })}\n`)
      else process.stdout.write(`  ${label.padEnd(40)}${problems.length ? problems.join('; ') : 'ok'}\n`)
    }
  } finally { rmSync(scratch, { recursive: true }) }
  process.stdout.write(json ? `${JSON.stringify({ event: 'overall', passed, total: texts.length })}\n` : `overall okay: ${passed}/${texts.length}\n`)
  return passed === texts.length ? 0 : 3
}

/** The .ptx files of a checkout, then the texts that functions make: what the parity cases launch beside them, and what kernels show of themselves. */
function allTexts(): { label: string; ptx: string }[] {
  const files = !existsSync(folder) ? [] : readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ptx')).sort()
    .map((f) => ({ label: f, ptx: readFileSync(join(folder, f), 'utf8') }))
  const seen = new Set(files.map((f) => f.ptx))
  const chosen = ladder.flatMap((rung) => [...rung.kernels.values()]).flatMap((k) => k.texts?.() ?? []).map((ptx) => ({ name: headerName(ptx), target: targetOf(ptx), ptx }))
  const made = [...[80, 90].flatMap((sm) => kernelTexts(deviceInfo(sm))), ...chosen].filter((t) => !seen.has(t.ptx) && seen.add(t.ptx))
  const numbers = new Map<string, number>()
  const nth = (name: string) => { const n = (numbers.get(name) ?? 0) + 1; numbers.set(name, n); return n }
  return [...files, ...made.map((t) => { const file = `${t.target === 'sm_80' ? '' : `${t.target}/`}${t.name}.ptx.ts`; return { label: `${file} ${nth(file)}`, ptx: t.ptx } })]
}

/** What is wrong with one text, nothing if all is well. A kernel for Ampere must also do without spills on Hopper. */
function assemble(ptx: string, scratch: string): string[] {
  const target = targetOf(ptx)
  const own = ptxas(ptx, target, scratch)
  const problems = [...own.problems]
  const used = own.registers.join(', ')
  // A text that a function makes states the most that any of its forms may use.
  const [, atMost, said] = /^\/\/ regs\s+(at most )?(\d+(?:, \d+)*)/m.exec(ptx) ?? []
  const agrees = atMost ? Math.max(...own.registers) <= Number(said) : used === said
  if (!problems.length && !agrees) problems.push(`uses ${used} registers, its header says ${atMost ?? ''}${said ?? 'nothing'}`)
  if (target === 'sm_80') problems.push(...ptxas(ptx, 'sm_90', scratch).problems.map((p) => `sm_90: ${p}`))
  return problems
}

/** Registers of the entries, in the text's order. */
function ptxas(ptx: string, arch: string, scratch: string): { problems: string[]; registers: number[] } {
  const path = join(scratch, 'kernel.ptx')
  writeFileSync(path, ptx)
  const { status, stdout, stderr } = spawnSync('ptxas', ['-v', `-arch=${arch}`, path, '-o', join(scratch, 'out.cubin')], { encoding: 'utf8' })
  const log = `${stdout}${stderr}`
  if (status !== 0) return { problems: [log.trim().split('\n')[0]], registers: [] }
  const problems = [...log.matchAll(/\(C75\d\d\)[^\n]*/g)].map((m) => m[0])
  if (/[1-9]\d* bytes spill/.test(log)) problems.push('spills')
  const entries = [...ptx.replace(/\/\/[^\n]*/g, '').matchAll(/\.entry\s+([\w$]+)/g)].map((m) => m[1])
  const registers = entries.map((e) => Number(new RegExp(`entry function '${e.replace(/\$/g, '\\$')}'[^]*?Used (\\d+) registers`).exec(log)?.[1]))
  return { problems, registers }
}
