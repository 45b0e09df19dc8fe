// Child of checkpoint_kill.test.ts: goes on from the newest checkpoint and saves one step after the other until it is
// killed. Prints `from N`, then `saved N` after each save. argv: run directory.
import { NodeFiles } from '../../src/io/node/files.ts'
import { lockRunDir } from '../../src/io/node/lock.ts'
import { findCheckpoint, saveCheckpoint } from '../../src/train/checkpoint.ts'
import { readContent, writeContent } from '../support/checkpoint_content.ts'

const dir = process.argv[2]
const files = new NodeFiles()
await lockRunDir(dir)
const found = await findCheckpoint(files, dir, { warn: (message) => console.log(`warn ${message}`) })
if (found) await readContent(files, found.dir, found.step)
console.log(`from ${found?.step ?? 0}`)
for (let step = (found?.step ?? 0) + 1; ; step++) {
  // 40 kB: several pages, and larger than a pipe or a block, so that a kill can fall into a write.
  await saveCheckpoint(files, dir, step, writeContent(step, 1, 10_000))
  console.log(`saved ${step}`)
}
