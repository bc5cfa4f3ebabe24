import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Draw } from "./draw";
import { takeDrops } from "./drop";
import { Explore } from "./explore";
import { Judge } from "./judge";
import { Learn } from "./learn";
import { openRecord, recorded } from "./record";
import { addressOf, connect, connected, entries, go, place, refresh, Room, rooms, useModelID, useSignal } from "./state";

const titles: Record<Room, string> = { learn: "Learn", explore: "Explore", draw: "Draw", judge: "Judge" };

function Glass() {
  return <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><path d="M3 3v26l10-9v-8z" class="glass" /><path d="M29 3v26l-10-9v-8z" class="glass" /><rect x="14" y="11" width="4" height="10" rx="1" class="sand" /></svg>;
}

function Shelf() {
  const all = useSignal(entries), { id } = useModelID();
  const open = (all ?? []).filter(e => e.openable);
  if (open.length === 0) return null;
  return <label class="shelf"><span>Model</span><select value={id} onChange={e => go({ id: e.currentTarget.value })}>
    {open.map(e => <option key={e.id} value={e.id} selected={e.id === id}>{e.name}{e.title !== e.name ? ` (${e.title})` : ""}</option>)}</select></label>;
}

function Studio() {
  const p = useSignal(place), up = useSignal(connected);
  const needServer: Room[] = recorded ? ["learn", "draw"] : [], open = rooms.filter(r => !needServer.includes(r));
  const here = open.includes(p.room) ? p.room : "explore";
  useEffect(() => { document.title = `${titles[here]} – Hourglass Studio`; }, [here]);
  const room = { learn: <Learn />, explore: <Explore />, draw: <Draw />, judge: <Judge /> }[here];
  return <>
    <a class="skip" href="#main" onClick={e => { e.preventDefault(); document.getElementById("main")!.focus(); }}>To the content</a>
    <header class="top">
      <a class="home" href={`#/${open[0]}`}><Glass /><span>Hourglass <b>Studio</b></span></a>
      <nav aria-label="Rooms"><ul>{open.map(r => <li key={r}><a href={addressOf({ room: r, id: r === "learn" ? "" : p.id, query: new URLSearchParams() })} aria-current={r === here ? "page" : undefined}>{titles[r]}</a></li>)}</ul></nav>
      {here !== "learn" && !recorded && <Shelf />}
      {recorded && <p class="hint alone">This page needs no server. It was made by <code>hourglass studio --export</code>.</p>}
    </header>
    {up === "no" && <p class="gone" role="alert">The studio does not answer. This page goes on by itself once it does.</p>}
    {up === "stranger" && <p class="gone" role="alert">The studio was started anew, with a new token. Open the address that it printed.</p>}
    <main id="main" tabIndex={-1} class={here}>{room}</main>
  </>;
}

await openRecord();
if (recorded) {
  await refresh();
} else {
  connect();
  takeDrops();
}
const root = document.getElementById("studio")!;
root.replaceChildren();
render(<Studio />, root);
performance.mark("studio"); // by which a test knows how long that took
