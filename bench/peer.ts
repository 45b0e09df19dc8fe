// Asks bench/torch_peer.py, in a process of its own, what the library needs for the same work. Absent PyTorch is said, not an error.
import { spawnSync } from 'node:child_process'
import type { Peer } from './kernel_cases.ts'

/** Seconds by index; a string says why there is none. */
export function libraryTimes(peers: readonly (Peer | undefined)[], script: string): { times: (number | undefined)[]; notes: string[] } {
  const asked = peers.flatMap((peer, id) => (peer ? [JSON.stringify({ id, ...peer })] : []))
  const none = (note: string) => ({ times: peers.map(() => undefined), notes: [note] })
  const { status, stdout, stderr, error } = spawnSync('python3', [script], { input: `${asked.join('\n')}\n`, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 300_000 })
  if (error) return none(`no library beside: python3 ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not here' : error.message}`)
  if (status !== 0) return none(`no library beside: ${stderr.trim().split('\n').at(-1)}`)
  const times: (number | undefined)[] = peers.map(() => undefined)
  const notes: string[] = []
  for (const line of stdout.trim().split('\n').filter(Boolean)) {
    const answer = JSON.parse(line) as { id: number; timeSec?: number; error?: string }
    if (answer.timeSec !== undefined) times[answer.id] = answer.timeSec
    else notes.push(`${JSON.stringify(peers[answer.id])}: ${answer.error}`)
  }
  return { times, notes }
}

export const peerName = (peer: Peer): string => ({ bf16_gemm: 'torch.matmul', fp8_gemm: 'torch._scaled_mm', copy: 'torch copy' })[peer.kind]
