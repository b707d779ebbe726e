/**
 * The page: what never changes of it. All text that comes from outside, the client puts in as text.
 */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ocellus</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script type="module" src="client.js"></script>
<header>
  <h1 id="name">Ocellus</h1>
  <span id="state" class="badge" role="status">loading</span>
  <span id="source"></span>
</header>
<main>
  <section id="stage" aria-label="Live picture">
    <img id="picture" alt="What the camera sees">
    <canvas id="marks"></canvas>
    <p id="notice" hidden></p>
  </section>
  <aside>
    <section aria-labelledby="numbers-title">
      <h2 id="numbers-title">Now</h2>
      <dl id="numbers"></dl>
    </section>
    <section id="counts-section" aria-labelledby="counts-title" hidden>
      <h2 id="counts-title">Lines and zones</h2>
      <dl id="counts"></dl>
    </section>
    <section id="log-section" aria-labelledby="log-title">
      <h2 id="log-title">Events</h2>
      <ol id="log" aria-live="off"><li class="empty">Nothing has happened yet.</li></ol>
    </section>
  </aside>
</main>
</html>
`

export const style = `
:root {
  --page: #f4f5f7; --panel: #fff; --ink: #16191d; --soft: #5a636e; --rule: #dde1e6;
  --good: #16794b; --wait: #8a5a00; --bad: #b3261e; --shade: #0009;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1013; --panel: #181b20; --ink: #e7eaee; --soft: #98a2ae; --rule: #2a2f36;
    --good: #4cc38a; --wait: #e0a83b; --bad: #ff7a70;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .8rem; padding: .8rem 1rem; }
h1 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: .8rem; margin: 0 0 .5rem; color: var(--soft); font-weight: 600; text-transform: uppercase; letter-spacing: .05em; }
#source { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.badge { border: 1.5px solid currentColor; border-radius: 1rem; padding: 0 .65rem; font-size: .85rem; font-weight: 600; color: var(--soft); }
.badge.live { color: var(--good); }
.badge.connecting, .badge.stalled { color: var(--wait); }
.badge.lost { color: var(--bad); }
main { display: grid; grid-template-columns: minmax(0, 1fr) 22rem; gap: 1rem; padding: 0 1rem 1rem; align-items: start; max-width: 110rem; }
#stage { position: relative; background: #000; border-radius: .5rem; overflow: hidden; aspect-ratio: 16 / 9; }
#picture, #marks { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
#stage.old #picture { filter: grayscale(1) brightness(.5); }
#notice { position: absolute; inset: auto 0 0; margin: 0; padding: .6rem .8rem; background: var(--shade); color: #fff; overflow-wrap: anywhere; }
aside { display: grid; gap: 1rem; min-width: 0; }
aside > section { background: var(--panel); border: 1px solid var(--rule); border-radius: .5rem; padding: .8rem; min-width: 0; }
dl { display: grid; grid-template-columns: 1fr auto; gap: .2rem 1rem; margin: 0; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; }
ol { list-style: none; margin: 0; padding: 0; max-height: 26rem; overflow-y: auto; }
li { display: grid; grid-template-columns: minmax(3.4rem, auto) 1fr; gap: 0 .6rem; padding: .25rem 0; border-top: 1px solid var(--rule); }
li:first-child { border-top: 0; }
li time { color: var(--soft); font-variant-numeric: tabular-nums; }
li span { overflow-wrap: anywhere; }
li.empty { display: block; color: var(--soft); }
li.camera span { color: var(--wait); }
@media (max-width: 60rem) {
  main { grid-template-columns: minmax(0, 1fr); padding: 0 0 1rem; }
  #stage { border-radius: 0; position: sticky; top: 0; z-index: 1; }
  aside { padding: 0 .8rem; }
  ol { max-height: none; }
}
`
