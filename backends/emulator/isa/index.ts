// Every chapter of instructions, one line each. A key is an opcode, an opcode with its first modifiers ('cp.async.bulk', the
// longest wins), or an opcode and its last modifier after a space ('add f32', which wins over all).
import type { Decoder } from '../decode.ts'
import { asyncCopy } from './async_copy.ts'
import { atomicChapter } from './atomic.ts'
import { barrier } from './barrier.ts'
import { bits } from './bits.ts'
import { bulkCopy } from './bulk_copy.ts'
import { carry } from './carry.ts'
import { control } from './control.ts'
import { convert } from './convert.ts'
import { data } from './data.ts'
import { float } from './float.ts'
import { formChapter } from './forms.ts'
import { half } from './half.ts'
import { integer } from './integer.ts'
import { matrixMoves } from './matrix_moves.ts'
import { mbarrier } from './mbarrier.ts'
import { memory } from './memory.ts'
import { mma } from './mma.ts'
import { remoteStore } from './remote_store.ts'
import { setmaxnreg } from './setmaxnreg.ts'
import { tensorCopy } from './tensor_copy.ts'
import { tensormap } from './tensormap.ts'
import { refused } from './refused.ts'
import { warp } from './warp.ts'
import { wgmma } from './wgmma.ts'
import { wmma } from './wmma.ts'

/** Opcodes that several chapters share, by their forms. */
const scalar = formChapter(integer, bits, carry, data, convert, float, half)
const all = [asyncCopy, atomicChapter, barrier, bulkCopy, control, matrixMoves, memory, mbarrier, mma, refused, remoteStore, scalar, setmaxnreg, tensorCopy, tensormap, warp, wgmma, wmma].flatMap((c) => Object.entries(c))

export const chapters: ReadonlyMap<string, Decoder> = new Map(all)
// Else the later chapter would hide the other one's without a word.
if (chapters.size !== all.length) throw new Error(`two chapters have the key ${all.find(([key], i) => all.findIndex(([k]) => k === key) !== i)![0]}`)
