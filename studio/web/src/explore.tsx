import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes, floats, json, MapStatus, Model, Sample, sizeOf, Values, valuesOf } from "./api";
import { layoutOf, nearby, ScatterMap } from "./map";
import { NothingYet, Notice, percent, Picture, Segments, Select, short, usePairs, Waiting, whole } from "./parts";
import { decodedAt, recorded } from "./record";
import { Saves } from "./save";
import { named, others, packed, Selection, unpacked, useSelections } from "./selections";
import { Sprites } from "./sprites";
import { choose, listen, place, useAsked, useModel, useSignal } from "./state";

type MapKind = "pca" | "tsne" | "codes";
type Tab = "sample" | "between" | "code" | "new";

export function Explore() {
  const { value: m, error, waiting } = useModel();
  if (error) return <Notice kind="bad">{error.message}</Notice>;
  if (m) return <Exploring key={m.id + m.changed} m={m} />;
  return waiting ? <Waiting>Running the samples through the model …</Waiting> : <NothingYet />;
}

/** The colours of numbers from low to high: one that everybody can tell apart (viridis). */
const ramp = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

/** How points are coloured: by classes, or by numbers from 0 to 1 that stand for a range. */
interface Paint { values: ArrayLike<number>; continuous: boolean; colors: string[]; low?: number; high?: number }

/** What points can be coloured by: its name in the address, and in words. */
function colorings(m: Model, kept: Selection[]): [string, string][] {
  const columns = m.features ?? (m.as === "values" ? Array.from({ length: sizeOf(m) }, (_, j) => `value ${j + 1}`) : []), most = 200;
  return [...(m.labelled ? [["label", "label"]] : []), ["score", "error"], ...(kept.length ? [["kept", "named selections"]] : []),
    ...columns.slice(0, most).map((name, j) => [`column:${j}`, name]), ...m.spread.slice(0, most).map((_, j) => [`code:${j}`, `number ${j + 1} of the code`])] as [string, string][];
}

/** The numbers of every sample that points are coloured by, but labels and errors. */
function numbersOf(m: Model, color: string, signal: AbortSignal): Promise<Float32Array> | undefined {
  const [kind, which] = color.split(":");
  if (kind === "column") return floats(`/api/models/${m.id}/features/${which}`, signal);
  if (kind === "code") return floats(`/api/models/${m.id}/points?map=codes&x=${which}&y=${which}`, signal).then(p => p.filter((_, i) => i % 2 === 0));
  return undefined;
}

/** The last of the selections that each sample is in, from 1; 0 is none. */
function memberships(n: number, kept: Selection[]): Uint16Array {
  const all = new Uint16Array(n);
  kept.forEach((s, k) => s.samples.forEach(i => { all[i] = k + 1; }));
  return all;
}

function Exploring({ m }: { m: Model }) {
  const query = useSignal(place).query;
  const kind = (query.get("map") as MapKind) || (m.spread.length === 2 ? "codes" : "pca");
  const [dx, dy] = [Number(query.get("x") ?? 0), Number(query.get("y") ?? Math.min(1, m.spread.length - 1))];
  const color = query.get("color") ?? (m.labelled ? "label" : "score");
  const selected = Number(query.get("sample") ?? -1), tab = (query.get("show") as Tab) || "sample";
  const only = query.get("class");

  const labels = useAsked(s => m.labelled ? bytes(`/api/models/${m.id}/labels`, undefined, s).then(b => new Uint16Array(b.buffer)) : undefined, [m]).value;
  const scores = useAsked(s => floats(`/api/models/${m.id}/scores`, s), [m]).value;
  const tsne = useTSNE(m, kind === "tsne");
  const asked = useAsked(s => kind === "tsne" && !tsne.status?.iteration && !tsne.status?.done ? undefined :
    floats(`/api/models/${m.id}/points?map=${kind}&x=${dx}&y=${dy}`, s), [m, kind, dx, dy, tsne.version], true);
  const layout = useMemo(() => asked.value && layoutOf(asked.value), [asked.value]);
  const sprites = useMemo(() => m.as === "image" ? new Sprites(m) : null, [m]);
  const pictures = query.has("pictures") ? sprites : null;

  const [kept, setKept] = useSelections(m);
  const column = useAsked(s => numbersOf(m, color, s), [m, color]).value, last = useRef<Paint>();
  const paint = useMemo<Paint | undefined>(() => {
    if (color === "label" && labels && m.colors) return { values: labels, continuous: false, colors: m.colors };
    if (color === "kept") return { values: memberships(m.samples, kept), continuous: false, colors: [others, ...kept.map(s => s.color)] };
    const numbers = color.includes(":") ? column : scores;
    return numbers && { values: ranks(numbers), continuous: true, colors: ramp, low: numbers.reduce((a, b) => Math.min(a, b), Infinity), high: numbers.reduce((a, b) => Math.max(a, b), -Infinity) };
  }, [m, color, labels, scores, column, kept]);
  if (paint) last.current = paint;
  const painted = paint ?? last.current; // while others come
  const shown = useMemo(() => {
    if (only === null || !labels) return null;
    const list: number[] = [];
    labels.forEach((l, i) => { if (l === Number(only)) list.push(i); });
    return list;
  }, [only, labels]);
  const marked = query.get("group") ?? "", group = useMemo(() => unpacked(marked, m.samples), [m, marked]), lassoing = query.has("lasso");
  const setGroup = (g: number[]) => choose({ group: packed(g) || undefined, show: undefined });
  const pointer = usePointer(m, layout, kind, kind === "codes" && m.spread.length === 2 && dx === 0 && dy === 1);
  const select = (i: number) => choose({ sample: i, group: undefined, code: undefined });

  return <div class="explore">
    <section class="stage" aria-label="Map">
      <div class="bar">
        <Segments<MapKind> label="Map" value={kind} choose={v => choose({ map: v, x: undefined, y: undefined })}
          options={([["pca", "PCA"], ["tsne", "t-SNE"], ["codes", m.spread.length === 2 ? "The codes" : "Two numbers"]] as [MapKind, string][]).filter(([k]) => !recorded || `/api/models/${m.id}/points?map=${k}` in recorded.bytes)} />
        {kind === "codes" && m.spread.length > 2 && <>
          <Select label="across" value={String(dx)} options={m.spread.map((_, i) => [String(i), `number ${i + 1}`])} choose={v => choose({ x: v })} />
          <Select label="up" value={String(dy)} options={m.spread.map((_, i) => [String(i), `number ${i + 1}`])} choose={v => choose({ y: v })} /></>}
        <Select label="Colour" value={color} choose={v => choose({ color: v })} options={colorings(m, kept)} />
        {m.labelled && m.classes && <Select label="Show" value={only ?? ""} choose={v => choose({ class: v === "" ? undefined : v })}
          options={[["", "all samples"], ...m.classes.map((c, i) => [String(i), `only ${c}`] as [string, string])]} />}
        <label class="check"><input type="checkbox" checked={lassoing} onChange={e => choose({ lasso: e.currentTarget.checked ? 1 : undefined })} />Lasso</label>
        {sprites && <label class="check"><input type="checkbox" checked={!!pictures} onChange={e => choose({ pictures: e.currentTarget.checked ? 1 : undefined })} />Pictures</label>}
      </div>
      {layout && painted ? <ScatterMap model={m} layout={layout} values={painted.values} continuous={painted.continuous} colors={painted.colors} lassoing={lassoing} shown={shown} pictures={pictures}
        selected={selected} marked={group.length ? [] : pointer.near} choose={select} lasso={setGroup} point={pointer.move} />
        : <div class="map"><Waiting>{kind === "tsne" ? "Finding every sample's neighbours …" : "Drawing the map …"}</Waiting></div>}
      <div class="under">
        <Legend m={m} color={color} kept={kept} low={paint?.low} high={paint?.high} />
        {kind === "tsne" && tsne.status && !tsne.status.done && <p class="progress" role="status">
          <progress max={tsne.status.iterations || 1} value={tsne.status.iteration} aria-label="t-SNE" /> {tsne.status.stage}, iteration {tsne.status.iteration} of {tsne.status.iterations || "…"}</p>}
        {tsne.status?.error && <Notice kind="bad">{tsne.status.error}</Notice>}
        <p class="hint">Drag to move, scroll to zoom, click a point. Shift and drag, or Lasso, selects many.</p>
      </div>
    </section>
    <aside class="panel" aria-label="What is chosen">
      <Facts m={m} />
      <div class="pointed" aria-live="off">
        <figure>{m.decodes ? <Picture of={m} values={pointer.decoded} label="what the decoder makes of the place under the pointer" size={96} /> : <span class="picture none" />}
          <figcaption>decoded under the pointer</figcaption></figure>
        <figure><Thumb m={m} sprites={sprites} i={pointer.near[0] ?? -1} size={96} /><figcaption>nearest sample{pointer.near.length && m.labelled && labels ? `: ${m.classes?.[labels[pointer.near[0]]]}` : ""}</figcaption></figure>
      </div>
      {group.length > 0 ? <Group m={m} sprites={sprites} samples={group} labels={labels} scores={scores} done={() => choose({ group: undefined })} select={select} keep={name => { setKept(named(kept, name, group)); choose({ group: undefined, color: "kept" }); }} /> : <>
        <Segments<Tab> label="Show" value={tab} choose={v => choose({ show: v })}
          options={[["sample", "Sample"], ...(m.decodes ? [["between", "Between"], ["code", "Code"], ["new", "New"]] as [Tab, string][] : [])]} />
        {tab === "sample" && <OneSample m={m} sprites={sprites} i={selected} select={select} />}
        {tab === "between" && m.decodes && <Between m={m} sprites={sprites} />}
        {tab === "code" && m.decodes && (recorded ? <Traversals m={m} /> : <Sliders m={m} i={selected} />)}
        {tab === "new" && m.decodes && <Drawn m={m} />}
      </>}
      {kept.length > 0 && <Kept m={m} all={kept} set={setKept} show={setGroup} labels={labels} scores={scores} />}
    </aside>
  </div>;
}

/** Each value's rank among all, from 0 to 1: errors have few large values that would leave
 * no colours for the others. */
function ranks(values: Float32Array): Float32Array {
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]), out = new Float32Array(values.length);
  order.forEach((i, rank) => { out[i] = rank / Math.max(values.length - 1, 1); });
  return out;
}

function useTSNE(m: Model, wanted: boolean): { status?: MapStatus; version: number } {
  const [status, set] = useState<MapStatus>(), [version, next] = useState(0), last = useRef(0);
  useEffect(() => {
    if (!wanted) return;
    const told = (s: MapStatus) => {
      if (s.model !== m.id) return;
      set(s);
      const now = performance.now();
      if (s.done || s.iteration && now - last.current > 400) { last.current = now; next(v => v + 1); }
    };
    const begin = () => json<MapStatus>(`/api/models/${m.id}/tsne`, {}).then(told, () => undefined);
    begin();
    const ends = [listen("map", told), listen("open", begin)];
    return () => ends.forEach(end => end());
  }, [m, wanted]);
  return { status, version };
}

/** What lies under the pointer: the nearest samples, and the decoder's picture of the place. */
function usePointer(m: Model, layout: ReturnType<typeof layoutOf> | undefined, kind: MapKind, exact: boolean) {
  const [near, setNear] = useState<number[]>([]), [decoded, setDecoded] = useState<Values>();
  const wanted = useRef<{ x: number; y: number } | null>(null), busy = useRef(false);
  const look = async () => {
    if (busy.current || !layout) return;
    busy.current = true;
    while (wanted.current) {
      const at = wanted.current;
      wanted.current = null;
      const found = nearby(layout, at.x, at.y, 6);
      setNear(found.samples.slice(0, 1));
      const x = at.x * layout.scale + layout.center[0], y = at.y * layout.scale + layout.center[1];
      if (m.decodes && recorded) {
        const kept = decodedAt(recorded, kind, x, y);
        if (kept) setDecoded(valuesOf(m, kept));
      } else if (m.decodes) {
        const answer = exact ? bytes(`/api/models/${m.id}/decode`, { code: [x, y] }) :
          bytes(`/api/models/${m.id}/blend`, { samples: found.samples, weights: found.weights });
        await answer.then(data => setDecoded(valuesOf(m, data)), () => undefined);
      }
      await new Promise(requestAnimationFrame);
    }
    busy.current = false;
  };
  const move = (at: { x: number; y: number } | null) => { wanted.current = at; if (at) look(); };
  return { near, decoded, move };
}

function Legend({ m, color, kept, low, high }: { m: Model; color: string; kept: Selection[]; low?: number; high?: number }) {
  if (color === "kept") return <ul class="legend" aria-label="Colours of the selections">
    {kept.map(s => <li key={s.name}><span class="dot" style={{ background: s.color }} />{s.name}</li>)}<li><span class="dot" style={{ background: others }} />all others</li></ul>;
  if (color === "label" && m.classes && m.colors) return <ul class="legend" aria-label="Colours of the labels">
    {m.classes.slice(0, 20).map((c, i) => <li key={c}><span class="dot" style={{ background: m.colors![i] }} />{c}</li>)}{m.classes.length > 20 && <li>and {m.classes.length - 20} more</li>}</ul>;
  return <p class="legend"><span class="ramp" style={{ background: `linear-gradient(90deg, ${ramp.join(",")})` }} /> {color.includes(":") ? low !== undefined && high !== undefined && `${short(low)} … ${short(high)}, in even numbers of samples` : "reconstructed well … badly"}</p>;
}

function Facts({ m }: { m: Model }) {
  const last = m.epochs?.[m.epochs.length - 1];
  return <div class="facts"><h1>{m.title}</h1>
    <p>{whole(m.samples)} {m.part && `${m.part} `}samples of {m.data}; {m.input.join("×")} values become {m.spread.length}, by {whole(m.parameters ?? 0)} parameters
      {last?.val_loss !== undefined && <>; validation loss {short(last.val_loss)}</>}.</p></div>;
}

/** A sample's picture out of the sprites; numbers are asked for. */
export function Thumb({ m, sprites, i, size = 48 }: { m: Model; sprites: Sprites | null; i: number; size?: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pairs = usePairs(sprites || i < 0 ? undefined : m, [i]);
  useEffect(() => {
    const c = canvas.current?.getContext("2d");
    if (!c || !sprites) return;
    const again = () => { c.clearRect(0, 0, m.width, m.height); if (i >= 0) sprites.draw(c, i, 0, 0, Math.max(m.width, m.height), again); };
    again();
  }, [i, sprites]);
  if (!sprites) return <Picture of={m} values={pairs.before(i)} size={size} />;
  return <canvas ref={canvas} class={`picture image${i < 0 ? " blank" : ""}`} width={m.width} height={m.height} style={{ width: `${size}px` }} aria-hidden="true" />;
}

function OneSample({ m, sprites, i, select }: { m: Model; sprites: Sprites | null; i: number; select: (i: number) => void }) {
  const asked = useAsked(s => i >= 0 && i < m.samples ? json<Sample>(`/api/models/${m.id}/samples/${i}`, undefined, s) : undefined, [m, i], true);
  const pairs = usePairs(m, i >= 0 && i < m.samples ? [i] : []);
  const s = asked.value;
  if (i < 0) return <p class="hint">Choose a point on the map to see the sample, what the model makes of it, and those most alike. With the keyboard: the arrow keys, once the map has the focus.</p>;
  if (asked.error) return <Notice kind="bad">{asked.error.message}</Notice>;
  if (!s) return <Waiting>…</Waiting>;
  return <div class="one" aria-live="polite">
    <h2>Sample {s.name}{s.label && <>, <b>{s.label}</b></>}</h2>
    <div class="pointed">
      <figure><Picture of={m} values={pairs.before(i)} label="the sample" size={96} /><figcaption>as it is</figcaption></figure>
      <figure><Picture of={m} values={pairs.after(i)} label="its reconstruction" size={96} /><figcaption>reconstructed, error {short(s.score, 3)}</figcaption></figure>
    </div>
    <h3>Most alike, by their codes</h3>
    <ul class="thumbs">{s.neighbors.map(n => <li key={n.sample}><button type="button" onClick={() => select(n.sample)} title={`distance ${short(n.distance, 3)}`} aria-label={`sample ${n.sample}, distance ${short(n.distance, 3)}`}>
      <Thumb m={m} sprites={sprites} i={n.sample} /></button></li>)}</ul>
    {m.decodes && !recorded && <p class="actions"><button type="button" onClick={() => choose({ a: i, show: "between" })}>Go from here …</button>
      <button type="button" onClick={() => choose({ b: i, show: "between" })}>… to here</button></p>}
  </div>;
}

function Between({ m, sprites }: { m: Model; sprites: Sprites | null }) {
  const query = useSignal(place).query, a = Number(query.get("a") ?? recorded?.ends[0] ?? -1), b = Number(query.get("b") ?? recorded?.ends[1] ?? -1), selected = Number(query.get("sample") ?? -1);
  const both = a >= 0 && b >= 0, steps = 10;
  const strip = useAsked(s => both ? bytes(`/api/models/${m.id}/path?from=${a}&to=${b}&steps=${steps}`, undefined, s) : undefined, [m, a, b], true);
  const end = (name: "a" | "b", i: number, text: string) => <figure>
    {i >= 0 ? <Thumb m={m} sprites={sprites} i={i} size={72} /> : <span class="picture none" />}
    <figcaption>{text}</figcaption>
    <button type="button" disabled={selected < 0 || selected === i} onClick={() => choose({ [name]: selected })}>Take the chosen</button></figure>;
  const values = strip.value && valuesOf(m, strip.value), size = sizeOf(m);
  return <div class="between"><h2>From one sample to another</h2>
    {recorded ? <><Ends m={m} sprites={sprites} name="a" chosen={a} text="From" /><Ends m={m} sprites={sprites} name="b" chosen={b} text="To" /></> :
      <div class="pointed">{end("a", a, "from")}{end("b", b, "to")}</div>}
    {!both && <p class="hint">Choose a point on the map and take it for one end, then another for the other.</p>}
    {strip.error && <Notice kind="bad">{strip.error.message}</Notice>}
    {values && <ol class="strip" aria-label="Decoded on the way">{Array.from({ length: steps }, (_, i) => <li key={i}><Picture of={m} values={values.subarray(i * size, (i + 1) * size)} label={`${i + 1} of ${steps}`} size={m.as === "image" ? 48 : 72} /></li>)}</ol>}
    {values && <p class="hint">Codes at even steps {m.variational ? "on the arc" : "on the straight line"} between the two, decoded.</p>}
  </div>;
}

/** The samples that a way may begin or end at, of a page without a server. */
function Ends({ m, sprites, name, chosen, text }: { m: Model; sprites: Sprites | null; name: "a" | "b"; chosen: number; text: string }) {
  return <div role="group" aria-label={text}><h3>{text}</h3><ul class="thumbs">{recorded!.ends.map(i => <li key={i}>
    <button type="button" aria-pressed={i === chosen} aria-label={`sample ${i}`} onClick={() => choose({ [name]: i })}><Thumb m={m} sprites={sprites} i={i} size={44} /></button></li>)}</ul></div>;
}

function Sliders({ m, i }: { m: Model; i: number }) {
  const means = useMemo(() => m.spread.map(d => d.mean), [m]);
  const moved = useSignal(place).query.get("code")?.split(",").map(Number);
  const from = useAsked(s => i >= 0 ? json<Sample>(`/api/models/${m.id}/samples/${i}`, undefined, s) : undefined, [m, i]);
  const own = moved?.length === means.length && moved.every(Number.isFinite) ? moved : undefined, code = own ?? from.value?.code ?? means, key = code.join();
  const name = own ? "the sliders" : from.value ? `sample ${from.value.name}` : "the mean of all codes";
  const set = (c: number[]) => choose({ code: c.map(v => Number(v.toPrecision(5))).join() });
  const picture = useAsked(s => bytes(`/api/models/${m.id}/decode`, { code }, s).then(b => valuesOf(m, b)), [m, key], true);
  return <div class="sliders"><h2>Number by number</h2>
    <div class="pointed"><figure><Picture of={m} values={picture.value} label="the code, decoded" size={128} /><figcaption>from {name}</figcaption></figure>
      <p class="actions"><button type="button" onClick={() => set(means)}>Mean</button>
        <button type="button" disabled={!from.value} onClick={() => choose({ code: undefined })}>Chosen sample</button></p></div>
    <ol>{m.spread.slice(0, 64).map((d, j) => <li key={j}><label><span>{j + 1}</span>
      <input type="range" min={Math.min(d.low, code[j])} max={Math.max(d.high, code[j])} step={(d.high - d.low) / 200 || 0.01} value={code[j]} aria-label={`number ${j + 1} of the code`}
        onInput={e => { const v = e.currentTarget.valueAsNumber; set(code.map((x, k) => k === j ? v : x)); }} />
      <output>{code[j].toFixed(2)}</output></label></li>)}</ol>
    {m.spread.length > 64 && <p class="hint">The first 64 of {m.spread.length} numbers.</p>}
    <p class="hint">Each slider covers what 98 in 100 samples have.</p></div>;
}

/** One number of the mean code at a time, of a page without a server. */
function Traversals({ m }: { m: Model }) {
  const steps = 9, most = 32, [at, set] = useState({ number: 0, step: (steps - 1) / 2 }), size = sizeOf(m);
  const way = useAsked(s => bytes(`/api/models/${m.id}/traverse?number=${at.number}&steps=${steps}`, undefined, s).then(b => valuesOf(m, b)), [m, at.number], true).value;
  return <div class="sliders"><h2>Number by number</h2>
    <div class="pointed"><figure><Picture of={m} values={way?.subarray(at.step * size, (at.step + 1) * size)} label="the code, decoded" size={128} /><figcaption>number {at.number + 1} moved</figcaption></figure></div>
    <ol>{m.spread.slice(0, most).map((d, j) => { const step = at.number === j ? at.step : (steps - 1) / 2, value = d.low + step / (steps - 1) * (d.high - d.low); return <li key={j}><label><span>{j + 1}</span>
      <input type="range" min={0} max={steps - 1} step={1} value={step} aria-label={`number ${j + 1} of the code`} aria-valuetext={value.toFixed(2)} onInput={e => set({ number: j, step: e.currentTarget.valueAsNumber })} />
      <output>{value.toFixed(2)}</output></label></li>; })}</ol>
    {m.spread.length > most && <p class="hint">The first {most} of {m.spread.length} numbers.</p>}
    <p class="hint">One number at a time, the others at their mean; each slider covers what 98 in 100 samples have.</p></div>;
}

function Drawn({ m }: { m: Model }) {
  const seed = Number(useSignal(place).query.get("seed") ?? 1), count = 24;
  const asked = useAsked(s => bytes(`/api/models/${m.id}/drawn?count=${count}&seed=${seed}`, undefined, s), [m, seed], true);
  const values = asked.value && valuesOf(m, asked.value), size = sizeOf(m);
  return <div class="drawn"><h2>Samples that nobody had</h2>
    <p class="hint">Codes drawn from {m.variational ? "the standard normal distribution, which those of a variational model keep to," : "a mixture of ten Gaussian distributions, fitted to the codes,"} and decoded.</p>
    {asked.error && <Notice kind="bad">{asked.error.message}</Notice>}
    {values && <ul class="thumbs">{Array.from({ length: count }, (_, i) => <li key={i}><Picture of={m} values={values.subarray(i * size, (i + 1) * size)} label={`drawn sample ${i + 1}`} size={m.as === "image" ? 48 : 72} /></li>)}</ul>}
    <p class="actions"><button type="button" onClick={() => choose({ seed: seed + 1 })}>Draw others</button></p></div>;
}

function Group({ m, sprites, samples, labels, scores, done, select, keep }: { m: Model; sprites: Sprites | null; samples: number[]; labels?: Uint16Array; scores?: Float32Array; done: () => void; select: (i: number) => void; keep: (name: string) => void }) {
  const [name, setName] = useState("");
  const counts = new Map<number, number>();
  if (labels) samples.forEach(i => counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1));
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6);
  const mean = scores ? samples.reduce((sum, i) => sum + scores[i], 0) / samples.length : NaN;
  return <div class="group"><h2>{whole(samples.length)} samples selected</h2>
    <p>{most.map(([c, n]) => `${percent(n / samples.length)} ${m.classes?.[c]}`).join(", ")}{most.length > 0 && "; "}mean error {short(mean, 3)}.</p>
    <ul class="thumbs">{samples.slice(0, 40).map(i => <li key={i}><button type="button" aria-label={`sample ${i}`} onClick={() => select(i)}><Thumb m={m} sprites={sprites} i={i} size={40} /></button></li>)}</ul>
    <form class="bar" onSubmit={e => { e.preventDefault(); if (name.trim()) keep(name.trim()); }}>
      <label class="field"><span>Name</span><input type="text" value={name} maxLength={60} onInput={e => setName(e.currentTarget.value)} /></label>
      <button type="submit" disabled={!name.trim()}>Keep</button>
      <button type="button" class="quiet" onClick={done}>Let go</button></form>
    <Saves what="them" file={`${m.name}-selection`} rows={() => [["sample", "error", "label"], ...samples.map(i => rowOf(i, m, labels, scores))]} /></div>;
}

const rowOf = (i: number, m: Model, labels?: Uint16Array, scores?: Float32Array) => [i, scores?.[i] ?? "", labels ? m.classes![labels[i]] : ""];

/** The selections that have names. */
function Kept({ m, all, set, show, labels, scores }: { m: Model; all: Selection[]; set: (next: Selection[]) => void; show: (samples: number[]) => void; labels?: Uint16Array; scores?: Float32Array }) {
  return <div class="kept"><h2>Named selections</h2>
    <ul>{all.map(s => <li key={s.name}><input type="color" aria-label={`colour of ${s.name}`} value={s.color} onInput={e => set(all.map(x => x === s ? { ...s, color: e.currentTarget.value } : x))} /><button type="button" class="quiet" onClick={() => show(s.samples)}>{s.name}</button><span class="hint">{whole(s.samples.length)} samples</span>
      <button type="button" class="icon" aria-label={`forget ${s.name}`} title="forget" onClick={() => set(all.filter(x => x !== s))}>×</button></li>)}</ul>
    <Saves what="them" file={`${m.name}-selections`} rows={() => [["selection", "sample", "error", "label"], ...all.flatMap(s => s.samples.map(i => [s.name, ...rowOf(i, m, labels, scores)]))]} /></div>;
}


