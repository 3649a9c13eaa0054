// numbers.js - what the views show is what the API says, and leads where it should.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const assert = require("assert");
const fs = require("fs");
const { settled } = require("./browser.js");
const { JOB, region, column, numbers, ascending, descending, api } = require("./job.js");

async function listOfRuns(page) {
    await settled(page, "Runs");
    await page.waitForFunction(() => !document.querySelector("tbody").innerText.includes("–\t–"));
    const runs = (await api("v1/runs")).runs;
    assert.deepStrictEqual(
        (await column(page, "Runs", 1)).sort(),
        runs.map((run) => run.run).sort(),
    );
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
        const row = region(page, "Dice by class").getByRole("row", {
            name: new RegExp("^" + one.name),
        });
        const dice = one.metrics.dice;
        const said = await row.innerText();
        for (const value of [
            dice.mean,
            ...dice.interval,
            one.dataset.dice,
            ...one.dataset.intervals.dice,
            dice.sd,
            dice.p5,
            dice.q1,
            dice.median,
            dice.q3,
            dice.min,
            one.trivial.dice,
        ])
            assert.ok(said.includes(value.toFixed(3)), one.name + " lacks " + value);
        assert.ok(said.includes(dice.min_case));
        const states = await region(page, "States by class")
            .getByRole("row", { name: new RegExp("^" + one.name) })
            .locator("td")
            .allInnerTexts();
        assert.deepStrictEqual(
            states.map(Number),
            ["ok", "both_empty", "reference_empty", "prediction_empty"].map(
                (state) => one.states[state] ?? 0,
            ),
        );
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
        return {
            points: chart.data.datasets[0].data.length,
            ink: bytes.some((byte) => byte !== 0),
            rows: canvas.marked.rows,
        };
    });
    const { classes } = await api("v1/runs/res-2");
    assert.strictEqual(
        drawn.points,
        classes.reduce((sum, one) => sum + one.metrics.dice.defined, 0),
    );
    assert.deepStrictEqual(
        drawn.rows.map((row) => row.trivial),
        classes.map((one) => one.trivial.dice),
    );
    assert.ok(drawn.ink);
}

async function worstCases(page) {
    await settled(page, "res-2");
    await region(page, "Cases").locator("tbody tr").first().waitFor();
    assert.ok(ascending(await numbers(page, "Cases", 2)));
    const worst = await api("v1/runs/res-2/cases?sort=dice&limit=20");
    assert.deepStrictEqual(
        await column(page, "Cases", 1),
        worst.cases.map((one) => one.case),
    );
    await page.getByRole("button", { name: "More cases" }).click();
    await page.getByText("40 of 49 cases").waitFor();
    assert.strictEqual(new Set(await column(page, "Cases", 1)).size, 40);
    await page.getByLabel("Class", { exact: true }).selectOption("label:5");
    await page.getByText("20 of 49 cases").waitFor();
    const lesions = await api("v1/runs/res-2/cases?sort=dice&label=5&limit=20");
    assert.deepStrictEqual(
        await column(page, "Cases", 1),
        lesions.cases.map((one) => one.case),
    );
    await region(page, "Cases").getByRole("button", { name: "IoU" }).click();
    await region(page, "Cases")
        .getByRole("columnheader", { name: "IoU" })
        .and(page.locator("[aria-sort=ascending]"))
        .waitFor();
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
        const said = (
            await region(page, "Differences by class")
                .getByRole("row", { name: new RegExp("^" + one.name) })
                .innerText()
        ).replace(/−/g, "-");
        for (const value of [paired.mean_a, paired.mean_b, paired.difference, ...paired.interval])
            assert.ok(said.includes(value.toFixed(3)), one.name + " lacks " + value + ": " + said);
        for (const value of [paired.wins, paired.ties, paired.losses])
            assert.ok(said.split(/\s+/).includes(String(value)), said);
    }
    assert.deepStrictEqual(
        await column(page, "Cases that changed most", 1),
        json.classes[0].metrics.dice.changed.map((one) => one.case),
    );
    await page.getByText("1 case of res-2 is not in unet-3:").waitFor();
    const [saved] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save as CSV" }).click(),
    ]);
    assert.strictEqual(saved.suggestedFilename(), "unet-3-res-2.csv");
    const lines = fs.readFileSync(await saved.path(), "utf8").split("\r\n");
    assert.ok(lines[0].includes("wins") && lines.length > json.classes.length, lines[0]);
    await page.getByLabel("Metric").selectOption("iou");
    assert.match(page.url(), /metric=iou/);
    await page.getByRole("link", { name: "The other way round" }).click();
    await settled(page, "res-2 compared with unet-3");
}

module.exports = { listOfRuns, oneRun, chartHasInk, worstCases, thereAndBack, extras, compare };
