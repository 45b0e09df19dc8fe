// Every kind of bad input gives a sentence that names the thing, and exit code 2; nothing is lost.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadCommand } from '../../src/cli/commands/index.ts'
import { InputError } from '../../src/core/errors.ts'
import { lockRunDir } from '../../src/io/node/lock.ts'

const root = mkdtempSync(join(tmpdir(), 'weft-bad-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const file = (name: string, content: string | Uint8Array) => { const path = join(root, name); writeFileSync(path, content); return path }
const golden = new URL('../golden/model/', import.meta.url).pathname

/** A copy of the golden model to damage. */
function model(name: string, change: (dir: string) => void): string {
  const dir = join(root, name)
  mkdirSync(dir)
  for (const f of ['config.json', 'model.safetensors']) copyFileSync(join(golden, f), join(dir, f))
  change(dir)
  return dir
}
const setConfig = (dir: string, change: object) =>
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8')), ...change }))

const nano = ['--preset', 'nano', '--device', 'cpu', '--out', join(root, 'run')]
const cases: [string, string, string[], RegExp][] = [
  ['an unknown preset', 'train', ['--preset', 'tinny'], /no preset "tinny".*did you mean "tiny"/],
  ['an unknown option', 'train', [...nano, '--stepz', '3'], /no option --stepz.*did you mean "steps"/],
  ['steps that are no number', 'train', [...nano, '--steps', 'many'], /--steps is "many", must be a whole number/],
  ['an unknown configuration key', 'train', [...nano, '--set', 'train.batchsize=3'], /train\.batchsize.*did you mean "batchSize"/],
  ['more top-k than experts', 'train', [...nano, '--set', 'model.num_experts_per_tok=9'], /num_experts_per_tok.*9/],
  ['an impossible shape', 'train', [...nano, '--set', 'model.qk_rope_head_dim=3'], /qk_rope_head_dim.*3/],
  ['a configuration that is not JSON', 'train', ['--config', file('broken.json', '{"model":'), '--out', join(root, 'x')], /broken\.json is not JSON/],
  ['a configuration that is not there', 'train', ['--config', join(root, 'absent.json')], /absent\.json: no such file/],
  ['empty data', 'train', [...nano, '--data', file('empty.txt', '')], /empty/],
  ['data that is not UTF-8', 'train', [...nano, '--data', file('latin.txt', Uint8Array.of(0xff, 0xfe, 0x41))], /UTF-8/],
  ['absent data', 'train', [...nano, '--data', join(root, 'nowhere.txt')], /nowhere\.txt/],
  ['an unknown device', 'train', ['--preset', 'nano', '--out', join(root, 'y'), '--device', 'gpu'], /device "gpu" is unknown/],
  ['an absent device', 'check', ['--device', 'cuda:0'], /cuda:0/],
  ['--fresh in a folder with files', 'train', ['--preset', 'nano', '--device', 'cpu', '--out', golden, '--fresh'], /--fresh: .* is not empty/],
  ['a folder without a model', 'generate', ['--model', root, '--device', 'cpu'], /holds neither model\.safetensors nor a checkpoint/],
  ['truncated weights', 'generate', ['--device', 'cpu', '--model', model('cut', (d) => truncateSync(join(d, 'model.safetensors'), 300_000))], /model\.safetensors/],
  ['a missing tensor', 'generate', ['--device', 'cpu', '--model', model('more', (d) => setConfig(d, { num_hidden_layers: 4 }))], /model\.layers\.3\..* is missing/],
  ['a tensor of another shape', 'generate', ['--device', 'cpu', '--model', model('wide', (d) => setConfig(d, { hidden_size: 128 }))], /is \[256, 64\], config\.json makes it \[256, 128\]/],
  ['a token outside the vocabulary', 'eval', ['--device', 'cpu', '--model', golden, '--ids', file('ids.json', '[[1, 2, 256]]')], /is 256, must be an integer from 0 to 255/],
  ['ids of unequal length', 'eval', ['--device', 'cpu', '--model', golden, '--ids', file('odd.json', '[[1, 2], [3]]')], /ids\[1\] has 1 tokens, must have 2/],
  ['an empty prompt', 'generate', ['--device', 'cpu', '--model', golden, '--prompt', ''], /the prompt is empty/],
]

it.each(cases)('%s', async (_, name, args, message) => {
  const command = await loadCommand(name)
  const error = await command.run(args).then(() => undefined, (e: Error) => e)
  expect(error).toBeInstanceOf(InputError)
  expect(error!.message).toMatch(message)
})

it('a second run in one directory', async () => {
  const out = join(root, 'shared')
  const lock = await lockRunDir(out)
  const command = await loadCommand('train')
  await expect(command.run(['--preset', 'nano', '--device', 'cpu', '--out', out])).rejects.toThrow(/another run \(pid \d+\) is using/)
  await lock.release()
})
