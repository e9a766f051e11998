// Plays a WACZ file in ReplayWeb.page and compares what it shows with what was archived.
//
// Usage: replayweb_plays.mjs REPLAYWEB WACZ EXPECTED
//
// REPLAYWEB is the directory of the npm package `replaywebpage`; EXPECTED is a JSON list of
// objects with `url`, `at` (14 digits), `sha256` and `mode`, the first of them a page with `words`.
// CHROMIUM is the browser. The player, its service worker and the file come from a free
// loopback port. The service worker is asked for each address: with the mode `id_` as it was
// archived, with `mp_` as a page shows it, which redirects need.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

// The driver of the other browser tests.
const { chromium } = createRequire(new URL("../browser/pages.test.mjs", import.meta.url))("playwright-core");
const [replayweb, wacz, list] = process.argv.slice(2);
const archive = readFileSync(wacz);
const expected = JSON.parse(readFileSync(list, "utf8"));
const [first] = expected;

const player =
  `<!doctype html><title>A player</title><script src="/ui.js"></script>` +
  `<replay-web-page source="/exported.wacz" url="${first.url}" replayBase="/replay/"></replay-web-page>`;
// The player's frame may ask before the service worker answers for it; then it waits and asks again.
const waiting =
  "<!doctype html><title>Wait</title><script>navigator.serviceWorker.ready.then(() => location.reload())</script>";
const FILES = {
  "/": ["text/html", player],
  "/ui.js": ["text/javascript", readFileSync(join(replayweb, "ui.js"))],
  "/replay/": ["text/html", waiting],
  "/replay/sw.js": ["text/javascript", readFileSync(join(replayweb, "sw.js"))],
};

/** The player reads the file part by part. */
function sendArchive(request, response) {
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "");
  const head = { "content-type": "application/zip", "accept-ranges": "bytes" };
  if (!range) {
    response.writeHead(200, { ...head, "content-length": archive.length });
    return response.end(request.method === "HEAD" ? undefined : archive);
  }
  const [, from, to] = range;
  const start = from === "" ? Math.max(0, archive.length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? archive.length - 1 : Math.min(Number(to), archive.length - 1);
  response.writeHead(206, {
    ...head,
    "content-length": end - start + 1,
    "content-range": `bytes ${start}-${end}/${archive.length}`,
  });
  return response.end(archive.subarray(start, end + 1));
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://player");
  if (pathname === "/exported.wacz") return sendArchive(request, response);
  const file = FILES[pathname];
  response.writeHead(file ? 200 : 404, file && { "content-type": file[0] });
  return response.end(file?.[1]);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const shown = await played(page);
  const text = await shown.evaluate(() => document.body.innerText);
  assert.ok(text.includes(first.words), `the words of ${first.url} are not shown:\n${text.slice(0, 500)}`);
  for (const { url, at, sha256, mode } of expected) {
    const address = shown.url().replace(/\/\d*mp_\/.*$/, `/${at}${mode}/${url}`);
    const bytes = await shown.evaluate(async (from) => {
      const response = await fetch(from);
      return response.ok ? Array.from(new Uint8Array(await response.arrayBuffer())) : response.status;
    }, address);
    assert.ok(Array.isArray(bytes), `${url} at ${at}: status ${bytes}`);
    assert.equal(createHash("sha256").update(Buffer.from(bytes)).digest("hex"), sha256, `${url} at ${at}`);
  }
  console.log(`ReplayWeb.page played ${expected.length} captures`);
} finally {
  await browser.close();
  server.close();
}

/** The frame that shows the archived page, when its words are there. */
async function played(page) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const frame = page.frames().find((it) => /\d*mp_\/http/.test(it.url()));
    const text = await frame?.evaluate(() => document.body?.innerText ?? "").catch(() => "");
    if (text?.trim()) return frame;
    await page.waitForTimeout(100);
  }
  throw new Error("the player does not show the page within a minute");
}
