// Builds the page's files into ../assets, where the Go program embeds them. The same
// sources give the same bytes; .ci/run checks that what is committed is what they give.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";

const out = "../assets";
await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "eof",
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) await copyFile(`src/${name}`, `${out}/${name}`);
