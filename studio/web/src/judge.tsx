import { useEffect, useMemo, useRef } from "preact/hooks";
import { bytes, Comparison, floats, json, Model, Recognition, sizeOf, valuesOf } from "./api";
import { Epochs } from "./learn";
import { recorded } from "./record";
import { NothingYet, Notice, Pair, percent, Picture, Segments, Select, short, usePairs, Waiting, whole } from "./parts";
import { drawingOf } from "./drawing";
import { enlarged, Saves } from "./save";
import { choose, entries, go, place, useAsked, useModel, useSignal } from "./state";

export function Judge() {
  const { value: m, error, waiting } = useModel();
  if (error) return <Notice kind="bad">{error.message}</Notice>;
  if (m) return <Judging key={m.id + m.changed} m={m} />;
  return waiting ? <Waiting>Running the samples through the model …</Waiting> : <NothingYet />;
}

function Judging({ m }: { m: Model }) {
  const labels = useAsked(s => m.labelled ? bytes(`/api/models/${m.id}/labels`, undefined, s).then(b => new Uint16Array(b.buffer)) : undefined, [m]).value;
  const scores = useAsked(s => floats(`/api/models/${m.id}/scores`, s), [m]).value;
  const order = useMemo(() => scores && Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]), [scores]);
  const beside = useSignal(place).query.has("with"); // what was asked for comes first
  if (!scores || !order) return <Waiting>Scoring the samples …</Waiting>;
  return <div class="judging">
    <header class="facts"><h1>{m.title}</h1><p>How well {whole(m.samples)} {m.part && `${m.part} `}samples of {m.data} come out again.</p>
      {m.reported && !recorded && <p class="actions"><a class="button" href={`/api/models/${m.id}/report`} download={`${m.name}-report.html`}>Save the report of the run</a></p>}</header>
    {beside && !recorded && <Beside m={m} labels={labels} />}
    <Threshold m={m} scores={scores} order={order} labels={labels} />
    <Extremes m={m} scores={scores} order={order} labels={labels} />
    <Why m={m} order={order} scores={scores} labels={labels} />
    <Features m={m} />
    {m.labelled && <Confusions m={m} />}
    {!beside && !recorded && <Beside m={m} labels={labels} />}
    <Learned m={m} />
  </div>;
}

/** The curves of the training that made the model. */
function Learned({ m }: { m: Model }) {
  const lines = m.epochs ?? [], curves = useRef<HTMLDivElement>(null);
  if (lines.length < 2) return null;
  const names = Object.keys(lines[lines.length - 1]);
  return <section><h2>How it learned</h2><div class="curves" ref={curves}><Epochs lines={lines} /></div>
    <Saves what="the epochs" file={`${m.name}-epochs`} svg={() => drawingOf(curves.current)} rows={() => [names, ...lines.map(l => names.map(n => l[n] ?? ""))]} /></section>;
}

/** The errors' histogram with a threshold to move. */
function Threshold({ m, scores, order, labels }: { m: Model; scores: Float32Array; order: number[]; labels?: Uint16Array }) {
  const query = useSignal(place).query, n = scores.length, outliers = query.get("outliers");
  const standard = m.threshold ?? scores[order[Math.floor(n / 100)]];
  const top = Math.max(scores[order[Math.floor(n / 1000)]] * 1.15, standard * 1.1), low = Math.min(scores[order[n - 1]], top);
  const threshold = Number(query.get("threshold") ?? standard), drawing = useRef<SVGSVGElement>(null);
  const bins = 60, counts = useMemo(() => {
    const all = new Array(bins).fill(0);
    for (const s of scores) all[Math.min(bins - 1, Math.max(0, Math.floor((s - low) / (top - low) * bins)))]++;
    return all as number[];
  }, [scores, low, top]);
  const highest = Math.max(...counts), above = order.findIndex(i => scores[i] <= threshold), over = above < 0 ? n : above;
  const width = 720, height = 180, at = (s: number) => Math.min(Math.max((s - low) / (top - low), 0), 1) * width;
  let verdict = null;
  if (outliers !== null && labels) {
    let hits = 0, misses = 0, alarms = 0;
    scores.forEach((s, i) => { const odd = labels[i] === Number(outliers); if (odd) s > threshold ? hits++ : misses++; else if (s > threshold) alarms++; });
    verdict = <p role="status">Of {whole(hits + misses)} outliers {whole(hits)} are found and <b>{whole(misses)} missed</b> ({percent(misses / Math.max(hits + misses, 1))}); <b>{whole(alarms)} false alarms</b> ({percent(alarms / Math.max(n - hits - misses, 1))} of the others).</p>;
  }
  return <section><h2>Threshold</h2>
    <div class="histogram">
      <svg ref={drawing} viewBox={`0 -14 ${width} ${height + 34}`} role="img" aria-label={`Histogram of the errors of ${whole(n)} samples`}>
        {counts.map((c, i) => <rect key={i} x={i * width / bins + 0.5} width={width / bins - 1} y={height - c / highest * height} height={c / highest * height} class={(i + 0.5) / bins * (top - low) + low > threshold ? "over" : "bar"} />)}
        <line x1="0" x2={width} y1={height} y2={height} class="axis" />
        <line x1={at(threshold)} x2={at(threshold)} y1="-12" y2={height} class="mark" />
        <text x="0" y={height + 16}>{short(low, 3)}</text><text x={width} y={height + 16} text-anchor="end">{short(top, 3)} and more</text>
        <text x={width / 2} y={height + 16} text-anchor="middle">reconstruction error</text>
      </svg>
      <input type="range" aria-label="Threshold" min={low} max={top} step={(top - low) / 500} value={threshold} onInput={e => choose({ threshold: e.currentTarget.value })} />
    </div>
    <p><b>{whole(over)} of {whole(n)}</b> samples ({percent(over / n)}) are above {short(threshold)}.
      {m.threshold !== null && <> The model expects one in a hundred above {short(m.threshold)}. </>}</p>
    <div class="bar">{m.labelled && m.classes && <Select label="Outliers are" value={outliers ?? ""} choose={v => choose({ outliers: v === "" ? undefined : v })}
        options={[["", "not labelled"], ...m.classes.map((c, i) => [String(i), c] as [string, string])]} />}
      {query.has("threshold") && <button type="button" class="quiet" onClick={() => choose({ threshold: undefined })}>Back to {short(standard)}</button>}</div>
    {verdict}
    <Saves what="the errors" file={`${m.name}-errors`} svg={() => drawing.current} rows={() => [["sample", "error", "above", "label"], ...order.map(i => [i, scores[i], scores[i] > threshold ? 1 : 0, labels && m.classes ? m.classes[labels[i]] : ""])]} />
  </section>;
}

function Extremes({ m, scores, order, labels }: { m: Model; scores: Float32Array; order: number[]; labels?: Uint16Array }) {
  const which = (useSignal(place).query.get("order") as "worst" | "best") || "worst", count = 24;
  const chosen = useMemo(() => which === "worst" ? order.slice(0, count) : order.slice(-count).reverse(), [order, which]);
  const pairs = usePairs(m, chosen), list = useRef<HTMLUListElement>(null);
  return <section><h2>{which === "worst" ? "Worst" : "Best"} reconstructions</h2>
    <Segments label="Show" value={which} choose={v => choose({ order: v })} options={[["worst", "Worst"], ["best", "Best"]]} />
    <p class="hint">Each as it is, and beside it what the model makes of it. A click says below where its error is.</p>
    <ul class="pairs" ref={list}>{chosen.map(i => <li key={i}><button type="button" onClick={() => { choose({ sample: i }); document.getElementById("why")?.scrollIntoView({ block: "start", behavior: "smooth" }); }}>
      <Pair m={m} before={pairs.before(i)} after={pairs.after(i)} name={`sample ${i}`} />
      <span>{short(scores[i], 3)}{labels && m.classes && <>, {m.classes[labels[i]]}</>}</span></button></li>)}</ul>
    <Saves what={`the ${which}`} file={`${m.name}-${which}`} svg={() => drawingOf(list.current)} rows={() => [["sample", "error", "label"], ...chosen.map(i => [i, scores[i], labels && m.classes ? m.classes[labels[i]] : ""])]} />
  </section>;
}

const valueName = (m: Model, i: number) => m.features?.[i] ?? (m.as === "series" ? `step ${Math.floor(i / m.channels) + 1}` : m.as === "image" ? `pixel ${i + 1}` : `value ${i + 1}`);

/** Each value's share of a sample's squared error, in units that make values comparable. */
function sharesOf(m: Model, before: ArrayLike<number>, after: ArrayLike<number>): Float32Array {
  const shares = Float32Array.from(before, (v, j) => ((after[j] - v) * (m.units?.[j] ?? 1)) ** 2), sum = shares.reduce((a, b) => a + b, 0) || 1;
  return shares.map(s => s / sum);
}

/** Where the error of one sample is: the one that was chosen, or the worst. */
function Why({ m, order, scores, labels }: { m: Model; order: number[]; scores: Float32Array; labels?: Uint16Array }) {
  const query = useSignal(place).query, wanted = Number(query.get("sample") ?? -1), i = wanted >= 0 && wanted < m.samples ? wanted : order[0];
  const can = m.explains && !recorded, by = can && query.get("by") === "normal" ? "normal" : "error";
  const pairs = usePairs(m, [i]), before = pairs.before(i), after = pairs.after(i), heat = useRef<HTMLCanvasElement>(null), bars = useRef<HTMLTableElement>(null);
  const told = useAsked(s => by === "normal" ? floats(`/api/models/${m.id}/samples/${i}/reasons`, s) : undefined, [m, i, by]);
  const own = useMemo(() => before && after ? sharesOf(m, before, after) : undefined, [m, i, !!before]), shares = by === "normal" ? told.value : own;
  const ranked = useMemo(() => shares && Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a]), [shares]);
  useEffect(() => { if (heat.current && before && shares) paintHeat(heat.current, m, before, shares); }, [shares, !!before]);
  return <section id="why" class="why-one"><h2>Why sample {i}{labels && m.classes && <>, {m.classes[labels[i]]}</>}</h2>
    <p>Its error is {short(scores[i], 3)}: number {whole(order.indexOf(i) + 1)} of {whole(m.samples)}, counted from the worst.</p>
    {can && <Segments label="Shares of" value={by} choose={v => choose({ by: v === "normal" ? v : undefined })} options={[["error", "its error"], ["normal", "what is unusual"]]} />}
    {told.error && <Notice kind="bad">{told.error.message}</Notice>}
    <div class="pointed">
      <figure><Picture of={m} values={before} label="the sample" size={m.as === "image" ? 128 : 160} /><figcaption>as it is</figcaption></figure>
      <figure><Picture of={m} values={after} label="its reconstruction" size={m.as === "image" ? 128 : 160} /><figcaption>reconstructed</figcaption></figure>
      {m.as === "image" && <figure><canvas ref={heat} class="picture image" width={m.width} height={m.height} style={{ width: "128px" }} role="img" aria-label="The sample with red where the shares are large" /><figcaption>red where it is</figcaption></figure>}
    </div>
    {m.as !== "image" && before && after && shares && ranked && <div class="scroll" tabIndex={0} role="region" aria-label="Shares of each value"><table class="bars reasons" ref={bars}><caption>The values that count most{shares.length > 12 ? `, 12 of ${whole(shares.length)}` : ""}</caption>
      <thead><tr><td /><td /><th scope="col">share</th><th scope="col">is</th><th scope="col">becomes</th></tr></thead>
      <tbody>{ranked.slice(0, 12).map(j => <tr key={j}><th scope="row">{valueName(m, j)}</th><td><span style={{ width: `${shares[j] / (shares[ranked[0]] || 1) * 100}%` }} /></td><td>{percent(shares[j])}</td><td>{short(before[j], 4)}</td><td>{short(after[j], 4)}</td></tr>)}</tbody></table></div>}
    <p class="hint">{by === "normal" ? "By how much each value differs from what the others say of it and from its reconstruction, in units of what is usual for it: as hourglass score --explain has it." :
      m.units ? "Shares of the squared error, each value in units of its standard deviation." : "Shares of the squared error."}</p>
    <p class="actions"><button type="button" onClick={() => go({ room: "explore", query: new URLSearchParams({ sample: String(i) }) })}>Show it on the map</button></p>
    <Saves what="the reasons" file={`${m.name}-sample-${i}`} canvas={m.as === "image" ? () => enlarged(heat.current) : undefined} svg={m.as === "image" ? undefined : () => drawingOf(bars.current)}
      rows={() => [["value", "is", "reconstructed", "share"], ...(ranked ?? []).map(j => [valueName(m, j), before![j], after![j], shares![j]])]} />
  </section>;
}

/** A pale picture of a sample, red where shares are large. */
function paintHeat(canvas: HTMLCanvasElement, m: Model, before: ArrayLike<number>, shares: Float32Array) {
  const c = canvas.getContext("2d")!, data = c.createImageData(m.width, m.height), n = m.width * m.height;
  const of = (i: number, values: ArrayLike<number>) => { let sum = 0; for (let k = 0; k < m.channels; k++) sum += values[i * m.channels + k]; return sum; };
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, of(i, shares));
  for (let i = 0; i < n; i++) {
    const t = Math.sqrt(of(i, shares) / (most || 1)), grey = of(i, before) / m.channels * 0.55;
    data.data.set([grey + (255 - grey) * t, grey * (1 - t), grey * (1 - t), 255], 4 * i);
  }
  c.putImageData(data, 0, 0);
}

/** Where in a sample the errors are. */
function Features({ m }: { m: Model }) {
  const errors = useAsked(s => floats(`/api/models/${m.id}/errors`, s), [m]).value, bars = useRef<HTMLTableElement>(null);
  const picture = useMemo(() => {
    if (!errors || m.as !== "image") return null;
    const canvas = document.createElement("canvas");
    canvas.width = m.width; canvas.height = m.height;
    const c = canvas.getContext("2d")!, data = c.createImageData(m.width, m.height), most = Math.max(...errors) || 1;
    for (let i = 0; i < m.width * m.height; i++) {
      let e = 0;
      for (let k = 0; k < m.channels; k++) e = Math.max(e, errors[i * m.channels + k]);
      const t = Math.sqrt(e / most);
      data.data.set([255 * Math.min(1, 1.6 * t), 255 * Math.max(0, 1.5 * t - 0.5), 255 * Math.max(0, 3 * t - 2), 255], 4 * i);
    }
    c.putImageData(data, 0, 0);
    return canvas.toDataURL();
  }, [errors]);
  if (!errors) return null;
  const rows = Array.from(errors, (e, i) => [i, e] as const).sort((a, b) => b[1] - a[1]).slice(0, 20), most = rows[0]?.[1] || 1;
  const asCanvas = async () => { const image = new Image(); image.src = picture!; await image.decode(); const c = document.createElement("canvas"); c.width = m.width; c.height = m.height; c.getContext("2d")!.drawImage(image, 0, 0); return enlarged(c); };
  return <section><h2>Where the errors are</h2>
    {picture ? <figure class="heat"><img src={picture} alt="Mean squared error of each pixel: bright where it is large" /><figcaption>The mean squared error of each pixel over a thousand samples: black is none, white {short(most, 3)}.</figcaption></figure> :
      <table class="bars" ref={bars}><caption>Mean squared error, largest first</caption><tbody>{rows.map(([i, e]) => <tr key={i}><th scope="row">{valueName(m, i)}</th><td><span style={{ width: `${e / most * 100}%` }} /></td><td>{short(e, 3)}</td></tr>)}</tbody></table>}
    <Saves what="them" file={`${m.name}-where`} canvas={picture ? asCanvas : undefined} svg={picture ? undefined : () => drawingOf(bars.current)} rows={() => [["value", "mean squared error"], ...Array.from(errors, (e, i) => [valueName(m, i), e])]} />
  </section>;
}

function Confusions({ m }: { m: Model }) {
  const asked = useAsked(s => json<Recognition>(`/api/models/${m.id}/recognition`, undefined, s), [m]);
  const shown = useMemo(() => asked.value?.mistaken.slice(0, 18) ?? [], [asked.value]);
  const pairs = usePairs(m, shown.map(x => x.sample));
  const r = asked.value, classes = m.classes ?? [], matrix = useRef<HTMLTableElement>(null), examples = useRef<HTMLUListElement>(null);
  return <section><h2>Recognition</h2>
    {asked.error && <Notice kind="bad">{asked.error.message}</Notice>}
    {!r && !asked.error && <Waiting>Finding the nearest codes of every sample …</Waiting>}
    {r && <><p>By the vote of the {r.k} nearest codes of others, <b>{percent(r.accuracy)}</b> are recognised.</p>
      {classes.length <= 26 && <div class="scroll" tabIndex={0} role="region" aria-label="Confusion matrix"><table class="confusion" ref={matrix}><caption>Rows are what samples are, columns what they are taken for.</caption>
        <thead><tr><td />{classes.map(c => <th key={c} scope="col">{c}</th>)}</tr></thead>
        <tbody>{r.confusion.map((row, i) => { const sum = row.reduce((a, b) => a + b, 0) || 1; return <tr key={i}><th scope="row">{classes[i]}</th>
          {row.map((c, j) => <td key={j} class={i === j ? "right" : c ? "wrong" : ""} style={{ "--share": String(Math.sqrt(c / sum)) }}>{c || ""}</td>)}</tr>; })}</tbody></table></div>}
      <Saves what="the matrix" file={`${m.name}-confusion`} svg={classes.length <= 26 ? () => drawingOf(matrix.current) : undefined} rows={() => [["is, taken for", ...classes], ...r.confusion.map((row, i) => [classes[i], ...row])]} />
      {shown.length > 0 && <><h3>Some that were mistaken</h3><ul class="pairs" ref={examples}>{shown.map(x => <li key={x.sample}><button type="button" onClick={() => go({ room: "explore", query: new URLSearchParams({ sample: String(x.sample) }) })}>
        <Pair m={m} before={pairs.before(x.sample)} after={pairs.after(x.sample)} name={`sample ${x.sample}`} /><span>taken for {classes[x.for]}</span></button></li>)}</ul>
        <Saves what="them" file={`${m.name}-mistaken`} svg={() => drawingOf(examples.current)} rows={() => [["sample", "taken for"], ...r.mistaken.map(x => [x.sample, classes[x.for]])]} /></>}
    </>}
  </section>;
}

/** A comparison of a model with another one, and the errors of both. */
interface Met { id: string; told: Comparison; errors: Float32Array }

/** How many samples each of several models reconstructs better than all others. */
function bestFor(all: Float32Array[]): number[] {
  const counts = all.map(() => 0);
  for (let i = 0; i < (all[0]?.length ?? 0); i++) {
    let best = 0, tie = false;
    for (let k = 1; k < all.length; k++) {
      if (all[k][i] < all[best][i]) { best = k; tie = false; } else if (all[k][i] === all[best][i]) tie = true;
    }
    if (!tie) counts[best]++;
  }
  return counts;
}

/** Other models on the same samples. */
function Beside({ m, labels }: { m: Model; labels?: Uint16Array }) {
  const most = 5, query = useSignal(place).query, others = (useSignal(entries) ?? []).filter(e => e.openable && e.id !== m.id);
  const chosen = (query.get("with") ?? "").split(",").filter(id => others.some(e => e.id === id)).slice(0, most), key = chosen.join(",");
  const section = useRef<HTMLElement>(null), table = useRef<HTMLTableElement>(null), base = (id: string) => `/api/models/${m.id}/against/${id}`;
  const asked = useAsked(s => key ? Promise.all(chosen.map(async (id): Promise<Met> => ({ id, told: await json<Comparison>(base(id), undefined, s), errors: await floats(`${base(id)}/errors`, s) }))) : undefined, [m, key]);
  const met = key ? asked.value : undefined, n = m.samples, focus = met?.find(x => x.id === query.get("at")) ?? met?.[0];
  const counts = useMemo(() => met && bestFor([met[0].errors.subarray(0, n), ...met.map(x => x.errors.subarray(n))]), [met]);
  useEffect(() => { if (met) section.current?.scrollIntoView({ block: "start" }); }, [met ? key : ""]);
  if (others.length === 0) return null;
  const put = (ids: string[]) => choose({ with: ids.join(",") || undefined }), free = others.filter(o => !chosen.includes(o.id)), sides = met && [met[0].told.sides[0], ...met.map(x => x.told.sides[1])];
  return <section ref={section}><h2>Side by side</h2>
    {free.length > 0 && chosen.length < most && <div class="bar"><Select label={chosen.length ? "And with" : "Compare with"} value="" choose={v => { if (v) put([...chosen, v]); }} options={[["", chosen.length ? "no other" : "no other model"], ...free.map(o => [o.id, o.name] as [string, string])]} /></div>}
    {asked.error && <Notice kind="bad">{asked.error.message}</Notice>}
    {key && asked.waiting && <Waiting>Running the samples through {chosen.length > 1 ? "the other models" : "the other model"} …</Waiting>}
    {met && sides && counts && focus && <>
      <div class="scroll" tabIndex={0} role="region" aria-label="The models"><table class="numeric beside" ref={table}>
        <thead><tr><th scope="col">model</th><th scope="col">parameters</th><th scope="col">numbers a code</th><th scope="col">mean error</th><th scope="col">median error</th><th scope="col">best for</th>{sides[0].accuracy !== null && <th scope="col">recognised</th>}<td /></tr></thead>
        <tbody>{sides.map((s, i) => <tr key={s.id}><th scope="row"><span class={`dot ${i === 0 ? "side0" : s.id === focus.id ? "side1" : "side2"}`} /> {s.name}</th><td>{whole(s.parameters)}</td><td>{s.codes}</td><td>{short(s.mean, 3)}</td><td>{short(s.median, 3)}</td><td>{percent(counts[i] / n)}</td>{s.accuracy !== null && <td>{percent(s.accuracy)}</td>}
          <td>{i > 0 && <button type="button" class="icon" aria-label={`without ${s.name}`} title="leave out" onClick={() => put(chosen.filter(id => id !== s.id))}>×</button>}</td></tr>)}</tbody></table></div>
      <p class="hint">The {whole(n)} samples that {m.name} is shown on. Errors are mean squared differences in units of {met[0].told.unit}.</p>
      <Saves what="the table" file={`${m.name}-beside`} svg={() => drawingOf(table.current)} rows={() => [["model", "parameters", "numbers a code", "mean error", "median error", "best for", "recognised"], ...sides.map((s, i) => [s.name, s.parameters, s.codes, s.mean, s.median, counts[i], s.accuracy ?? ""])]} />
      {met.length > 1 && <Segments label="Sample by sample with" value={focus.id} choose={v => choose({ at: v })} options={met.map(x => [x.id, x.told.sides[1].name] as [string, string])} />}
      <div class="columns"><Scatter key={focus.id} names={[focus.told.sides[0].name, focus.told.sides[1].name]} errors={focus.errors} /><Disagreements m={m} other={focus.id} base={base(focus.id)} errors={focus.errors} names={[focus.told.sides[0].name, focus.told.sides[1].name]} labels={labels} /></div></>}
  </section>;
}

/** Every sample's error by one model over that by the other, on scales of roots. */
function Scatter({ names, errors }: { names: [string, string]; errors: Float32Array }) {
  const canvas = useRef<HTMLCanvasElement>(null), n = errors.length / 2;
  const top = useMemo(() => Array.from(errors).sort((a, b) => b - a)[Math.floor(errors.length / 500)] || 1, [errors]);
  useEffect(() => {
    const c = canvas.current!.getContext("2d")!, side = c.canvas.width = c.canvas.height = 720, dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      const style = getComputedStyle(canvas.current!), at = (v: number) => Math.sqrt(Math.min(v, top) / top) * (side - 24) + 12;
      c.clearRect(0, 0, side, side);
      c.strokeStyle = style.getPropertyValue("--edge"); c.lineWidth = 2;
      c.beginPath(); c.moveTo(12, side - 12); c.lineTo(side - 12, 12); c.stroke();
      c.globalAlpha = n > 3000 ? 0.35 : 0.7;
      for (let i = 0; i < n; i++) {
        c.fillStyle = style.getPropertyValue(errors[i] < errors[n + i] ? "--encoder" : "--code");
        c.beginPath(); c.arc(at(errors[i]), side - at(errors[n + i]), 4, 0, 2 * Math.PI); c.fill();
      }
      c.globalAlpha = 1;
    };
    draw();
    dark.addEventListener("change", draw);
    return () => dark.removeEventListener("change", draw);
  }, [errors, top]);
  return <figure><canvas ref={canvas} class="place wide" role="img" aria-label={`Errors of ${names[1]} over those of ${names[0]}`} />
    <figcaption>Each sample's error: across by {names[0]}, up by {names[1]}, from 0 to {short(top, 2)} and more. Above the line {names[0]} is better, below it {names[1]}.</figcaption>
    <Saves what="both" file={`${names[0]}-${names[1]}`} canvas={() => canvas.current} rows={() => [["sample", ...names], ...Array.from({ length: n }, (_, i) => [i, errors[i], errors[n + i]])]} /></figure>;
}

/** Samples that one of the models reconstructs much better. */
function Disagreements({ m, other, base, errors, names, labels }: { m: Model; other: string; base: string; errors: Float32Array; names: [string, string]; labels?: Uint16Array }) {
  const which = useSignal(place).query.get("better") === "1" ? 1 : 0, n = errors.length / 2, count = 6;
  const chosen = useMemo(() => Array.from({ length: n }, (_, i) => i).sort((a, b) => (which ? -1 : 1) * (errors[n + b] - errors[b] - (errors[n + a] - errors[a]))).slice(0, count), [errors, which]);
  const pairs = usePairs(m, chosen), key = chosen.join(",");
  const theirs = useAsked(s => bytes(`${base}/reconstructions?samples=${key}`, undefined, s).then(b => ({ key, values: valuesOf(m, b) })), [m, other, key], true).value, size = sizeOf(m);
  const table = useRef<HTMLTableElement>(null);
  return <div class="disagreements"><Segments label="Much better by" value={String(which)} choose={v => choose({ better: v === "1" ? 1 : undefined })} options={[["0", names[0]], ["1", names[1]]]} />
    <table class="triples" ref={table}><thead><tr><td /><th scope="col">as it is</th><th scope="col">{names[0]}</th><th scope="col">{names[1]}</th></tr></thead>
      <tbody>{chosen.map((i, at) => <tr key={i}><th scope="row">{i}{labels && m.classes && <small>{m.classes[labels[i]]}</small>}</th>
        <td><Picture of={m} values={pairs.before(i)} label={`sample ${i}`} size={64} /></td>
        <td><Picture of={m} values={pairs.after(i)} label={`sample ${i} by ${names[0]}`} size={64} /><small>{short(errors[i], 2)}</small></td>
        <td><Picture of={m} values={theirs?.key === key ? theirs.values.subarray(at * size, (at + 1) * size) : undefined} label={`sample ${i} by ${names[1]}`} size={64} /><small>{short(errors[n + i], 2)}</small></td></tr>)}</tbody></table>
    <Saves what="them" file={`${names[0]}-${names[1]}-${which ? "worse" : "better"}`} svg={() => drawingOf(table.current)} rows={() => [["sample", ...names], ...chosen.map(i => [i, errors[i], errors[n + i]])]} /></div>;
}
