// manners.js - how the page behaves: live, by keyboard, by ear, on a phone, to scripts and tokens.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const assert = require("assert");
const http = require("http");
const { settled, axe, sidewards, WIDE, PHONE } = require("./browser.js");
const { JOB, region, column, numbers, ascending, api, keep } = require("./job.js");

const VIEWS = {
    "the list of runs": ["", "Runs"],
    "a run": ["#/runs/res-2", "res-2"],
    "a case": ["#/runs/res-2/cases/case-extra", "case-extra"],
    "a comparison": ["#/compare/unet-3/res-2", "unet-3 compared with res-2"],
};

async function live(page) {
    await settled(page, "mr-2");
    const tile = page.locator(".tile", { hasText: "Cases" }).locator("b");
    assert.strictEqual(await tile.innerText(), "12");
    await page.evaluate(() => {
        window.stays = true;
    });
    await region(page, "Cases").getByRole("button", { name: "Recall" }).focus();
    await keep("mr-2", "live-1");
    await tile.filter({ hasText: "13" }).waitFor();
    await region(page, "Cases").getByRole("link", { name: "live-1" }).waitFor();
    await page
        .getByRole("status")
        .filter({ hasText: "mr-2 has 13 cases" })
        .waitFor({ state: "attached" });
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
                return [
                    at.innerText || at.getAttribute("aria-label"),
                    getComputedStyle(at).outlineStyle,
                ];
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
    for (const [hash, heading] of [
        ["#/runs/spiked", "spiked"],
        ["#/runs/spiked/cases/case-1", "case-1"],
        ["#/compare/spiked/spiked", /spiked/],
    ]) {
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
    assert.deepStrictEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [
        0,
        "",
    ]);
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
    const png = Buffer.from(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "base64",
    );
    const first = (url) =>
        url.pathname.endsWith("/cases/case-001") && !url.searchParams.has("wait");
    await page.route(first, async (route) => {
        const response = await route.fetch();
        const json = {
            ...(await response.json()),
            overlay: { axis: 2, slice: 9, width: 64, height: 48, slices: 30, dice, start: 0 },
        };
        await route.fulfill({ response, json });
    });
    await page.route("**/v1/runs/res-1/cases/case-001/overlay", (route) =>
        route.fulfill({ body: png, contentType: "image/png" }),
    );
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

async function looks(page) {
    for (const [what, [hash, heading]] of Object.entries(VIEWS)) {
        await page.goto(JOB.url + hash);
        await settled(page, heading);
        assert.deepStrictEqual(await axe(page), [], what);
        await page.emulateMedia({ colorScheme: "dark" });
        assert.deepStrictEqual(await axe(page, ["color-contrast"]), [], what + " in the dark");
        await page.emulateMedia({ colorScheme: "light" });
        await page.setViewportSize(PHONE);
        assert.strictEqual(await sidewards(page), 0, what + " scrolls sidewards");
        await page.setViewportSize(WIDE);
    }
}

module.exports = { live, keyboard, scriptsAreTexts, tokens, underAPath, overlay, looks };
