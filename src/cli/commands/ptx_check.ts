// weft ptx check: every kernel of ptx/ through ptxas: it must assemble without C75xx remarks and spills, with the header's registers.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from '../../core/errors.ts'
import { parseOptions } from '../options.ts'

const folder = fileURLToPath(new URL('../../../ptx/', import.meta.url))

export async function run(args: string[]): Promise<number> {
  const { json } = parseOptions('ptx check', args, { json: { type: 'boolean', default: false } })
  if (!existsSync(folder)) throw new InputError('weft ptx check: the kernels lie in a checkout of the repository, not in the installed package')
  if (spawnSync('ptxas', ['--version']).error) throw new InputError('weft ptx check: ptxas is not in the path; it comes with the PyPI wheel nvidia-cuda-nvcc 13.0')
  const scratch = mkdtempSync(join(tmpdir(), 'weft-ptx-'))
  let passed = 0
  const files = readdirSync(folder).filter((f) => f.endsWith('.ptx')).sort()
  try {
    for (const file of files) {
      const problems = assemble(join(folder, file), join(scratch, 'out.cubin'))
      if (!problems.length) passed++
      if (json) process.stdout.write(`${JSON.stringify({ event: 'kernel', file, ok: !problems.length, problems })}\n`)
      else process.stdout.write(`  ${file.padEnd(28)}${problems.length ? problems.join('; ') : 'ok'}\n`)
    }
  } finally { rmSync(scratch, { recursive: true }) }
  process.stdout.write(json ? `${JSON.stringify({ event: 'overall', passed, total: files.length })}\n` : `overall okay: ${passed}/${files.length}\n`)
  return passed === files.length ? 0 : 3
}

/** What is wrong with one kernel, nothing if all is well. */
function assemble(path: string, out: string): string[] {
  const text = readFileSync(path, 'utf8')
  const target = /^\.target (\S+)/m.exec(text)?.[1]
  if (!target) return ['no .target']
  const { status, stdout, stderr } = spawnSync('ptxas', ['-v', `-arch=${target}`, path, '-o', out], { encoding: 'utf8' })
  const log = `${stdout}${stderr}`
  if (status !== 0) return [log.trim().split('\n')[0]]
  const problems = [...log.matchAll(/\(C75\d\d\)[^\n]*/g)].map((m) => m[0])
  if (/[1-9]\d* bytes spill/.test(log)) problems.push('spills')
  const used = Number(/Used (\d+) registers/.exec(log)?.[1])
  const said = Number(/^\/\/ regs\s+(\d+)/m.exec(text)?.[1])
  if (used !== said) problems.push(`uses ${used} registers, its header says ${said || 'nothing'}`)
  return problems
}
