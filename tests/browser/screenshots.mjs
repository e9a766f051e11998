// Makes the pictures of the README from the demo: pages in Chromium, and the output of a command
// as SVG. Usage: node screenshots.mjs PROGRAM DIR

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const program = resolve(process.argv[2]);
const pictures = resolve(process.argv[3]);
const LARGEST = 150_000;
const PASSWORD = "demo-password";

/** Starts the demo, and finds the addresses that it prints by the words beside them. */
async function startDemo(dir) {
  const demo = spawn(program, ["demo", "--fast", "--serve", "--listen", "127.0.0.1:0", "--dir", "demo"], {
    cwd: dir,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const found = {};
  const marks = { "for students": "course", "for staff": "health", "for the administrator": "admin", "a link of the last email": "act" };
  for await (const line of createInterface({ input: demo.stdout })) {
    const address = line.match(/https?:\/\/\S+/)?.[0];
    for (const [words, name] of Object.entries(marks)) {
      if (address && line.includes(words)) found[name] = address;
    }
    if (Object.keys(found).length === Object.keys(marks).length) break;
  }
  return { demo, found };
}

async function photograph(browser, found, dir) {
  const context = await browser.newContext({ viewport: { width: 900, height: 640 }, colorScheme: "light" });
  const page = await context.newPage();
  const picture = async (name, address, before) => {
    await page.goto(address, { waitUntil: "networkidle" });
    await before?.();
    const path = join(pictures, `${name}.png`);
    await page.screenshot({ path, animations: "disabled" });
  };
  const signIn = async () => {
    if ((await page.locator("input[type=password]").count()) === 0) return;
    await page.fill("input[type=password]", PASSWORD);
    await Promise.all([page.waitForNavigation(), page.click("form button[type=submit]")]);
  };
  await picture("email", `file://${join(dir, "demo", "report-night-5.html")}`);
  await picture("readings", found.course);
  await picture("decide", found.act);
  await picture("staff", found.health, signIn);
  await picture("overview", found.admin, signIn);
  await context.close();
}

const COLOURS = ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#e6edf3"];

/** A line with escape sequences for colours as the parts of a line of SVG. */
function parts(line) {
  let style = {};
  const made = [];
  for (const piece of line.split(/(\x1b\[[0-9;]*m)/)) {
    const codes = piece.match(/^\x1b\[([0-9;]*)m$/)?.[1];
    if (codes === undefined) {
      if (piece) made.push({ ...style, text: piece });
      continue;
    }
    for (const code of codes.split(";").map(Number)) {
      if (code === 0) style = {};
      else if (code === 1) style = { ...style, bold: true };
      else if (code === 2) style = { ...style, dim: true };
      else if (code >= 30 && code <= 37) style = { ...style, colour: COLOURS[code - 30] };
      else if (code >= 90 && code <= 97) style = { ...style, colour: COLOURS[code - 90] };
    }
  }
  return made;
}

/** Spaces in a row would become one. */
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/ /g, "\u00a0");

function span({ text, bold, dim, colour }) {
  const weight = bold ? ' font-weight="bold"' : "";
  const fill = colour ? ` fill="${colour}"` : dim ? ' fill="#8b949e"' : "";
  return `<tspan${weight}${fill}>${escaped(text)}</tspan>`;
}

function svg(title, text) {
  const lines = text.trimEnd().split("\n");
  const [width, height] = [80 * 8.4 + 32, lines.length * 19 + 32];
  const rows = lines.map((line, at) => `<text x="16" y="${16 + 15 + at * 19}">${parts(line).map(span).join("")}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
${rows.join("\n")}
</g>
</svg>
`;
}

/** The output of a command as a person sees it: on a terminal of 80 columns, with its colours. */
function onTerminal(dir, command) {
  const quoted = `stty cols 80 rows 60; '${program}' ${command} --archive demo/archive`;
  const ran = spawnSync("script", ["--quiet", "--return", "--command", quoted, "/dev/null"], {
    cwd: dir,
    encoding: "utf8",
    env: { ...process.env, TERM: "xterm-256color" },
  });
  if (ran.status !== 0) throw new Error(`${command}: ${ran.stdout}${ran.stderr ?? ran.error}`);
  const text = ran.stdout.replaceAll("\r", "").trimEnd();
  return `$ onreserve ${command}\n${text}\n`;
}

/** Lines as long as the terminal is wide; a line that goes on has two spaces more. */
function wrapped(text) {
  return text.replace(/^.{81,}$/gm, (line) => {
    const indent = line.match(/^ */)[0];
    const rows = [];
    let row = indent;
    for (const word of line.trim().split(" ")) {
      if (row.trim() && `${row} ${word}`.length > 80) {
        rows.push(row);
        row = `${indent}  ${word}`;
      } else {
        row = row.trim() ? `${row} ${word}` : row + word;
      }
    }
    return [...rows, row].join("\n");
  });
}

const dir = mkdtempSync(join(tmpdir(), "onreserve-pictures-"));
mkdirSync(pictures, { recursive: true });
const { demo, found } = await startDemo(dir);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  await photograph(browser, found, dir);
  const explained = wrapped(onTerminal(dir, "explain sampling"));
  writeFileSync(join(pictures, "explain.svg"), svg("onreserve explain: the evidence for one link", explained));
} finally {
  await browser.close();
  demo.kill("SIGINT");
  await new Promise((ended) => demo.once("exit", ended));
  rmSync(dir, { recursive: true });
}
for (const name of ["email.png", "readings.png", "decide.png", "staff.png", "overview.png", "explain.svg"]) {
  const { size } = statSync(join(pictures, name));
  if (size > LARGEST) throw new Error(`${name} has ${size} bytes`);
  console.log(`${name}: ${size} bytes`);
}
