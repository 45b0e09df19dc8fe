// Instructions that exist and are not emulated: refused by name, with the reason.
import type { Chapter, Decoder } from '../decode.ts'

const refuse = (why: string): Decoder => (s, ctx) => ctx.error(`${[s.opcode, ...s.modifiers].join('.')} is not emulated: ${why}`)

const video = 'vadd vsub vabsdiff vmin vmax vshl vshr vmad vset vadd2 vsub2 vavrg2 vabsdiff2 vmin2 vmax2 vset2 vadd4 vsub4 vavrg4 vabsdiff4 vmin4 vmax4 vset4'
const textures = 'tex tld4 txq istypep suld sust sured suq'
const blackwell = 'tcgen05 clusterlaunchcontrol'

const of = (names: string, why: string) => Object.fromEntries(names.split(' ').map((name) => [name, refuse(why)]))
export const refused: Chapter = { ...of(video, 'video instructions are left out'), ...of(textures, 'there are no textures and surfaces'), ...of(blackwell, 'it needs sm_100') }
