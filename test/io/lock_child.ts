// Child of lock.test.ts. argv: directory, then `hold` (lock and wait to be killed), `try` (lock, report, wait for stdin
// to close) or `count N` (lock and release N times, checking that no one else is inside).
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { lockRunDir } from '../../src/io/node/lock.ts'

const [dir, mode, count] = process.argv.slice(2)
if (mode === 'count') {
  let entered = 0
  while (entered < Number(count)) {
    const lock = await lockRunDir(dir).catch(() => undefined)
    if (!lock) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
      continue
    }
    // wx fails when another process is inside.
    writeFileSync(`${dir}/inside`, String(process.pid), { flag: 'wx' })
    appendFileSync(`${dir}/log`, `${process.pid}\n`)
    if (readFileSync(`${dir}/inside`, 'utf8') !== String(process.pid)) throw new Error('two inside')
    rmSync(`${dir}/inside`)
    entered++
    await lock.release()
  }
  console.log('done')
} else {
  // `try` waits for a line, so that many children go at the same moment.
  if (mode === 'try') await new Promise((resolve) => process.stdin.once('data', resolve))
  try {
    await lockRunDir(dir)
    console.log('locked')
  } catch (error) {
    console.log(`refused ${(error as Error).message}`)
  }
  if (mode === 'hold') setInterval(() => {}, 1000)
  else process.stdin.on('end', () => process.exit(0)).resume()
}
