// What readers do with the pages, in a real Chromium: click, search, use the
// keyboard, a narrow screen, no scripts, light and dark; and the results of an
// accessibility checker. The test that starts this file passes the address of the
// pages and the ids of the links.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const BASE = process.env.ONRESERVE_BASE;
const LINKS = JSON.parse(process.env.ONRESERVE_LINKS);
const SHOTS = process.env.ONRESERVE_SCREENSHOTS;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const LIST = `${BASE}/c/dgm/`;
const STAFF = `${process.env.ONRESERVE_CLOSED}/c/dgm/health`;
/** One address for every kind of page. */
const PAGES = {
  courses: `${BASE}/`,
  list: LIST,
  filtered: `${LIST}?q=paper`,
  nothing: `${LIST}?q=zzzz`,
  copy: `${BASE}/go/${LINKS.gone}`,
  lost: `${BASE}/go/${LINKS.never}`,
  replaced: `${BASE}/go/${LINKS.replaced}`,
  parked: `${BASE}/go/${LINKS.parked}`,
  taken: `${BASE}/go/${LINKS.taken}`,
  health: `${LIST}health`,
  decide: `${LIST}links/${LINKS.gone}`,
  filteredHealth: `${LIST}health?q=paper&state=dead&sort=due`,
  admin: `${BASE}/admin/`,
  inside: `${LIST}?q=line+says`,
  versions: `${BASE}/a/${LINKS.newest}`,
  act: `${BASE}/act/${LINKS.act}`,
  version: `${BASE}/act/${LINKS.version}`,
  letters: `${BASE}/letters/${LINKS.letters}`,
  missing: `${BASE}/no/such/page`,
  signin: STAFF,
};

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-quic",
      // The course page of the tests appears to be on another network.
      "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ],
  });
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});

after(() => browser?.close());

/** A page whose every request to a host that is not ours is answered here, and noted. */
async function open(options = {}) {
  // The reverse proxy of the school would give the name of the reader.
  const extraHTTPHeaders = options.isStranger ? {} : { "Remote-User": "ann" };
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, extraHTTPHeaders, ...options });
  const strangers = [];
  // The browser's own PDF viewer is not another host.
  const isOurs = (url) => [BASE, process.env.ONRESERVE_CLOSED].some((ours) => url.href.startsWith(ours));
  await context.route((url) => url.protocol.startsWith("http") && !isOurs(url), (route) => {
    strangers.push(route.request().url());
    const body = options.answer?.(route.request().url()) ?? "<title>The original</title><p>The original.";
    return route.fulfill({ status: 200, contentType: "text/html; charset=utf-8", body });
  });
  const page = await context.newPage();
  page.strangers = strangers;
  return page;
}

test("a working reading opens at its original", async () => {
  const page = await open();
  await page.goto(LIST);
  await page.getByRole("link", { name: "A living paper" }).click();
  await page.waitForURL("http://papers.example/alive.pdf");
  assert.equal(await page.title(), "The original");
});

test("a lost reading opens our copy, and the copy is the PDF", async () => {
  const page = await open();
  await page.goto(LIST);
  await page.getByRole("link", { name: /^A lost paper/ }).first().click();
  await page.waitForURL(/\/(go|a)\//);
  assert.match(await page.locator("main").innerText(), /The original is gone/);
  const opens = page.getByRole("link", { name: /^Open the copy \(PDF, 60 pages/ });
  const answer = await page.request.get(new URL(await opens.getAttribute("href"), page.url()).href);
  assert.equal(answer.headers()["content-type"], "application/pdf");
  assert.equal((await answer.body()).subarray(0, 5).toString(), "%PDF-");
  await opens.click();
  await page.waitForURL(/\/blob\//);
  assert.deepEqual(page.strangers, []);
});

test("for a replaced reading the kept copy stands beside the original", async () => {
  const page = await open();
  const answer = await page.goto(PAGES.replaced);
  assert.equal(answer.status(), 200);
  assert.match(await page.locator("h1").innerText(), /Another document is there now/);
  assert.ok(await page.locator('a[href="http://lab.example/tutorial.pdf"]').isVisible());
  await page.getByRole("link", { name: "Our copy" }).click();
  const opens = page.getByRole("link", { name: /^Open the copy/ });
  const copy = await page.request.get(new URL(await opens.getAttribute("href"), page.url()).href);
  assert.equal(copy.headers()["content-type"], "application/pdf");
  assert.match((await copy.body()).toString("latin1"), /\(A tutorial\)/);
  assert.deepEqual(page.strangers, []);
});

test("without a copy a reader sees other places to look", async () => {
  const page = await open();
  const answer = await page.goto(PAGES.lost);
  assert.equal(answer.status(), 404);
  assert.match(await page.locator("h1").innerText(), /no copy/i);
  assert.ok(await page.getByRole("link", { name: /Internet Archive/ }).isVisible());
});

test("no reader is sent to an address that belongs to someone else now", async () => {
  const page = await open();
  for (const address of [LIST, PAGES.parked, PAGES.health]) {
    await page.goto(address);
    assert.equal(await page.locator('a[href*="parked.example"]:not([href*="web.archive.org"])').count(), 0, address);
  }
});

test("staff decide about a link, filter and decide about several without scripts", async () => {
  const page = await open({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
  await page.goto(PAGES.health);
  await page.getByLabel("Show", { exact: true }).selectOption("dead");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.waitForURL(/state=dead/);
  assert.match(await page.locator("[role=status]").first().innerText(), /^\d+ of \d+ links\./);
  await page.getByRole("link", { name: "A lost paper" }).first().click();
  await page.waitForURL(/\/links\//);
  const best = page.locator("button.best");
  assert.equal(await best.count(), 1);
  const box = await best.boundingBox();
  assert.ok(box.y < 640, "the recommended choice is on the first screen of a phone");
});

test("everything works without scripts", async () => {
  const page = await open({ javaScriptEnabled: false });
  await page.goto(LIST);
  await page.getByRole("searchbox").fill("diffusion");
  await page.getByRole("searchbox").press("Enter");
  await page.waitForURL(/q=diffusion/);
  assert.ok(await page.getByRole("link", { name: "Slides: diffusion", exact: true }).first().isVisible());
  assert.equal(await page.getByRole("link", { name: "A living paper" }).count(), 0);
  await page.goto(PAGES.copy);
  assert.ok(await page.getByRole("link", { name: /^Open the copy/ }).isVisible());
});

test("the keyboard alone reaches a copy", async () => {
  const page = await open();
  await page.goto(LIST);
  await page.keyboard.press("Tab");
  assert.match(await page.locator(":focus").innerText(), /Skip to the content/);
  await page.keyboard.press("Enter");
  const isLost = () => page.evaluate(() => document.activeElement.textContent.startsWith("A lost paper"));
  for (let step = 0; step < 40 && !(await isLost()); step += 1) {
    await page.keyboard.press("Tab");
    const outline = await page.locator(":focus").evaluate((node) => getComputedStyle(node).outlineStyle);
    assert.notEqual(outline, "none", "the focus is visible");
  }
  assert.ok(await isLost(), "a lost paper is reached");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/(go|a)\//);
  for (let step = 0; step < 10; step += 1) {
    await page.keyboard.press("Tab");
    if ((await page.locator(":focus").innerText()).startsWith("Open the copy")) break;
  }
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/blob\//);
});

test("search results in copies and changes between versions are marked", async () => {
  const page = await open();
  await page.goto(PAGES.inside);
  assert.ok((await page.locator(".hits mark").count()) > 0, "words of the query");
  assert.match(await page.locator(".hits a[href*='#page=']").first().innerText(), /^page \d+/);
  await page.goto(PAGES.versions);
  assert.ok(await page.getByRole("heading", { name: "Versions" }).isVisible());
  assert.ok((await page.locator("ins").count()) > 0 && (await page.locator("del").count()) > 0);
});

test("staff sign in by the keyboard, and request a recheck", async () => {
  const page = await open();
  assert.equal((await page.goto(STAFF)).status(), 401);
  const tabUntil = async (isThere) => {
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(isThere)) return;
    }
    assert.fail(`the keyboard never came there: ${isThere}`);
  };
  await tabUntil(() => document.activeElement.type === "password");
  await page.keyboard.type("not the password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.locator("#password").getAttribute("aria-describedby"), "error");
  await tabUntil(() => document.activeElement.type === "password");
  await page.keyboard.type("a word for teachers");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^Links of/ }).waitFor();
  assert.equal(page.url(), STAFF);
  await tabUntil(() => document.activeElement.type === "checkbox");
  await page.keyboard.press("Space");
  await tabUntil(() => document.activeElement.value === "recheck");
  await page.keyboard.press("Enter");
  await page.getByText("it is being checked again").waitFor();
  assert.equal(page.url(), STAFF);
  assert.deepEqual(page.strangers, []);
});

test("nothing is cut off on a screen of 320 pixels", async () => {
  const page = await open({ viewport: { width: 320, height: 640 } });
  for (const [name, address] of Object.entries(PAGES)) {
    await page.goto(address);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${name} is ${width} pixels wide`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-320.png`, fullPage: true });
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`an accessibility checker finds nothing, ${colorScheme}`, async () => {
    const page = await open({ colorScheme });
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(address);
      if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${colorScheme}.png`, fullPage: true });
      // The pages allow no script, so the checker is added from outside.
      const session = await page.context().newCDPSession(page);
      await session.send("Page.setBypassCSP", { enabled: true });
      await page.reload();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
      assert.deepEqual(told, [], name);
    }
  });
}

test("no page requests anything from another host", async () => {
  const page = await open();
  for (const address of Object.values(PAGES)) await page.goto(address);
  assert.deepEqual(page.strangers, []);
});

test("an archived page runs nothing and requests nothing", async () => {
  const page = await open();
  await page.goto(`${BASE}/go/${LINKS.goneArticle}`);
  await page.getByRole("link", { name: /^Open the copy/ }).click();
  await page.waitForURL(/\/view\//);
  assert.match(await page.locator("body").innerText(), /speaks of models/);
  assert.notEqual(await page.title(), "ran");
  assert.deepEqual(page.strangers, []);
});

const COURSE_PAGE = `<!doctype html><html lang="en"><title>Course</title>
<a id="alive" href="http://papers.example/alive.pdf">A living paper</a>
<a id="gone" href="http://papers.example/gone.pdf">A lost paper</a>
<a id="never" href="http://never.example/lost.pdf">A paper that never opened</a>
<script src="${BASE}/onreserve.js" data-course="dgm" defer></script>`;

test("the script adds our copy on a course page, and nothing else", async () => {
  const page = await open({ answer: () => COURSE_PAGE });
  await page.goto("http://course.example/dgm/");
  const added = page.locator("#gone + a[data-originalurl]");
  await added.waitFor();
  assert.equal(await added.innerText(), "course copy");
  assert.equal(await added.getAttribute("data-originalurl"), "http://papers.example/gone.pdf");
  assert.match(await added.getAttribute("data-versionurl"), /\/web\/\d{14}\/http:\/\/papers\.example\/gone\.pdf$/);
  assert.equal(await page.locator("#gone").getAttribute("href"), "http://papers.example/gone.pdf");
  assert.equal(await page.locator("#alive + a").evaluate((node) => node.id), "gone");
  assert.equal(await page.locator("#never + a[data-originalurl]").innerText(), "where else to look");
  await added.click();
  assert.match(await page.locator("main").innerText(), /The original is gone/);
});

test("the script does nothing without permission", async () => {
  const page = await open({ answer: () => COURSE_PAGE });
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto("http://elsewhere.example/");
  const isAnswered = () => performance.getEntriesByType("resource").some(({ name }) => name.includes("/api/v1/"));
  await page.waitForFunction(isAnswered);
  assert.equal(await page.locator("a").count(), 3);
  assert.deepEqual(errors, []);
});
