// browser.js - Debian's chromium, watched: what it asks, what it says, where it scrolls.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const fs = require("fs");
const path = require("path");

const MODULES = path.join(__dirname, "..", "..", "build", "node", "node_modules");
const { chromium } = require(path.join(MODULES, "playwright-core"));
const AXE = fs.readFileSync(path.join(MODULES, "axe-core", "axe.min.js"), "utf8");

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM,
        args: [
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-software-rasterizer",
        ],
    });
}

let context = null; // one for all, so that the scripts are read once

// A page, with the faults that it had so far and what it asked for.
async function open(browser, url, { viewport = WIDE, colorScheme = "light" } = {}) {
    context ??= await browser.newContext({ locale: "en-GB", timezoneId: "UTC" });
    const page = await context.newPage();
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    const faults = [];
    const asked = [];
    page.setDefaultTimeout(15000);
    page.on("pageerror", (error) => faults.push("script: " + error));
    page.on("console", (message) => {
        // Chromium itself writes a line for each answer of 4xx.
        if (
            ["error", "warning"].includes(message.type()) &&
            !/the server responded with a status of 4/.test(message.text())
        )
            faults.push("console: " + message.text());
    });
    page.on("dialog", (dialog) => {
        faults.push("dialog: " + dialog.message());
        dialog.dismiss();
    });
    page.on("request", (request) => asked.push(request.url()));
    await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) =>
            console.error("policy: " + event.violatedDirective + " " + event.blockedURI),
        );
    });
    await page.goto(url);
    return { page, faults, asked };
}

// A view is there once its heading is, and what it loads after that has come.
async function settled(page, heading) {
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await page.locator('#live[data-state="on"]').waitFor();
}

// The serious and critical faults that axe finds. It is let past the page's own policy, which
// holds for everything else.
async function axe(page, rules = null) {
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
    return page.evaluate(async (only) => {
        const found = await window.axe.run(document, {
            resultTypes: ["violations"],
            ...(only ? { runOnly: only } : {}),
        });
        return found.violations
            .filter((one) => ["serious", "critical"].includes(one.impact))
            .map(
                (one) =>
                    one.id +
                    ": " +
                    one.nodes
                        .map((node) => node.target.join(" ") + " " + node.failureSummary)
                        .slice(0, 3)
                        .join(" | "),
            );
    }, rules);
}

function sidewards(page) {
    return page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
}

module.exports = { launch, open, settled, axe, sidewards, WIDE, PHONE };
