// node --import ./tools/text_loader.mjs: see text_hooks.mjs.
import { register } from 'node:module'
register('./text_hooks.mjs', import.meta.url)
