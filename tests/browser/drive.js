// drive.js - uses the dashboard as people do, by mouse, keyboard, phone and ear; prints TAP.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const assert = require("assert");
const fs = require("fs");
const http = require("http");
const { launch, open, settled, axe, sidewards, PHONE } = require("./browser.js");

// {url, guarded, token, body, type, script}: the daemon, one that wants a token, a case to be kept
// (a file and its type), and the text that is a script.
const JOB = JSON.parse(process.env.JOB);
const VIEWS = {
  "the list of runs": ["", "Runs"],
  "a run": ["#/runs/res-2", "res-2"],
  "a case": ["#/runs/res-2/cases/case-extra", "case-extra"],
  "a comparison": ["#/compare/unet-3/res-2", "unet-3 compared with res-2"],
};

let browser = null;
const results = [];

async function test(name, run, options = {}) {
  const begun = Date.now();
  let done = null;
  try {
    done = await open(browser, options.at ?? JOB.url + (options.hash ?? ""), options);
    await run(done.page, done);
    assert.deepStrictEqual(done.faults, []);
    const strange = done.asked.filter((url) => ![JOB.url, JOB.guarded, JOB.proxied].some((home) => url.replace("blob:", "").startsWith(home ?? "-") || url === "about:blank"));
    assert.deepStrictEqual(strange, [], "asked elsewhere");
    results.push(true);
    console.log("ok %d - %s\n# %d ms", results.length, name, Date.now() - begun);
  } catch (fault) {
    results.push(false);
    console.log("not ok %d - %s", results.length, name);
    console.log(String(fault.stack).replace(/^/gm, "# "));
    if (done) console.log(JSON.stringify(done.faults).replace(/^/gm, "# "));
  }
  if (done) await done.page.close();
}

const region = (page, name) => page.getByRole("region", { name, exact: true });
const column = (page, name, n) =>
  region(page, name).locator("tbody tr > :nth-child(" + n + ")").allInnerTexts();

async function numbers(page, name, n) {
  return (await column(page, name, n)).map(parseFloat);
}

const ascending = (list) => list.every((value, i) => i === 0 || list[i - 1] <= value);
const descending = (list) => ascending([...list].reverse());

function api(path) {
  return fetch(JOB.url + path).then((response) => response.json());
}

async function keep(run, name) {
  const response = await fetch(JOB.url + "v1/runs/" + run + "/cases/" + name,
    { method: "PUT", headers: { "Content-Type": JOB.type }, body: fs.readFileSync(JOB.body) });
  assert.strictEqual(response.status, 201);
}

// ---- what is shown ------------------------------------------------------------------------------

async function listOfRuns(page) {
  await settled(page, "Runs");
  await page.waitForFunction(() => !document.querySelector("tbody").innerText.includes("–\t–"));
  const runs = (await api("v1/runs")).runs;
  assert.deepStrictEqual((await column(page, "Runs", 1)).sort(), runs.map((run) => run.run).sort());
  const summary = await api("v1/runs/res-2");
  const row = region(page, "Runs").getByRole("row", { name: /^res-2/ });
  assert.strictEqual(await row.locator("td").nth(1).innerText(), summary.mean.dice.toFixed(3));
  await page.getByRole("button", { name: "Mean Dice" }).click();
  assert.ok(ascending(await numbers(page, "Runs", 3)));
  await page.getByRole("button", { name: "Mean Dice" }).click();
  assert.ok(descending(await numbers(page, "Runs", 3)));
  assert.match(page.url(), /sort=dice&order=desc/);
  await page.reload();
  await settled(page, "Runs");
  await page.getByLabel("Dataset").selectOption("abdomen-mr");
  assert.deepStrictEqual((await column(page, "Runs", 1)).sort(), ["mr-1", "mr-2"]);
}

async function oneRun(page) {
  await settled(page, "res-2");
  const json = await api("v1/runs/res-2");
  const text = await page.locator("main").innerText();
  for (const one of json.classes) {
    const row = region(page, "Dice by class").getByRole("row", { name: new RegExp("^" + one.name) });
    const dice = one.metrics.dice;
    const said = await row.innerText();
    for (const value of [dice.mean, ...dice.interval, one.dataset.dice, ...one.dataset.intervals.dice,
      dice.sd, dice.p5, dice.q1, dice.median, dice.q3, dice.min, one.trivial.dice])
      assert.ok(said.includes(value.toFixed(3)), one.name + " lacks " + value);
    assert.ok(said.includes(dice.min_case));
    const states = await region(page, "States by class").getByRole("row", { name: new RegExp("^" + one.name) }).locator("td").allInnerTexts();
    assert.deepStrictEqual(states.map(Number), ["ok", "both_empty", "reference_empty", "prediction_empty"].map((state) => one.states[state] ?? 0));
  }
  assert.ok(text.includes("bootstrap over " + json.bootstrap.n_units + " groups"));
  await page.goto(JOB.url + "#/runs/mr-1");
  await settled(page, "mr-1");
  await page.getByText("Fewer than 10: they say little.").waitFor();
}

async function chartHasInk(page) {
  await settled(page, "res-2");
  await region(page, "Cases").locator("tbody tr").first().waitFor();
  const drawn = await page.locator("canvas").evaluate((canvas) => {
    const chart = window.Chart.getChart(canvas);
    const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return { points: chart.data.datasets[0].data.length, ink: bytes.some((byte) => byte !== 0), rows: canvas.marked.rows };
  });
  const { classes } = await api("v1/runs/res-2");
  assert.strictEqual(drawn.points, classes.reduce((sum, one) => sum + one.metrics.dice.defined, 0));
  assert.deepStrictEqual(drawn.rows.map((row) => row.trivial), classes.map((one) => one.trivial.dice));
  assert.ok(drawn.ink);
}

// ---- what is done -------------------------------------------------------------------------------

async function worstCases(page) {
  await settled(page, "res-2");
  await region(page, "Cases").locator("tbody tr").first().waitFor();
  assert.ok(ascending(await numbers(page, "Cases", 2)));
  const worst = await api("v1/runs/res-2/cases?sort=dice&limit=20");
  assert.deepStrictEqual(await column(page, "Cases", 1), worst.cases.map((one) => one.case));
  await page.getByRole("button", { name: "More cases" }).click();
  await page.getByText("40 of 49 cases").waitFor();
  assert.strictEqual(new Set(await column(page, "Cases", 1)).size, 40);
  await page.getByLabel("Class", { exact: true }).selectOption("label:5");
  await page.getByText("20 of 49 cases").waitFor();
  const lesions = await api("v1/runs/res-2/cases?sort=dice&label=5&limit=20");
  assert.deepStrictEqual(await column(page, "Cases", 1), lesions.cases.map((one) => one.case));
  await region(page, "Cases").getByRole("button", { name: "IoU" }).click();
  await region(page, "Cases").getByRole("columnheader", { name: "IoU" }).and(page.locator("[aria-sort=ascending]")).waitFor();
  assert.match(page.url(), /class=label%3A5&sort=iou/);
}

async function thereAndBack(page) {
  await settled(page, "Runs");
  await page.getByRole("link", { name: "res-2", exact: true }).click();
  await settled(page, "res-2");
  await region(page, "Cases").getByRole("link").first().waitFor();
  const name = await region(page, "Cases").getByRole("link").first().innerText();
  await region(page, "Cases").getByRole("link").first().click();
  await settled(page, name);
  const json = await api("v1/runs/res-2/cases/" + name);
  const said = await region(page, "Classes of the case").locator("tbody tr").first().innerText();
  for (const member of ["tp", "fp", "fn", "prediction", "reference"])
    assert.ok(said.split(/\s+/).includes(String(json.classes[0][member])), said);
  assert.strictEqual(await page.getByRole("heading", { name: "Where the error is" }).count(), 0);
  await page.goBack();
  await settled(page, "res-2");
  await page.goBack();
  await settled(page, "Runs");
  await page.goForward();
  await settled(page, "res-2");
}

async function extras(page) {
  await settled(page, "case-extra");
  await page.getByText("second reader").waitFor();
  const image = page.getByRole("link", { name: /images\.example/ });
  assert.strictEqual(await image.getAttribute("href"), "https://images.example/case-extra.png");
  assert.match(await image.getAttribute("rel"), /noreferrer/);
}

async function compare(page) {
  await settled(page, "Runs");
  await page.getByLabel("compare unet-3").check();
  await page.getByLabel("compare res-2").check();
  await page.getByRole("link", { name: "Compare unet-3 with res-2" }).click();
  await settled(page, "unet-3 compared with res-2");
  const json = await api("v1/runs/unet-3/compare/res-2");
  for (const one of json.classes) {
    const paired = one.metrics.dice;
    const said = (await region(page, "Differences by class").getByRole("row", { name: new RegExp("^" + one.name) }).innerText()).replace(/−/g, "-");
    for (const value of [paired.mean_a, paired.mean_b, paired.difference, ...paired.interval])
      assert.ok(said.includes(value.toFixed(3)), one.name + " lacks " + value + ": " + said);
    for (const value of [paired.wins, paired.ties, paired.losses])
      assert.ok(said.split(/\s+/).includes(String(value)), said);
  }
  assert.deepStrictEqual(await column(page, "Cases that changed most", 1), json.classes[0].metrics.dice.changed.map((one) => one.case));
  await page.getByText("1 case of res-2 is not in unet-3:").waitFor();
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as CSV" }).click()]);
  assert.strictEqual(saved.suggestedFilename(), "unet-3-res-2.csv");
  const lines = fs.readFileSync(await saved.path(), "utf8").split("\r\n");
  assert.ok(lines[0].includes("wins") && lines.length > json.classes.length, lines[0]);
  await page.getByLabel("Metric").selectOption("iou");
  assert.match(page.url(), /metric=iou/);
  await page.getByRole("link", { name: "The other way round" }).click();
  await settled(page, "res-2 compared with unet-3");
}

async function live(page) {
  await settled(page, "mr-2");
  const tile = page.locator(".tile", { hasText: "Cases" }).locator("b");
  assert.strictEqual(await tile.innerText(), "12");
  await page.evaluate(() => { window.stays = true; });
  await region(page, "Cases").getByRole("button", { name: "Recall" }).focus();
  await keep("mr-2", "live-1");
  await tile.filter({ hasText: "13" }).waitFor();
  await region(page, "Cases").getByRole("link", { name: "live-1" }).waitFor();
  await page.getByRole("status").filter({ hasText: "mr-2 has 13 cases" }).waitFor({ state: "attached" });
  assert.strictEqual(await page.evaluate(() => document.activeElement.textContent), "Recall");
  assert.ok(await page.evaluate(() => window.stays), "the page was loaded again");
}

async function keyboard(page) {
  await settled(page, "Runs");
  await page.keyboard.press("Tab");
  assert.strictEqual(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.strictEqual(await page.evaluate(() => document.activeElement.id), "main");
  const reach = async (what) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const [text, outline] = await page.evaluate(() => {
        const at = document.activeElement;
        return [at.innerText || at.getAttribute("aria-label"), getComputedStyle(at).outlineStyle];
      });
      assert.notStrictEqual(outline, "none", "no focus to be seen at " + text);
      if (what.test(text)) return;
    }
    assert.fail("Tab does not reach " + what);
  };
  await reach(/^Mean IoU/);
  await page.keyboard.press("Enter");
  assert.ok(ascending(await numbers(page, "Runs", 4)));
  assert.match(await page.evaluate(() => document.activeElement.innerText), /^Mean IoU/);
  await reach(/^unet-1$/);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.ok(await page.getByLabel("compare unet-1").isChecked());
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await settled(page, "unet-1");
  assert.strictEqual(await page.evaluate(() => document.activeElement.id), "main");
}

async function scriptsAreTexts(page, { faults }) {
  await settled(page, "Runs");
  for (const [hash, heading] of [["#/runs/spiked", "spiked"], ["#/runs/spiked/cases/case-1", "case-1"],
    ["#/compare/spiked/spiked", /spiked/]]) {
    await page.goto(JOB.url + hash);
    await settled(page, heading);
    await page.getByText(JOB.script.slice(0, 50)).first().waitFor({ state: "attached" });
  }
  await page.goto(JOB.url + "#/runs/" + encodeURIComponent(JOB.script));
  await page.getByRole("heading", { name: "This cannot be shown" }).waitFor();
  assert.strictEqual(await page.locator("main img, main script").count(), 0);
  assert.notStrictEqual(await page.title(), "taken");
  assert.deepStrictEqual(faults, []);
}

async function tokens(page) {
  const field = page.getByLabel("Token");
  await field.fill("nonsense");
  await page.keyboard.press("Enter");
  await page.getByText("The daemon does not know this token.").first().waitFor();
  await field.fill(JOB.token);
  await page.getByRole("button", { name: "Show the runs" }).click();
  await page.getByRole("heading", { name: "This cannot be shown" }).waitFor(); // there is no run x
  await page.getByRole("link", { name: "All runs" }).click();
  await settled(page, "Runs");
  assert.deepStrictEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
  assert.ok(!page.url().includes(JOB.token));
  const other = await page.context().newPage();
  await other.goto(JOB.guarded);
  await other.getByLabel("Token").waitFor(); // another tab has to be told too
  await other.close();
  await page.getByRole("button", { name: "Forget token" }).click();
  await page.getByLabel("Token").waitFor();
  assert.strictEqual(await page.evaluate(() => sessionStorage.length), 0);
}

async function overlay(page) {
  const dice = Array.from({ length: 30 }, (_, i) => (i < 3 ? null : i === 9 ? 0.125 : 0.875));
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const first = (url) => url.pathname.endsWith("/cases/case-001") && !url.searchParams.has("wait");
  await page.route(first, async (route) => {
    const response = await route.fetch();
    const json = { ...await response.json(), overlay: { axis: 2, slice: 9, width: 64, height: 48, slices: 30, dice, start: 0 } };
    await route.fulfill({ response, json });
  });
  await page.route("**/v1/runs/res-1/cases/case-001/overlay", (route) => route.fulfill({ body: png, contentType: "image/png" }));
  await page.goto(JOB.url + "#/runs/res-1/cases/case-001");
  await settled(page, "case-001");
  const image = page.getByRole("img", { name: /Slice 9, counted from 0, of 30 along axis 2/ });
  await image.waitFor();
  assert.ok(await image.evaluate((node) => node.decode().then(() => node.naturalWidth > 0)));
  await page.getByText("Dice of each slice, as a table").click();
  assert.strictEqual((await column(page, "Dice of each slice", 2))[9], "0.1250");
  assert.strictEqual(await page.locator(".strip i").count(), 30);
  assert.deepStrictEqual(await axe(page), []);
}

// A proxy that passes on what is under /overlapd/.
async function underAPath(page) {
  const proxy = http.createServer((request, response) => {
    const wanted = JOB.url + request.url.replace(/^\/overlapd\//, "");
    http.get(wanted, { headers: { accept: request.headers.accept } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const home = "http://127.0.0.1:" + proxy.address().port + "/overlapd/";
    JOB.proxied = home;
    await page.goto(home + "#/runs/mr-1");
    await settled(page, "mr-1");
    await page.goto("about:blank");
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
}

async function looks(page, { faults }) {
  for (const [what, [hash, heading]] of Object.entries(VIEWS)) {
    await page.goto(JOB.url + hash);
    await settled(page, heading);
    assert.deepStrictEqual(await axe(page), [], what);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepStrictEqual(await axe(page, ["color-contrast"]), [], what + " in the dark");
    await page.emulateMedia({ colorScheme: "light" });
  }
  assert.deepStrictEqual(faults, []);
}

async function phone(page) {
  for (const [what, [hash, heading]] of Object.entries(VIEWS)) {
    await page.goto(JOB.url + hash);
    await settled(page, heading);
    assert.strictEqual(await sidewards(page), 0, what + " scrolls sidewards");
  }
}

async function main() {
  browser = await launch();
  await test("the list of runs says what the API says, sorts and filters, and its URL brings it back", listOfRuns);
  await test("a run's tables say what the API says", oneRun, { hash: "#/runs/res-2" });
  await test("a run's chart has a point for each case and the trivial score", chartHasInk, { hash: "#/runs/res-2" });
  await test("the cases of a run come worst first, by class and metric, a page at a time", worstCases, { hash: "#/runs/res-2" });
  await test("links lead to a run and a case, and the way back leads back", thereAndBack);
  await test("a case's tags are shown, and its image as a link", extras, { hash: "#/runs/res-2/cases/case-extra" });
  await test("two ticked runs are compared, with the numbers of the API", compare);
  await test("a case that is kept appears without a reload, is said, and leaves the focus where it was", live, { hash: "#/runs/mr-2" });
  await test("all of it can be had by keyboard, and focus can be seen", keyboard);
  await test("scripts in names and metadata are texts", scriptsAreTexts);
  await test("a daemon with tokens is asked with one, kept in the tab alone", tokens, { at: JOB.guarded + "#/runs/x" });
  await test("it works under a path of a proxy", underAPath, { at: "about:blank" });
  await test("an overlay is shown with its slices", overlay, { at: "about:blank" });
  await test("axe finds nothing serious in any view, light and dark", looks, { at: "about:blank" });
  await test("on a phone no view scrolls sidewards", phone, { at: "about:blank", viewport: PHONE });
  await browser.close();
  console.log("1..%d", results.length);
  process.exitCode = results.every(Boolean) ? 0 : 1;
}

main().catch((fault) => { console.log("Bail out! " + fault.stack); process.exit(1); });
