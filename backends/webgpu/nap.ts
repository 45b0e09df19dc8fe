// Waiting on a software adapter. Dawn for Node polls in every turn of the event loop, which keeps a whole core busy; when
// the shaders run on the same few cores, that core is missing there. So while something is awaited, each turn sleeps a moment.

const cell = new Int32Array(new SharedArrayBuffer(4))
const napMs = 1

/** Awaits `work`, sleeping a millisecond in each turn of the event loop. Timers and signals still run, a millisecond later. */
export async function napping<T>(work: Promise<T>): Promise<T> {
  let waiting = true
  const turn = () => {
    if (!waiting) return
    Atomics.wait(cell, 0, 0, napMs)
    setImmediate(turn)
  }
  setImmediate(turn)
  try {
    return await work
  } finally {
    waiting = false
  }
}
