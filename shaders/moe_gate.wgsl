// moe_gate: topk_indices[t] = the topk experts of largest choice[e, t] within the topkGroup groups of largest score.
//   logits        [T, E]     f32  in, for moe_scores
//   bias          [E]        f32  in, for moe_scores
//   scores        [T, E]     f32  out of moe_scores
//   choice        [E, T]     f32  scratch, out of moe_scores: scores + bias
//   group_score   [G, T]     f32  scratch, out of moe_group_scores (with one group: choice again, unused)
//   topk_indices  [T, topk]  i32  out, descending, ties to the lower index
// grid      (ceil(T / 64), 1, 1)   one token per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/moe_gate.ts

struct Uniforms { T: u32, E: u32, groups: u32, topkGroup: u32, topk: u32 }

@group(0) @binding(0) var<storage, read> choice: array<f32>;
@group(0) @binding(1) var<storage, read> group_score: array<f32>;
@group(0) @binding(2) var<storage, read_write> topk_indices: array<i32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

const largest = 3.4028234663852886e38;

@compute @workgroup_size(64)
fn moe_gate(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let t = (wg.y * num.x + wg.x) * 64 + lane;
  if (t >= u.T) { return; }

  // Phase 1: the score and index of the last group that is kept. Each round takes the largest of those after the last taken
  // in the order (value down, index up): nothing need be remembered but that one.
  var leastScore = largest;
  var leastGroup = -1;
  if (u.groups > 1) {
    for (var n = 0u; n < u.topkGroup; n++) {
      var bestScore = -largest;
      var bestGroup = -1;
      for (var g = 0u; g < u.groups; g++) {
        let s = group_score[g * u.T + t];
        let after = s < leastScore || (s == leastScore && i32(g) > leastGroup);
        if (after && (bestGroup < 0 || s > bestScore)) { bestScore = s; bestGroup = i32(g); }
      }
      leastScore = bestScore;
      leastGroup = bestGroup;
    }
  }

  // Phase 2: the experts of those groups, in the same way.
  let size = u.E / u.groups;
  var last = largest;
  var lastExpert = -1;
  for (var n = 0u; n < u.topk; n++) {
    var best = -largest;
    var bestExpert = -1;
    for (var g = 0u; g < u.groups; g++) {
      var kept = true;
      if (u.groups > 1) {
        let s = group_score[g * u.T + t];
        kept = (s > leastScore) | ((s == leastScore) & (i32(g) <= leastGroup));
      }
      // No branches: tokens next to each other keep different groups.
      for (var e = g * size; e < (g + 1) * size; e++) {
        let c = choice[e * u.T + t];
        let after = (c < last) | ((c == last) & (i32(e) > lastExpert));
        let better = kept & after & ((bestExpert < 0) | (c > best));
        best = select(best, c, better);
        bestExpert = select(bestExpert, i32(e), better);
      }
    }
    last = best;
    lastExpert = bestExpert;
    topk_indices[t * u.topk + n] = bestExpert;
  }
}
