import { useEffect, useMemo, useState } from "preact/hooks";
import uPlot from "uplot";
import { useRef } from "preact/hooks";
import { Counted, Entry, Followed, Job, json, LayerView, Numbers, Order, Preset, Preview, Refused, Source, SourceInfo, unpack, valuesOf, sizeOf } from "./api";
import { dropped, offer, readable } from "./drop";
import { Notice, NumberField, Picture, Select, short, useSize, Waiting, whole } from "./parts";
import { addressOf, choose, entries, go, jobs, listen, note, place, sources, useAsked, useSignal } from "./state";
import { cssColor } from "./map";

const over = (j: Job) => ["finished", "failed", "interrupted"].includes(j.state);

export function Learn() {
  const p = useSignal(place), all = useSignal(jobs);
  const followed = all.find(j => j.id === p.id), elsewhere = (useSignal(entries) ?? []).find(e => e.kind === "run" && e.id === p.id);
  return <div class="learning">
    {followed ? <Watch key={followed.id} id={followed.id} job={followed} /> : elsewhere ? <Elsewhere run={elsewhere} /> : <Compose />}
    <Runs />
  </div>;
}

const optimizers: [string, string][] = [["adam", "Adam"], ["adamw", "AdamW"], ["nadam", "Nadam"], ["rmsprop", "RMSprop"], ["sgd", "SGD"]];
const losses: [string, string][] = [["", "what suits the last layer"], ["binary_crossentropy", "binary cross-entropy"], ["mse", "mean squared error"], ["mae", "mean absolute error"], ["huber", "Huber"]];

/** No change to what a preset says of layers and settings. */
const unchanged = Object.fromEntries(["encoder", "decoder", "loss", "optimizer", "epochs", "batch", "rate", "samples", "seed"].map(name => [name, undefined]));

/** A training to be: data, layers, settings. */
function Compose() {
  const query = useSignal(place).query, known = useSignal(sources);
  const data = query.get("data") ?? known[0]?.id ?? "";
  const chosen = known.find(s => s.id === data), drop = useSignal(dropped), [error, fail] = useState<Error>();
  const info = useAsked(s => data ? json<SourceInfo>(`/api/data/${data}`, undefined, s) : undefined, [data, chosen?.label]);
  const name = query.get("preset") ?? info.value?.presets[0]?.name;
  const preset = info.value?.presets.find(x => x.name === name) ?? info.value?.presets[0];
  return <section class="compose">
    <header class="facts"><h1>Train an autoencoder</h1>
      <p>Choose what it is to learn from, or drop a table or pictures on this page. Each layer is a line that can be changed; the narrowest place, between encoder and decoder, is the code.</p></header>
    <div class="bar">
      <Select label="Data" value={data} options={known.map(s => [s.id, s.title])} choose={v => choose({ ...unchanged, data: v, preset: undefined })} />
      {chosen?.columns && <Select label="Labels" value={chosen.label ?? ""} options={[["", "none"], ...chosen.columns.map(c => [c, c] as [string, string])]}
        choose={v => { fail(undefined); json<Source>(`/api/data/${data}/label`, { label: v }).then(s => sources.set(known.map(x => x.id === s.id ? s : x)), fail); }} />}
      {info.value && <Select label="Begin with" value={preset?.name ?? ""} options={info.value.presets.map(x => [x.name, x.title])} choose={v => choose({ ...unchanged, preset: v })} />}
      <label class="button choose"><input type="file" multiple accept={readable} onChange={e => { offer([...e.currentTarget.files!].map(f => [f.name, f])); e.currentTarget.value = ""; }} />Your own data …</label>
    </div>
    {drop.waiting && <Waiting>Taking {drop.waiting} …</Waiting>}
    {(drop.error ?? error) && <Notice kind="bad">{(drop.error ?? error)!.message}</Notice>}
    {info.error && <Notice kind="bad">{info.error.message}</Notice>}
    {info.waiting && <Waiting>Reading the data …</Waiting>}
    {info.value && preset && <><p class="hint">{whole(info.value.samples)} samples of {info.value.shape.join("×")}{info.value.about.startsWith("dropped") && <>, {info.value.about}</>}. {preset.about}</p>
      <Editor key={data + chosen?.label + preset.name} info={info.value} preset={preset} /></>}
  </section>;
}

function Editor({ info, preset }: { info: SourceInfo; preset: Preset }) {
  const query = useSignal(place).query, [error, fail] = useState<Error>();
  // What differs from the preset is in the address.
  const change = (name: string, to: string | number, standard: string | number) => choose({ [name]: to === standard ? undefined : to });
  const layers = (name: "encoder" | "decoder") => query.get(name)?.split("\n") ?? preset[name];
  const word = (name: "loss" | "optimizer") => query.get(name) ?? preset[name];
  const number = (name: string) => { const n = Number(query.get(name) ?? NaN); return Number.isFinite(n) ? n : standard[name]; };
  const standard: Record<string, number> = { epochs: preset.epochs, batch: preset.batchSize, rate: preset.learningRate, samples: Math.min(info.samples, 10000), seed: 42 };
  const encoderText = layers("encoder").join("\n"), decoderText = layers("decoder").join("\n");
  const encoder = useMemo(() => encoderText.split("\n"), [encoderText]), decoder = useMemo(() => decoderText.split("\n"), [decoderText]);
  const loss = word("loss"), optimizer = word("optimizer"), epochs = number("epochs"), batch = number("batch"), rate = number("rate"), size = number("samples"), seed = number("seed");
  const setLayers = (name: "encoder" | "decoder") => (lines: string[]) => change(name, lines.join("\n"), preset[name].join("\n"));
  const setNumber = (name: string) => (n: number) => change(name, n, standard[name]);
  const counted = useAsked(s => json<Counted>("/api/architecture", { data: info.id, encoder, decoder }, s), [info.id, encoder, decoder], true);
  const wrong = counted.error instanceof Refused ? counted.error.line : undefined;
  const c = counted.error ? undefined : counted.value;
  const start = async () => {
    fail(undefined);
    const order: Order = { data: info.id, encoder, decoder, loss, optimizer, learningRate: rate, batchSize: batch, epochs, trainSize: size >= info.samples * 0.9 ? 0 : size, seed };
    await json<Job>("/api/jobs", order).then(j => { note(j); go({ room: "learn", id: j.id }); }, fail);
  };
  return <>
    <div class="columns">
      <Layers title="Encoder" lines={encoder} change={setLayers("encoder")} info={c?.encoder} wrong={wrong} error={counted.error} offset={0} input={info.shape.join("×")} />
      <Layers title="Decoder" lines={decoder} change={setLayers("decoder")} info={c?.decoder} wrong={wrong} error={counted.error} offset={encoder.length + 1} input={c ? `${c.codes} number${c.codes === 1 ? "" : "s"}` : "the code"} />
    </div>
    {counted.error && !wrong && <Notice kind="bad">{counted.error.message}</Notice>}
    <p class="sum" role="status">{c ? <><b>{whole(c.parameters)}</b> parameters; codes of <b>{whole(c.codes)}</b> number{c.codes === 1 ? "" : "s"} for {whole(info.shape.reduce((a, b) => a * b, 1))} values; some {short(c.operations / 1e6, 2)} million operations a sample.</> : "…"}</p>
    <div class="bar settings">
      <NumberField label="Epochs" value={epochs} min={1} change={setNumber("epochs")} />
      <NumberField label="Batch size" value={batch} min={1} change={setNumber("batch")} />
      <NumberField label="Learning rate" value={rate} step="any" min={0} change={setNumber("rate")} />
      <Select label="Optimiser" value={optimizer} options={optimizers} choose={v => change("optimizer", v, preset.optimizer)} />
      <Select label="Loss" value={loss} options={losses.some(l => l[0] === loss) ? losses : [...losses, [loss, loss]]} choose={v => change("loss", v, preset.loss)} />
      <NumberField label="Samples" value={size} min={1} max={info.samples} change={setNumber("samples")} />
      <NumberField label="Seed" value={seed} min={0} change={setNumber("seed")} />
    </div>
    <p class="actions"><button type="button" class="main" disabled={!c} onClick={start}>Start training</button></p>
    {error && <Notice kind="bad">{error.message}</Notice>}
    {c && <details><summary>The same in a shell</summary><pre class="command" tabIndex={0}>{command(info, c.line, { loss, optimizer, rate, epochs, batch, size, seed })}</pre></details>}
  </>;
}

function command(info: SourceInfo, line: string, o: { loss: string; optimizer: string; rate: number; epochs: number; batch: number; size: number; seed: number }): string {
  const data = /^[a-z-]+$/.test(info.id) && info.id !== "own" ? info.id : `'${info.title}'`;
  return `hourglass train ${data}${info.label ? ` --label '${info.label}'` : ""} --architecture '${line}' --epochs ${o.epochs} --batch-size ${o.batch} --learning-rate ${o.rate} --optimizer ${o.optimizer}` +
    (o.loss ? ` --loss ${o.loss}` : "") + (o.size < info.samples * 0.9 ? ` --train-size ${o.size}` : "") + ` --seed ${o.seed}`;
}

/** The layers of a half, a line each, with what comes out of them. */
function Layers({ title, lines, change, info, wrong, error, offset, input }: { title: string; lines: string[]; change: (l: string[]) => void; info?: { output: string; parameters: number }[]; wrong?: number; error?: Error; offset: number; input: string }) {
  const outs = info && info.length > lines.length ? info.slice(info.length - lines.length) : info;
  const set = (i: number, text: string) => change(lines.map((l, j) => j === i ? text : l));
  const move = (i: number, by: number) => { const next = [...lines]; [next[i], next[i + by]] = [next[i + by], next[i]]; change(next); };
  return <fieldset class="layers"><legend>{title}</legend>
    <p class="hint heads"><span>takes {input}</span><span>gives<small>parameters</small></span><span /></p>
    <ol>{lines.map((line, i) => {
      const bad = wrong === offset + i + 1;
      return <li key={i} class={bad ? "bad" : ""}>
        <input type="text" value={line} spellcheck={false} aria-label={`${title}, layer ${i + 1}`} aria-invalid={bad} onInput={e => set(i, e.currentTarget.value)} />
        <output>{outs?.[i] && <>{outs[i].output}<small>{whole(outs[i].parameters)}</small></>}</output>
        <span class="tools">
          <button type="button" class="icon" disabled={i === 0} aria-label={`move layer ${i + 1} up`} title="up" onClick={() => move(i, -1)}>↑</button>
          <button type="button" class="icon" disabled={i === lines.length - 1} aria-label={`move layer ${i + 1} down`} title="down" onClick={() => move(i, 1)}>↓</button>
          <button type="button" class="icon" disabled={lines.length === 1} aria-label={`remove layer ${i + 1}`} title="remove" onClick={() => change(lines.filter((_, j) => j !== i))}>×</button></span>
        {bad && <p class="why" role="alert">{error?.message}</p>}
      </li>;
    })}</ol>
    <button type="button" class="quiet" onClick={() => change([...lines.slice(0, -1), "dense 64 selu", ...lines.slice(-1)])}>Add a layer</button>
  </fieldset>;
}

const states: Record<string, string> = { preparing: "preparing", running: "training", paused: "paused", stopping: "stopping", interrupted: "stopped and kept", failed: "failed", finished: "finished" };

/** A training, as it goes. */
function Watch({ id, job }: { id: string; job: Job }) {
  const [preview, setPreview] = useState<Preview | null>(null), [curve, setCurve] = useState<[number, number][]>([]), [lines, setLines] = useState<Numbers[]>([]);
  const [error, fail] = useState<Error>(), last = useRef(0);
  useEffect(() => {
    const load = () => json<Followed>(`/api/jobs/${id}`).then(f => { if (f.preview) setPreview(f.preview); setCurve(f.curve); setLines(f.lines); }, fail);
    load();
    const ends = [listen<Preview>("preview", v => { if (v.id === id) setPreview(v); }), listen("open", load),
      listen<Job>("job", j => {
        // The whole curve is asked for now and then; it is thinned out as it grows.
        if (j.id === id && (performance.now() - last.current > 700 || over(j) || j.state === "paused")) { last.current = performance.now(); load(); }
      })];
    return () => ends.forEach(end => end());
  }, [id]);
  const act = (what: string) => json<Job>(`/api/jobs/${id}/${what}`, {}).then(note, fail);
  const share = job.steps ? job.done / (job.epochs * job.steps) : 0, left = share > 0 ? job.seconds * (1 - share) / share : 0;
  return <section class="watch">
    <header class="facts"><h1>{job.name} <span class={`state ${job.state}`}>{states[job.state]}</span></h1>
      <p>{whole(job.parameters)} parameters, codes of {whole(job.codes)} numbers{job.optimizer && <>; {job.optimizer} with a learning rate of {short(job.rate)}, batches of {job.batchSize}</>}.</p></header>
    {job.error && <Notice kind="bad">{job.error}</Notice>}
    {error && <Notice kind="bad">{error.message}</Notice>}
    <ul class="tiles">
      <li><b>{job.epoch}<small> of {job.epochs}</small></b>epochs</li>
      <li><b>{short(job.loss, 4)}</b>loss, mean of this epoch</li>
      <li><b>{job.last?.val_loss !== undefined ? short(job.last.val_loss, 4) : "–"}</b>validation loss</li>
      <li><b>{whole(Math.round(job.perSecond))}</b>samples a second{!over(job) && left > 1 && <>; {Math.ceil(left)} s left</>}</li>
    </ul>
    <progress class="whole" max={1} value={share} aria-label="progress of the training" />
    <p class="actions">
      {!over(job) && job.state !== "stopping" && <>
        {job.state === "paused" ? <button type="button" class="main" onClick={() => act("resume")}>Resume</button> : <button type="button" class="main" onClick={() => act("pause")}>Pause</button>}
        <button type="button" onClick={() => act("step")}>Step</button>
        <button type="button" onClick={() => act("stop")}>Stop and keep</button></>}
      {over(job) && job.state !== "failed" && <><a class="button main" href={addressOf({ room: "explore", id: job.model, query: new URLSearchParams() })}>Explore what it learned</a>
        <a class="button" href={addressOf({ room: "judge", id: job.model, query: new URLSearchParams() })}>Judge it</a></>}
      <a class="button quiet" href="#/learn">New training</a></p>
    {!over(job) && job.state !== "stopping" && job.optimizer && <Rate job={job} fail={fail} />}
    {job.changes.length > 0 && <p class="hint">The learning rate was changed {job.changes.map((c, i) => <>{i > 0 && ", "}to {short(c.rate)} after step {whole(c.step)}</>)}. The run has noted it and can be repeated.</p>}
    <div class="curves">
      <Chart title="Loss, step by step" x="step" series={[{ name: "loss", points: curve, color: "--encoder" }]} />
      <Epochs lines={lines} />
    </div>
    {preview ? <Previewed p={preview} /> : !over(job) && <Waiting>Waiting for the first step …</Waiting>}
  </section>;
}

/** Another learning rate while it trains. */
function Rate({ job, fail }: { job: Job; fail: (e: Error | undefined) => void }) {
  const [rate, set] = useState(job.baseRate);
  useEffect(() => set(job.baseRate), [job.baseRate]);
  const change = (to: number) => json<Job>(`/api/jobs/${job.id}/rate`, { rate: to }).then(j => { fail(undefined); set(j.baseRate); note(j); }, fail);
  return <form class="bar rate" onSubmit={e => { e.preventDefault(); change(rate); }}>
    <NumberField label="Learning rate" value={rate} step="any" min={0} change={set} />
    <button type="submit" disabled={!(rate > 0) || rate === job.baseRate}>Change</button>
    <button type="button" class="quiet" onClick={() => change(Number((job.baseRate / 2).toPrecision(6)))}>Halve</button>
    <button type="button" class="quiet" onClick={() => change(Number((job.baseRate * 2).toPrecision(6)))}>Double</button>
  </form>;
}

export function Epochs({ lines }: { lines: Numbers[] }) {
  return <Chart title="Loss, epoch by epoch" x="epoch" series={[
    { name: "training", points: lines.map(l => [l.epoch, l.loss]), color: "--encoder" },
    { name: "validation", points: lines.filter(l => l.val_loss !== undefined).map(l => [l.epoch, l.val_loss]), color: "--code", dash: true }]} />;
}

/** A run that another process trains, or has trained: what its folder says of it. */
function Elsewhere({ run }: { run: Entry }) {
  const lines = run.epochs ?? [], last = lines[lines.length - 1], going = run.state === "running", glimpse = useAsked(s => json<{ preview: Preview | null; why?: string }>(`/api/runs/${run.id}/preview`, undefined, s), [run.id, run.changed], true).value, metrics = Object.keys(last ?? {}).filter(k => !["epoch", "seconds", "loss", "val_loss"].includes(k) && !k.startsWith("val_"));
  return <section class="watch">
    <header class="facts"><h1>{run.name} <span class={`state ${run.state}`}>{going ? "training elsewhere" : run.state === "interrupted" ? "stopped" : run.state}</span></h1>
      <p>{[run.title !== run.name && run.title, run.dataset && `on ${run.dataset}`, run.parameters && `${whole(run.parameters)} parameters`, run.loss && `loss ${run.loss}`].filter(Boolean).join("; ")}.
        {going && <> Another program trains it; this page follows the epochs that it notes in its folder, the last at {new Date(run.changed).toLocaleTimeString()}.</>}</p></header>
    <ul class="tiles">
      <li><b>{lines.length}{run.planned ? <small> of {run.planned}</small> : null}</b>epochs</li>
      <li><b>{last ? short(last.loss) : "–"}</b>loss</li>
      <li><b>{last?.val_loss !== undefined ? short(last.val_loss) : "–"}</b>validation loss</li>
      <li><b>{last ? short(last.seconds, 2) : "–"}<small> s</small></b>for the last epoch</li>
    </ul>
    {run.state === "killed" && <Notice>Its process has gone without a word.{run.resume && <> What goes on with it from its last checkpoint, where the folder of runs is: <code>{run.resume}</code></>}</Notice>}
    {run.state === "interrupted" && run.resume && <p class="hint">What goes on with it, where the folder of runs is: <code>{run.resume}</code></p>}
    {going && run.planned && <progress class="whole" max={run.planned} value={lines.length} aria-label="progress of the training" />}
    <p class="actions">{run.openable && !going && <><a class="button main" href={addressOf({ room: "explore", id: run.id, query: new URLSearchParams() })}>Explore what it learned</a>
      <a class="button" href={addressOf({ room: "judge", id: run.id, query: new URLSearchParams() })}>Judge it</a></>}
      <a class="button quiet" href="#/learn">New training</a></p>
    {lines.length === 0 ? going && <Waiting>Waiting for the first epoch …</Waiting> : <div class="curves"><Epochs lines={lines} />
      {metrics.map(name => <Chart key={name} title={name[0].toUpperCase() + name.slice(1).replaceAll("_", " ")} x="epoch" series={[
        { name: "training", points: lines.map(l => [l.epoch, l[name]]), color: "--encoder" },
        { name: "validation", points: lines.filter(l => l[`val_${name}`] !== undefined).map(l => [l.epoch, l[`val_${name}`]]), color: "--code", dash: true }]} />)}</div>}
    {glimpse?.preview ? <><p class="hint">What follows is of its {going ? "last checkpoint" : "end"}, in epoch {glimpse.preview.epoch}.</p><Previewed p={glimpse.preview} /></> : glimpse?.why && <p class="hint">{glimpse.why}</p>}
  </section>;
}

interface Line { name: string; points: [number, number][]; color: string; dash?: boolean }

function Chart({ title, x, series }: { title: string; x: string; series: Line[] }) {
  const [frame, width] = useSize<HTMLDivElement>(), plot = useRef<uPlot | null>(null);
  const height = 220;
  const data = useMemo(() => {
    const xs = [...new Set(series.flatMap(s => s.points.map(p => p[0])))].sort((a, b) => a - b);
    return [xs, ...series.map(s => { const all = new Map(s.points); return xs.map(v => all.get(v) ?? null); })] as uPlot.AlignedData;
  }, [series.map(s => s.points.length + ":" + s.points[s.points.length - 1]?.[1]).join()]);
  useEffect(() => {
    if (!width || !frame.current) return;
    const axis = { stroke: () => cssColor("--soft"), grid: { stroke: () => cssColor("--rule"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const made = new uPlot({
      width, height, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false, range: (_u, low, high) => [low, high > low ? high : low + 1] } },
      axes: [{ ...axis, label: x, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], labelFont: "12px system-ui, sans-serif", labelSize: 18, size: 30 }, { ...axis, size: 58, values: (_u, ticks) => ticks.map(t => short(t, 3)) }],
      series: [{}, ...series.map(s => ({ label: s.name, stroke: () => cssColor(s.color), width: 2, dash: s.dash ? [6, 4] : undefined, spanGaps: true, points: { show: (u: uPlot) => u.data[0].length < 3 } }))],
    }, data, frame.current);
    plot.current = made;
    const dark = matchMedia("(prefers-color-scheme: dark)"), redraw = () => made.redraw(false);
    dark.addEventListener("change", redraw);
    return () => { dark.removeEventListener("change", redraw); made.destroy(); plot.current = null; };
  }, [width]);
  useEffect(() => { plot.current?.setData(data); }, [data]);
  const last = series.map(s => s.points.length ? `${s.name} ${short(s.points[s.points.length - 1][1])}` : "").filter(Boolean).join(", ");
  return <figure class="chart"><figcaption>{title}{series.length > 1 && series.map(s => <span key={s.name} class="key"><i style={{ background: `var(${s.color})` }} />{s.name}</span>)}</figcaption>
    <div ref={frame} role="img" aria-label={`${title}: ${last || "no values yet"}`} style={{ height: `${height}px` }} /></figure>;
}

/** What the network does now. */
function Previewed({ p }: { p: Preview }) {
  const before = useMemo(() => valuesOf(p, unpack(p.originals)), [p.originals]), after = useMemo(() => valuesOf(p, unpack(p.reconstructions)), [p.reconstructions]);
  const size = sizeOf(p), n = before.length / size;
  return <>
    <h2>The same samples, again and again</h2>
    <ul class="pairs tall">{Array.from({ length: n }, (_, i) => <li key={i}><span class="pair over"><Picture of={p} values={before.subarray(i * size, (i + 1) * size)} label={`sample ${i + 1}`} /><Picture of={p} values={after.subarray(i * size, (i + 1) * size)} label={`sample ${i + 1}, reconstructed`} /></span></li>)}</ul>
    <div class="columns">
      <figure><h2>Its codes</h2><Codes p={p} /><figcaption>{p.labels.length > 0 ? "400 samples in the colours of their labels" : "400 samples"}; codes of more than two numbers by their principal components</figcaption></figure>
      {p.filters && <figure><h2>First layer</h2><Filters p={p} /><figcaption>weights of its first units as pictures: grey is nothing, white in favour, black against</figcaption></figure>}
    </div>
    {p.layers && p.layers.length > 0 && <><h2>Layer by layer</h2><div class="scroll" tabIndex={0} role="region" aria-label="Layers"><table class="numeric">
      <thead><tr><th scope="col">layer</th><th scope="col">values</th><th scope="col">always the same</th><th scope="col">what comes out</th><th scope="col">weights</th><th scope="col">gradients</th></tr></thead>
      <tbody>{p.layers.map((l, i) => <tr key={i}><th scope="row">{l.name}</th><td>{whole(l.units)}</td><td class={l.dead ? "warn" : ""}>{l.dead}</td>
        <td><Bins counts={l.bins} l={l} low={l.low} high={l.high} /></td><td><Bins counts={l.weights} l={l} low={-l.max} high={l.max} /></td>
        <td>{l.gradients && <Bins counts={l.gradients} l={l} low={-l.maxGradient} high={l.maxGradient} />}</td></tr>)}</tbody></table></div></>}
  </>;
}

function Bins({ counts, low, high, l }: { counts: number[]; low: number; high: number; l: LayerView }) {
  const most = Math.max(...counts.map(Math.sqrt), 1);
  return <span class="bins"><svg viewBox={`0 0 ${counts.length * 5} 30`} role="img" aria-label={`${l.name}: from ${short(low, 2)} to ${short(high, 2)}`}>{counts.map((c, i) => <rect key={i} x={i * 5} width="4" y={30 - Math.sqrt(c) / most * 30} height={Math.sqrt(c) / most * 30} />)}</svg><small>{short(low, 2)} … {short(high, 2)}</small></span>;
}

function Codes({ p }: { p: Preview }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const c = canvas.current!.getContext("2d")!, side = c.canvas.width = c.canvas.height = 640, raw = unpack(p.points), points = new Float32Array(raw.buffer);
    let low = Infinity, high = -Infinity;
    for (const v of points) { low = Math.min(low, v); high = Math.max(high, v); }
    const at = (v: number) => (v - low) / (high - low || 1) * (side - 40) + 20;
    for (let i = 0; i < points.length / 2; i++) {
      c.fillStyle = p.labels.length && p.colors ? p.colors[p.labels[i]] : cssColor("--encoder");
      c.beginPath(); c.arc(at(points[2 * i]), side - at(points[2 * i + 1]), 6, 0, 2 * Math.PI); c.fill();
    }
  }, [p.points]);
  return <canvas ref={canvas} class="place" role="img" aria-label="Codes in the plane" />;
}

function Filters({ p }: { p: Preview }) {
  const data = useMemo(() => unpack(p.filters!), [p.filters]), [w, h] = p.filterSize, n = data.length / (w * h);
  const v = { as: "image" as const, width: w, height: h, channels: 1, features: null };
  return <ul class="thumbs filters">{Array.from({ length: n }, (_, i) => <li key={i}><Picture of={v} values={data.subarray(i * w * h, (i + 1) * w * h)} size={44} /></li>)}</ul>;
}

type Column = "name" | "state" | "dataset" | "parameters" | "epochs" | "loss" | "changed";

/** All runs there are: sorted, filtered, overlaid. */
function Runs() {
  const all = useSignal(entries) ?? [], live = useSignal(jobs), query = useSignal(place).query;
  const text = query.get("find") ?? "", by = (query.get("by") as Column) || "changed", down = query.get("down") !== "0";
  const compared = (query.get("compare") ?? "").split(",").filter(Boolean);
  const rows = all.filter(e => e.kind === "run" && `${e.name} ${e.title} ${e.dataset ?? ""} ${e.state ?? ""}`.toLowerCase().includes(text.toLowerCase()));
  const lossOf = (e: (typeof all)[number]) => { const l = e.epochs?.[e.epochs.length - 1]; return l?.val_loss ?? l?.loss ?? Infinity; };
  const value = (e: (typeof all)[number]): string | number => by === "loss" ? lossOf(e) : by === "epochs" ? e.epochs?.length ?? 0 : e[by] ?? "";
  rows.sort((a, b) => { const x = value(a), y = value(b); return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1); });
  const waiting = live.filter(j => !over(j)), elsewhere = all.filter(e => e.state === "running" && !live.some(j => j.id === e.id));
  if (all.length === 0 && waiting.length === 0) return null;
  const head = (c: Column, title: string) => <th scope="col" aria-sort={c === by ? (down ? "descending" : "ascending") : undefined}><button type="button" class="sort" onClick={() => choose({ by: c, down: c === by && down ? 0 : 1 })}>{title}{c === by ? (down ? " ↓" : " ↑") : ""}</button></th>;
  const inks = ["--encoder", "--code", "--decoder", "--input", "--link", "--ink"];
  const lines = compared.map(id => all.find(e => e.id === id)).filter(e => e?.epochs?.length).slice(0, inks.length);
  const pair = all.filter(e => e.openable && compared.includes(e.id));
  return <section class="runs"><h2>Runs</h2>
    {waiting.length > 0 && <ul class="live">{waiting.map(j => <li key={j.id}><a href={addressOf({ room: "learn", id: j.id, query: new URLSearchParams() })}>{j.name}</a> <span class={`state ${j.state}`}>{states[j.state]}</span> epoch {j.epoch} of {j.epochs}, loss {short(j.loss)}</li>)}</ul>}
    {elsewhere.length > 0 && <ul class="live">{elsewhere.map(e => <li key={e.id}><a href={addressOf({ room: "learn", id: e.id, query: new URLSearchParams() })}>{e.name}</a> <span class="state running">training elsewhere</span> {e.epochs?.length ?? 0}{e.planned ? ` of ${e.planned}` : ""} epochs{Number.isFinite(lossOf(e)) && <>, loss {short(lossOf(e))}</>}</li>)}</ul>}
    {all.length > 0 && <>
      <label class="field search"><span>Find</span><input type="search" value={text} onInput={e => choose({ find: e.currentTarget.value || undefined })} /></label>
      {lines.length > 0 && <div class="curves"><Chart key={lines.map(e => e!.id).join()} title="Validation loss" x="epoch" series={lines.map((e, i) => ({ name: e!.name, color: inks[i], points: e!.epochs!.map(l => [l.epoch, l.val_loss ?? l.loss]) }))} /></div>}
      {pair.length > 1 && <p class="actions"><a class="button" href={addressOf({ room: "judge", id: pair[0].id, query: new URLSearchParams({ with: pair.slice(1, 6).map(e => e.id).join(",") }) })}>Judge the {pair.length === 2 ? "two" : Math.min(pair.length, 6)} side by side</a></p>}
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of runs"><table class="numeric listed">
        <thead><tr><th scope="col">compare</th>{head("name", "name")}{head("state", "state")}{head("dataset", "data")}{head("parameters", "parameters")}{head("epochs", "epochs")}{head("loss", "loss")}</tr></thead>
        <tbody>{rows.map(e => <tr key={e.id}><td><input type="checkbox" aria-label={`compare ${e.name}`} disabled={!e.epochs?.length} checked={compared.includes(e.id)}
          onChange={c => choose({ compare: (c.currentTarget.checked ? [...compared, e.id] : compared.filter(x => x !== e.id)).join(",") || undefined })} /></td>
          <th scope="row"><a href={addressOf({ room: e.openable ? "explore" : "learn", id: e.id, query: new URLSearchParams() })}>{e.name}</a></th>
          <td>{e.state ?? ""}</td><td>{e.dataset}</td><td>{e.parameters ? whole(e.parameters) : ""}</td><td>{e.epochs?.length ?? ""}{e.planned && e.state === "running" ? ` of ${e.planned}` : ""}</td><td>{Number.isFinite(lossOf(e)) ? short(lossOf(e)) : ""}</td></tr>)}</tbody></table></div></>}
  </section>;
}
