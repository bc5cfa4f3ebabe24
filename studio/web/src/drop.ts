// Files that are dropped on the page, or chosen: data to train on.
import { json, Source } from "./api";
import { go, Signal, sources } from "./state";

/** What becomes of the files that were dropped last. */
export const dropped = new Signal<{ waiting?: string; error?: Error }>({});

/** What can be read, for a dialog that chooses files. */
export const readable = ".csv,.tsv,.npy,.npz,.png,.jpg,.jpeg";

type Named = [string, File];

async function within(entry: FileSystemEntry): Promise<Named[]> {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) return [[entry.fullPath.replace(/^\//, ""), await new Promise<File>((take, fail) => (entry as FileSystemFileEntry).file(take, fail))]];
  const reader = (entry as FileSystemDirectoryEntry).createReader(), all: Named[] = [];
  for (;;) { // it gives some at a time
    const some = await new Promise<FileSystemEntry[]>((take, fail) => reader.readEntries(take, fail));
    if (some.length === 0) return all;
    for (const e of some) all.push(...await within(e));
  }
}

/** The files that are dropped, those in folders with their paths. */
export async function filesOf(data: DataTransfer): Promise<Named[]> {
  const entries = [...data.items].map(i => i.webkitGetAsEntry()).filter(e => e !== null);
  if (entries.length === 0) return [...data.files].map(f => [f.name, f]);
  return (await Promise.all(entries.map(within))).flat();
}

/** Hands files to the studio and chooses them for the next training. */
export async function offer(files: Promise<Named[]> | Named[]) {
  try {
    const all = await files;
    if (all.length === 0) return;
    dropped.set({ waiting: all.length === 1 ? all[0][0] : `${all.length} files` });
    const form = new FormData();
    for (const [name, file] of all) form.append(name, file);
    const taken = await json<Source>("/api/data", form);
    sources.set([taken, ...sources.value.filter(s => s.id !== taken.id)]);
    dropped.set({});
    go({ room: "learn", id: "", query: new URLSearchParams({ data: taken.id }) });
  } catch (e) {
    dropped.set({ error: e as Error });
    go({ room: "learn", id: "" });
  }
}

/** Takes what is dropped anywhere, but where a room has a use of its own for it. */
export function takeDrops() {
  addEventListener("dragover", e => { e.preventDefault(); document.body.classList.add("over"); });
  addEventListener("dragleave", e => { if (e.relatedTarget === null) document.body.classList.remove("over"); });
  addEventListener("drop", e => {
    document.body.classList.remove("over");
    if (e.defaultPrevented || !e.dataTransfer?.types.includes("Files")) { e.preventDefault(); return; }
    e.preventDefault();
    offer(filesOf(e.dataTransfer));
  });
}
