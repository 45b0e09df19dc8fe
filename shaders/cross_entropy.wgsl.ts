/** `wide`: four columns to an item, for V a multiple of 4 (see items.ts). */
export function crossEntropyWgsl(wide: boolean): string {
  const item = wide ? 'vec4f' : 'f32'
  return /* wgsl */ `// cross_entropy: losses = log sum exp(logits) - logits[target], dlogits = scale * (softmax(logits) - onehot), in three passes.
//   logits   [T, V]     f32  in
//   targets  [T]        i32  in
//   partial  [T, L, 2]  f32  scratch: largest logit and sum of exp of every L-th column; pass two reads it as partials
//   stats    [T, 2]     f32  scratch: the same of the row, the sum as scale / sum; pass three reads it as rows
//   losses   [T]        f32  out
//   total    [1]        f32  out  by sum_all.wgsl
//   dlogits  [T, V]     f32  out
// grid      pass one (ceil(T * L / 64), 1, 1), pass two (ceil(T / 64), 1, 1), pass three (ceil(T * V / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)   neighbours read neighbouring columns in passes one and three
// smem      0 bytes
// source    reference in src/ops/cross_entropy.ts

// V counts items of ${wide ? 'four elements' : 'one element'}.
struct Uniforms { T: u32, V: u32, L: u32, scale: f32 }

// Pass one.
@group(0) @binding(0) var<storage, read> logits: array<${item}>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn cross_entropy_partial(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.T * u.L) { return; }
  let t = i / u.L;
  let start = t * u.V;
  let column = i - t * u.L;
  var tops = ${item}(-3.4e38);
  for (var c = column; c < u.V; c += u.L) { tops = max(tops, logits[start + c]); }
  let top = ${wide ? 'max(max(tops.x, tops.y), max(tops.z, tops.w))' : 'tops'};
  // In chunks of 64 terms, so that the float32 error grows with the number of chunks.
  var total = ${item}(0.0);
  for (var c = column; c < u.V; c += 64 * u.L) {
    var sum = ${item}(0.0);
    let end = min(c + 64 * u.L, u.V);
    for (var j = c; j < end; j += u.L) { sum += exp(logits[start + j] - top); }
    total += sum;
  }
  partial[2 * i] = top;
  partial[2 * i + 1] = ${wide ? '(total.x + total.y) + (total.z + total.w)' : 'total'};
}

// Pass two.
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> stats: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;
@group(0) @binding(5) var<uniform> u2: Uniforms;

@compute @workgroup_size(64)
fn cross_entropy_rows(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let t = (wg.y * num.x + wg.x) * 64 + lane;
  if (t >= u2.T) { return; }
  let start = 2 * t * u2.L;
  var top = partials[start];
  for (var j = 1u; j < u2.L; j++) { top = max(top, partials[start + 2 * j]); }
  var sum = 0.0;
  for (var j = 0u; j < u2.L; j++) { sum += exp(partials[start + 2 * j] - top) * partials[start + 2 * j + 1]; }
  let goal = targets[t];
  var loss = 0.0;
  var weight = 0.0;
  if (goal >= 0) {
    loss = log(sum) - (${wide ? 'logits[t * u2.V + u32(goal) / 4][u32(goal) % 4]' : 'logits[t * u2.V + u32(goal)]'} - top);
    weight = u2.scale / sum;
  }
  losses[t] = loss;
  stats[2 * t] = top;
  stats[2 * t + 1] = weight;
}

// Pass three.
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> dlogits: array<${item}>;
@group(0) @binding(4) var<uniform> u3: Uniforms;

@compute @workgroup_size(64)
fn cross_entropy_gradient(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u3.T * u3.V) { return; }
  let t = i / u3.V;
  let weight = rows[2 * t + 1];
  let d = exp(logits[i] - rows[2 * t]) * weight;
  // An ignored row has target -1, which no column equals, and weight 0.
  let column = i32(i - t * u3.V)${wide ? ' * 4 + vec4i(0, 1, 2, 3)' : ''};
  dlogits[i] = d - select(${item}(0.0), ${item}(u3.scale), column == ${wide ? 'vec4i(targets[t])' : 'targets[t]'});
}
`
}
