// What the whole page knows: where it is (in the address), what there is, and what the
// server tells as it happens.
import { useEffect, useState } from "preact/hooks";
import { Entry, Job, json, Model, Preview, Refused, Source, State } from "./api";

export const rooms = ["learn", "explore", "draw", "judge"] as const;
export type Room = (typeof rooms)[number];

/** Where the page is: #/explore/ID?map=tsne&sample=3. */
export interface Place { room: Room; id: string; query: URLSearchParams }

export function placeOf(hash: string): Place {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [room, id] = path.split("/");
  return { room: rooms.find(r => r === room) ?? "explore", id: id ?? "", query: new URLSearchParams(query) };
}
export function addressOf(p: Place): string {
  const query = p.query.toString();
  return `#/${p.room}${p.id ? "/" + p.id : ""}${query ? "?" + query : ""}`;
}

/** Follows something that changes and tells its listeners. */
export class Signal<T> {
  private listeners = new Set<() => void>();
  constructor(public value: T) {}
  set(value: T) { this.value = value; this.listeners.forEach(f => f()); }
  on(f: () => void) { this.listeners.add(f); return () => { this.listeners.delete(f); }; }
}
export function useSignal<T>(s: Signal<T>): T {
  const [, redraw] = useState(0), drawn = s.value;
  useEffect(() => {
    const again = () => redraw(n => n + 1);
    if (s.value !== drawn) again(); // set after it was drawn and before this
    return s.on(again);
  }, [s]);
  return drawn;
}

export const place = new Signal(placeOf(location.hash));
addEventListener("hashchange", () => { clearTimeout(due); due = 0; known = location.hash; place.set(placeOf(known)); });

const seldom = 350; // milliseconds between two addresses: browsers refuse one for every move of a slider
let due = 0, written = -seldom, known = location.hash;
/** Writes the address, at once unless it was written just before; not over one that somebody
 * has gone to, of which the page is about to hear. */
function write() {
  const settle = () => {
    due = 0;
    if (location.hash !== known) return;
    history.replaceState(null, "", addressOf(place.value));
    written = performance.now(); known = location.hash;
  };
  const wait = written + seldom - performance.now();
  if (wait <= 0) settle(); else if (!due) due = setTimeout(settle, wait);
}

/** Goes to a room or model, as one follows a link. */
export function go(to: Partial<Place>) {
  location.hash = addressOf({ room: place.value.room, id: place.value.id, query: new URLSearchParams(), ...to });
}
/** Changes what is chosen within a room; undefined takes it out of the address. */
export function choose(changes: Record<string, string | number | undefined>) {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) value === undefined ? query.delete(name) : query.set(name, String(value));
  place.set({ ...place.value, query });
  write();
}

export const version = new Signal("");
export const entries = new Signal<Entry[] | null>(null);
export const sources = new Signal<Source[]>([]);
export const jobs = new Signal<Job[]>([]);

/** Notes how far a training is, unless something that the server said later has come before:
 * answers to requests and events overtake one another. */
export function note(job: Job) {
  const known = jobs.value.find(j => j.id === job.id);
  if (known && known.told >= job.told) return;
  jobs.set([...jobs.value.filter(j => j !== known), job]);
}

/** Whether the server answers; a stranger is one that does, but with another token. */
export const connected = new Signal<"yes" | "no" | "stranger">("yes");

type Listener = (data: unknown) => void;
const listeners = new Map<string, Set<Listener>>();
/** Calls f with every event of a kind. */
export function listen<T>(kind: string, f: (data: T) => void): () => void {
  const all = listeners.get(kind) ?? new Set();
  listeners.set(kind, all.add(f as Listener));
  return () => { all.delete(f as Listener); };
}

export async function refresh() {
  const s = await json<State>("/api/state");
  version.set(s.version);
  sources.set(s.data);
  s.jobs.forEach(note);
  jobs.set(jobs.value.filter(j => j.told > s.told || s.jobs.some(x => x.id === j.id)));
  entries.set(s.entries);
}

/** Follows the server, for as long as the page is open; what was missed while it did not
 * answer is asked for once it does. */
export function connect() {
  const source = new EventSource("/api/events");
  source.onopen = () => {
    refresh().then(() => connected.set("yes"), () => connected.set("no"));
    listeners.get("open")?.forEach(f => f(null));
  };
  source.onerror = () => {
    // A browser tries again by itself where nobody answers, but not where it is refused.
    if (connected.value === "yes") connected.set("no");
    if (source.readyState !== EventSource.CLOSED) return;
    refresh().catch(e => { if (e instanceof Refused && e.status === 401) connected.set("stranger"); });
    setTimeout(connect, 2000);
  };
  for (const kind of ["shelf", "job", "preview", "map", "data"]) {
    source.addEventListener(kind, e => {
      const data = JSON.parse((e as MessageEvent).data);
      if (kind === "shelf") entries.set(data);
      if (kind === "data") sources.set(data);
      if (kind === "job") note(data);
      listeners.get(kind)?.forEach(f => f(data));
    });
  }
}

export type { Preview };

/** Something that is asked for: there, on its way, or refused. */
export interface Asked<T> { value?: T; error?: Error; waiting: boolean }

/** Asks whenever one of the inputs changes; an answer that is too late is dropped. */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T> | undefined, inputs: unknown[], keep = false): Asked<T> {
  const [state, set] = useState<Asked<T>>({ waiting: true });
  useEffect(() => {
    const abort = new AbortController();
    const promise = ask(abort.signal);
    if (!promise) { set({ waiting: false }); return; }
    set(old => ({ value: keep ? old.value : undefined, waiting: true }));
    promise.then(value => { if (!abort.signal.aborted) set({ value, waiting: false }); },
      error => { if (!abort.signal.aborted) set({ error, waiting: false }); });
    return () => abort.abort();
  }, inputs);
  return state;
}

/** The identifier of the model that the address names, or of the latest there is. */
export function useModelID(): { id: string; changed?: number; waiting: boolean } {
  const p = useSignal(place), all = useSignal(entries);
  const known = all?.find(e => e.id === p.id) ?? all?.find(e => e.openable);
  return { id: known?.id ?? "", changed: known?.changed, waiting: !all };
}

/** That model, opened. */
export function useModel(): Asked<Model> {
  const { id, changed, waiting } = useModelID();
  const asked = useAsked(signal => id ? json<Model>(`/api/models/${id}`, undefined, signal) : undefined, [id, changed]);
  return { ...asked, waiting: asked.waiting || waiting };
}
