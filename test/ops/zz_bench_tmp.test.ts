import { it } from 'vitest'
import { openDevice } from '/work/main/src/device.ts'
import { wgslKernels } from '/work/main/shaders/index.ts'
import { moePlan } from '/work/main/src/ops/moe_plan.ts'
import { moe_permute } from '/work/main/src/ops/moe_permute.ts'
import { caseRandom } from '/work/main/src/check/random.ts'
it('bench', async () => {
  const { device } = await openDevice('webgpu')
  const k0 = wgslKernels.get('moe_permute') as any
  const launch = k0.launch
  for (const [T, H, E, k] of [[512, 128, 8, 2], [2048, 256, 64, 6]] as const) {
    const r = caseRandom('b')
    const x = device.tensor('f32', [T, H], r.normal([T, H]).data)
    const plan = moePlan(device.tensor('i32', [T, k], r.integers([T, k], 0, E).data), { experts: E, rowAlign: 8 })
    for (const [cap, wgs] of [[65535, 64], [512, 64], [128, 64], [32, 64], [8, 64], [65535, 128], [32, 128]]) {
      k0.launch = (c: any, g: any) => { const [d] = launch(c, g); return [{ ...d, wgsl: d.wgsl.replace('workgroup_size(64)', `workgroup_size(${wgs})`), workgroups: [Math.ceil(H / wgs), Math.min(cap, d.workgroups[1]), 1] }] }
      const fn = () => device.run(moe_permute, { x, row_slot: plan.rowSlot, slot_row: plan.slotRow }, { topk: k })
      device.scope(() => { fn() }); await device.backend.sync()
      const t0 = performance.now(); for (let i = 0; i < 5; i++) device.scope(() => { fn() }); await device.backend.sync()
      console.log(T, H, E, 'cap', cap, wgs, ((performance.now() - t0) / 5).toFixed(2), 'ms')
    }
  }
  await device.backend.destroy()
}, 200000)
