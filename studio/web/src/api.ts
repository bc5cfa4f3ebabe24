// What the server says, as it says it, and how it is asked.
import { answerFrom, recorded } from "./record";

export type Numbers = Record<string, number>;

export interface Entry {
  id: string; name: string; title: string; kind: "run" | "model"; state?: string; resume?: string; openable: boolean;
  recipe?: string; dataset?: string; parameters?: number; loss?: string; epochs?: Numbers[]; planned?: number; changed: number;
}
export interface Source { id: string; title: string; about: string; columns?: string[]; label?: string }
export interface Preset {
  name: string; title: string; about: string; encoder: string[]; decoder: string[];
  loss: string; optimizer: string; learningRate: number; batchSize: number; epochs: number;
}
export interface SourceInfo extends Source { shape: number[]; samples: number; presets: Preset[] }
export interface LayerInfo { name: string; layer: string; output: string; parameters: number }
export interface Counted { encoder: LayerInfo[]; decoder: LayerInfo[]; codes: number; parameters: number; line: string; operations: number }

/** How samples are shown. */
export interface Viewer { as: "image" | "series" | "values"; width: number; height: number; channels: number; features: string[] | null }

export interface Model extends Entry, Viewer {
  data: string; part: string; samples: number; input: number[]; codeShape: number[];
  spread: { low: number; high: number; mean: number }[];
  classes: string[] | null; colors: string[] | null; labelled: boolean;
  variational: boolean; decodes: boolean; encoder: LayerInfo[]; decoder: LayerInfo[]; threshold: number | null;
  units: number[] | null; explains: boolean; reported: boolean;
}
export interface Neighbor { sample: number; distance: number }
export interface Sample { sample: number; name: string; label: string; score: number; code: number[]; neighbors: Neighbor[] }
export interface Looked { code: number[]; score: number; higher: number; reconstruction: string; neighbors: Neighbor[]; label?: string }
export interface Recognition { k: number; accuracy: number; confusion: number[][]; mistaken: { sample: number; for: number }[] }
export interface Side { id: string; name: string; parameters: number; codes: number; mean: number; median: number; better: number; accuracy: number | null }
export interface Comparison { sides: [Side, Side]; unit: string }
export interface MapStatus { model: string; stage: string; iteration: number; iterations: number; kl: number; done: boolean; error?: string }

export interface Job {
  told: number; // what was said later has a larger number
  id: string; model: string; name: string; state: string; error?: string;
  optimizer: string; batchSize: number; baseRate: number; changes: { step: number; rate: number }[];
  epoch: number; epochs: number; step: number; steps: number; done: number; loss: number; rate: number;
  seconds: number; perSecond: number; parameters: number; codes: number; last: Numbers | null;
}
export interface LayerView { name: string; units: number; dead: number; low: number; high: number; bins: number[]; weights: number[]; max: number; gradients: number[] | null; maxGradient: number }
export interface Preview extends Viewer {
  id?: string; epoch: number; done: number; originals: string; reconstructions: string; points: string; labels: number[];
  colors: string[] | null; classes: string[] | null; filters?: string; filterSize: [number, number]; layers: LayerView[] | null;
}
export interface Order {
  data: string; encoder: string[]; decoder: string[]; loss: string; optimizer: string;
  learningRate: number; batchSize: number; epochs: number; trainSize: number; seed: number;
}
export interface Followed extends Job { lines: Numbers[]; curve: [number, number][]; preview: Preview | null }
export interface State { told: number; version: string; entries: Entry[]; data: Source[]; jobs: Job[] }

/** An answer that says what was wrong; line is that of a wrong layer, from 1. */
export class Refused extends Error {
  constructor(message: string, readonly status: number, readonly line?: number) { super(message); }
}

async function ask(path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  if (recorded) {
    const kept = answerFrom(recorded, path);
    if (kept) return kept;
    throw new Refused("this page has no server to ask", 0);
  }
  const request: RequestInit = body === undefined ? { signal } : body instanceof FormData ? { method: "POST", body, signal } :
    { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal };
  let answer: Response;
  try {
    answer = await fetch(path, request);
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Refused("the studio does not answer; is it still running?", 0);
  }
  if (answer.ok) return answer;
  const why = await answer.json().catch(() => ({ error: answer.statusText }));
  throw new Refused(why.error, answer.status, why.line);
}

export async function json<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await ask(path, body, signal)).json();
}
export async function bytes(path: string, body?: unknown, signal?: AbortSignal): Promise<Uint8Array> {
  return new Uint8Array(await (await ask(path, body, signal)).arrayBuffer());
}
export async function floats(path: string, signal?: AbortSignal): Promise<Float32Array> {
  return new Float32Array(await (await ask(path, undefined, signal)).arrayBuffer());
}

export function unpack(text: string): Uint8Array {
  return Uint8Array.from(atob(text), c => c.charCodeAt(0));
}
export function pack(data: Uint8Array): string {
  let text = "";
  for (const b of data) text += String.fromCharCode(b);
  return btoa(text);
}

/** Values of samples as bytes or numbers, whichever the viewer is for. */
export type Values = Uint8Array | Float32Array;

export function valuesOf(v: Viewer, data: Uint8Array): Values {
  return v.as === "image" ? data : new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}
export const sizeOf = (v: Viewer) => v.width * v.height * v.channels;
