// The look of report.html: one column of quiet figures, light and dark, readable from a phone to a wide screen.
export const reportStyle = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --ink: #1f2328; --soft: #5c636b; --line: #e4e1db; --grid: #ebe8e2; --panel: #f4f2ee;
  --train: #1f6f8b; --valid: #c2571a; --yard: #7a7f86; --aux: #5b5ea6;
  --h0: #1d4e79; --h1: #3f7cab; --h2: #84b1d1; --h3: #c3d9e6; --h4: #f0ede6; --h5: #f3d3ba; --h6: #e79f6d; --h7: #cf6430; --h8: #943a12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --ink: #e6e4df; --soft: #a1a6ad; --line: #2e3237; --grid: #24282c; --panel: #1c1f23;
    --train: #5bb5d3; --valid: #f0935a; --yard: #8f959c; --aux: #9ea1e3;
    --h0: #8cc4ef; --h1: #5b9fd2; --h2: #3c739d; --h3: #2c4c64; --h4: #272a2e; --h5: #573c2b; --h6: #92562f; --h7: #d27a41; --h8: #ffb07c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Open Sans", sans-serif;
  font-variant-numeric: tabular-nums lining-nums;
}
main { max-width: 66rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3.5rem) clamp(1rem, 4vw, 2.5rem) 4rem; }
h1, h2, h3, p, dl, dd, figure, ul { margin: 0; padding: 0; }
.brand { display: flex; align-items: center; gap: .6rem; color: var(--soft); font-size: .8125rem; letter-spacing: .02em; }
.brand svg { width: 1.375rem; height: 1.375rem; }
h1 { font-size: clamp(1.6rem, 4vw, 2.25rem); line-height: 1.15; letter-spacing: -.018em; font-weight: 620; margin: .9rem 0 .5rem; overflow-wrap: anywhere; }
.lead { color: var(--soft); max-width: 46rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1875rem; letter-spacing: -.01em; font-weight: 620; }
h3 { font-size: .9375rem; font-weight: 600; }
section { margin-top: 3.25rem; }
section > p { color: var(--soft); max-width: 46rem; margin-top: .25rem; font-size: .9375rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1.25rem 1.5rem; margin-top: 2rem; padding: 1.25rem 0; border-block: 1px solid var(--line); }
.figures dt { color: var(--soft); font-size: .8125rem; }
.figures dd { font-size: 1.75rem; line-height: 1.2; font-weight: 560; letter-spacing: -.02em; }
.figures dd small { display: block; font-size: .8125rem; line-height: 1.4; font-weight: 400; letter-spacing: 0; color: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 2.5rem 2.5rem; margin-top: 1.5rem; }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: .125rem 1rem; margin-bottom: .875rem; }
figcaption .unit { color: var(--soft); font-size: .8125rem; }
.legend { display: flex; flex-wrap: wrap; gap: .125rem 1.125rem; list-style: none; margin-left: auto; font-size: .8125rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: .45rem; }
.legend svg { width: 1.4rem; height: .7rem; overflow: visible; }
.plot { position: relative; height: var(--high); margin: 0 .5rem 2.75rem 3.1rem; }
/* Lines that leave the picture end at its edge; dots on the edge stay whole. */
.plot > svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; clip-path: inset(-6px); }
.plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
.plot span { position: absolute; font-size: .75rem; line-height: 1; color: var(--soft); white-space: nowrap; }
.y { right: calc(100% + .6rem); transform: translateY(-50%); }
.x { top: calc(100% + .55rem); transform: translateX(-50%); }
.xname { top: calc(100% + 1.65rem); left: 50%; transform: translateX(-50%); }
.grid { stroke: var(--grid); stroke-width: 1; }
.axis { stroke: var(--line); stroke-width: 1; }
.train { stroke: var(--train); stroke-width: 2; }
.raw { stroke: var(--train); stroke-width: 1; opacity: .32; }
.valid { stroke: var(--valid); stroke-width: 2; }
.dots { stroke: var(--valid); stroke-width: 7; }
.yard { stroke: var(--yard); stroke-width: 1.5; stroke-dasharray: 2 5; }
.aux { stroke: var(--aux); stroke-width: 1.75; }
.auxraw { stroke: var(--aux); stroke-width: 1; opacity: .32; }
.empty { color: var(--soft); font-size: .875rem; padding: 1rem 0; }
.scale > span { line-height: .8rem; }
.scale { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem .75rem; margin-top: 1.1rem; font-size: .8125rem; color: var(--soft); }
.ramp { display: grid; grid-template-columns: repeat(9, 2.1rem); }
.ramp i { height: .75rem; }
.ramp i:first-child { border-radius: .2rem 0 0 .2rem; } .ramp i:nth-child(9) { border-radius: 0 .2rem .2rem 0; }
.ramp span { transform: translateX(50%); text-align: center; font-size: .75rem; margin-top: .2rem; }
.heat .plot { margin-bottom: 2.6rem; }
.heat .plot > svg { border-radius: 2px; background: var(--h4); }
.heat path { stroke: none; }
${Array.from({ length: 9 }, (_, i) => `.heat .h${i} { fill: var(--h${i}); } .ramp .h${i} { background: var(--h${i}); }`).join('\n')}
.wide { overflow-x: auto; margin-top: 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th { color: var(--soft); font-weight: 500; font-size: .8125rem; vertical-align: bottom; line-height: 1.3; }
th, td { text-align: right; padding: .4rem 0 .4rem 1.25rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
tr.eval td { font-weight: 560; }
th small { display: block; font-size: .75rem; font-weight: 400; }
details { margin-top: 1.25rem; border-top: 1px solid var(--line); padding-top: .9rem; }
summary { cursor: pointer; font-weight: 560; font-size: .9375rem; }
pre { margin: .9rem 0 0; padding: 1rem 1.1rem; background: var(--panel); border-radius: .4rem; overflow-x: auto; font: .8125rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media (max-width: 40rem) { .legend { margin-left: 0; width: 100%; } .x.odd { display: none; } .plot { margin-left: 2.6rem; } .ramp { grid-template-columns: repeat(9, 1.85rem); } }
@media print { section { break-inside: avoid; } main { padding: 0; max-width: none; } }
`
