import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { floats, json, Looked, Model, pack, sizeOf, unpack, valuesOf } from "./api";
import { Thumb } from "./explore";
import { NothingYet, Notice, NumberField, percent, Picture, short, Waiting } from "./parts";
import { Sprites } from "./sprites";
import { useAsked, useModel } from "./state";

export function Draw() {
  const { value: m, error, waiting } = useModel();
  if (error) return <Notice kind="bad">{error.message}</Notice>;
  if (m) return <Drawing key={m.id + m.changed} m={m} />;
  return waiting ? <Waiting>Opening the model …</Waiting> : <NothingYet />;
}

/** What the model makes of a sample, asked for as it changes; of several changes at a time
 * the last counts. */
function useLook(m: Model): [Looked | undefined, Error | undefined, (body: object | null) => void] {
  const [looked, set] = useState<Looked>(), [error, fail] = useState<Error>();
  const next = useRef<object | null>(null), busy = useRef(false);
  const look = async (body: object | null) => {
    next.current = body;
    if (!body) { set(undefined); return; }
    if (busy.current) return;
    busy.current = true;
    while (next.current) {
      const now = next.current;
      next.current = null;
      await json<Looked>(`/api/models/${m.id}/look`, now).then(l => { set(l); fail(undefined); }, fail);
    }
    busy.current = false;
  };
  return [looked, error, look];
}

function Drawing({ m }: { m: Model }) {
  const [looked, error, look] = useLook(m);
  const sprites = useMemo(() => m.as === "image" ? new Sprites(m) : null, [m]);
  return <div class="drawing">
    <section class="sheet" aria-label="Your sample">{m.as === "image" ? <Sheet m={m} look={look} /> : <Form m={m} look={look} />}</section>
    <section class="result" aria-label="What the model makes of it" aria-live="polite">
      {error && <Notice kind="bad">{error.message}</Notice>}
      {!looked ? <p class="hint">{m.as === "image" ? "Draw something with the mouse, a finger or a pen: the model reconstructs it as you draw." : "Change a value: the model reconstructs the sample at once."}</p> : <Result m={m} sprites={sprites} looked={looked} />}
    </section>
  </div>;
}

function Result({ m, sprites, looked }: { m: Model; sprites: Sprites | null; looked: Looked }) {
  const values = useMemo(() => valuesOf(m, unpack(looked.reconstruction)), [looked]);
  return <>
    <figure><Picture of={m} values={values} label="reconstruction" size={224} /><figcaption>reconstructed from {m.spread.length} numbers</figcaption></figure>
    <p class="verdict">{looked.label !== undefined && <>Nearest to <b>{looked.label}</b>. </>}Error {short(looked.score, 3)}; {looked.higher < 0.01 ? <b>fewer than one in a hundred samples are reconstructed worse: an outlier.</b> : <>{percent(looked.higher)} of the samples have a larger one.</>}</p>
    <h3>Most alike, by their codes</h3>
    <ul class="thumbs">{looked.neighbors.map(n => <li key={n.sample}><Thumb m={m} sprites={sprites} i={n.sample} size={56} /></li>)}</ul>
    <h3>Its place on the map</h3><Place m={m} looked={looked} />
  </>;
}

/** All codes by their principal components, and where the sample's neighbours are. */
function Place({ m, looked }: { m: Model; looked: Looked }) {
  const points = useAsked(s => floats(`/api/models/${m.id}/points?map=pca`, s), [m]).value;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const c = canvas.current?.getContext("2d");
    if (!c || !points) return;
    const style = getComputedStyle(canvas.current!), side = c.canvas.width = c.canvas.height = 480;
    let low = Infinity, high = -Infinity;
    for (const v of points) { low = Math.min(low, v); high = Math.max(high, v); }
    const at = (v: number) => (v - low) / (high - low || 1) * (side - 40) + 20;
    c.fillStyle = style.getPropertyValue("--input");
    for (let i = 0; i < points.length; i += 2) c.fillRect(at(points[i]) - 1, side - at(points[i + 1]) - 1, 2, 2);
    let x = 0, y = 0, total = 0;
    for (const n of looked.neighbors) {
      const w = 1 / (n.distance ** 2 + 1e-9);
      x += w * points[2 * n.sample]; y += w * points[2 * n.sample + 1]; total += w;
    }
    c.beginPath(); c.arc(at(x / total), side - at(y / total), 12, 0, 2 * Math.PI);
    c.lineWidth = 6; c.strokeStyle = style.getPropertyValue("--code"); c.stroke();
  }, [points, looked]);
  return <canvas ref={canvas} class="place" role="img" aria-label="Map of all codes with the place of the sample" />;
}

/** A sheet to draw on. Strokes are drawn large and smooth and brought to the model's size. */
function Sheet({ m, look }: { m: Model; look: (body: object | null) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null), last = useRef<[number, number] | null>(null);
  const [pen, setPen] = useState(2.2), [noise, setNoise] = useState(0), [empty, setEmpty] = useState(true), [unread, setUnread] = useState("");
  const scale = Math.max(4, Math.round(336 / Math.max(m.width, m.height))), width = m.width * scale, height = m.height * scale;
  const background = "#000";
  const clear = () => {
    const c = canvas.current!.getContext("2d")!;
    c.fillStyle = background; c.fillRect(0, 0, width, height);
    setEmpty(true); look(null);
  };
  useEffect(clear, []);
  const sample = (level = noise) => {
    const small = document.createElement("canvas");
    small.width = m.width; small.height = m.height;
    const c = small.getContext("2d", { willReadFrequently: true })!;
    c.imageSmoothingQuality = "high";
    c.drawImage(canvas.current!, 0, 0, m.width, m.height);
    const from = c.getImageData(0, 0, m.width, m.height).data, pixels = new Uint8Array(sizeOf(m));
    let seed = 1;
    const random = () => { seed = (seed * 1664525 + 1013904223) >>> 0; return seed / 2 ** 32; };
    for (let i = 0; i < pixels.length; i++) {
      const value = m.channels === 1 ? from[4 * i] : from[4 * Math.floor(i / 3) + i % 3];
      const normal = level ? Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random()) : 0;
      pixels[i] = Math.min(255, Math.max(0, value + 255 * level * normal));
    }
    look({ pixels: pack(pixels) });
  };
  const show = async (file: File | undefined) => {
    const picture = file && await createImageBitmap(file).catch(() => undefined), c = canvas.current?.getContext("2d");
    setUnread(file && !picture ? `${file.name} is no picture that can be read.` : "");
    if (!picture || !c) return;
    c.fillStyle = background; c.fillRect(0, 0, width, height);
    const fit = Math.min(width / picture.width, height / picture.height), w = picture.width * fit, h = picture.height * fit;
    c.imageSmoothingQuality = "high";
    c.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
    setEmpty(false); sample();
  };
  const stroke = (e: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect(), c = canvas.current!.getContext("2d")!;
    const x = (e.clientX - box.left) / box.width * width, y = (e.clientY - box.top) / box.height * height;
    const [fromX, fromY] = last.current ?? [x, y];
    c.strokeStyle = "#fff"; c.lineWidth = pen * scale * (e.pointerType === "pen" ? 0.5 + e.pressure : 1); c.lineCap = c.lineJoin = "round";
    c.beginPath(); c.moveTo(fromX, fromY); c.lineTo(x + 0.01, y); c.stroke();
    last.current = [x, y];
    setEmpty(false); sample();
  };
  return <>
    <h1>Draw a sample</h1>
    <canvas ref={canvas} class="canvas" width={width} height={height} aria-label="Sheet to draw on" role="img"
      onDrop={e => { e.preventDefault(); show(e.dataTransfer?.files[0]); }}
      onPointerDown={e => { canvas.current!.setPointerCapture(e.pointerId); last.current = null; stroke(e); }}
      onPointerMove={e => { if (e.buttons & 1) stroke(e); }} onPointerUp={() => { last.current = null; }} />
    <div class="controls">
      <label class="slider"><span>Pen</span><input type="range" min="0.5" max="5" step="0.1" value={pen} onInput={e => setPen(e.currentTarget.valueAsNumber)} /></label>
      <label class="slider"><span>Noise</span><input type="range" min="0" max="0.6" step="0.02" value={noise} onInput={e => { setNoise(e.currentTarget.valueAsNumber); if (!empty) sample(e.currentTarget.valueAsNumber); }} /></label>
      <button type="button" onClick={clear} disabled={empty}>Clear</button>
      <label class="button choose"><input type="file" accept="image/*" onChange={e => { show(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />A picture …</label>
    </div>
    {unread && <Notice kind="bad">{unread}</Notice>}
    <p class="hint">{m.width}×{m.height} pixels, as the model knows them; a picture can be dropped here, too. Noise is added to what you drew: does the model see through it?</p>
  </>;
}

/** The columns of a table, or the values of a vector, as fields. */
function Form({ m, look }: { m: Model; look: (body: object | null) => void }) {
  const most = 40, size = sizeOf(m);
  const means = useAsked(s => floats(`/api/models/${m.id}/means`, s), [m]).value;
  const [values, set] = useState<number[]>();
  useEffect(() => { if (means) { set([...means]); look({ values: [...means] }); } }, [means]);
  if (!values) return <Waiting>…</Waiting>;
  return <><h1>Compose a sample</h1><p class="hint">It begins with the means of all samples.</p>
    <div class="form">{values.slice(0, most).map((v, i) => <NumberField key={i} label={m.features?.[i] ?? `value ${i + 1}`} value={Number(v.toPrecision(5))} step="any"
      change={n => { const next = values.map((x, j) => j === i ? n : x); set(next); look({ values: next }); }} />)}</div>
    {size > most && <p class="hint">The first {most} of {size} values; the others keep their means.</p>}
    <p class="actions"><button type="button" onClick={() => { set([...means!]); look({ values: [...means!] }); }}>Back to the means</button></p></>;
}
