// Entry of a worker thread in the checkout: Node 20 does not take the TypeScript loader of the thread that starts it along.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.entry)
