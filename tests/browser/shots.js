// shots.js - pictures of every view, light and dark, wide and on a phone, into the folder named.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const path = require("path");
const { launch, open, settled, WIDE, PHONE } = require("./browser.js");

const JOB = JSON.parse(process.env.JOB);
const VIEWS = {
    runs: ["", "Runs"],
    run: ["#/runs/res-2", "res-2"],
    case: ["#/runs/res-2/cases/case-003", "case-003"],
    compare: ["#/compare/unet-3/res-2", /res-2/],
};

async function main() {
    const browser = await launch();
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE }))
        for (const colorScheme of ["light", "dark"])
            for (const [name, [hash, heading]] of Object.entries(VIEWS)) {
                const { page, faults } = await open(browser, JOB.url + hash, {
                    viewport,
                    colorScheme,
                });
                await settled(page, heading);
                await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {});
                await page.screenshot({
                    path: path.join(JOB.folder, [name, size, colorScheme].join("-") + ".png"),
                    fullPage: true,
                });
                for (const fault of faults) console.error(name, fault);
                await page.close();
            }
    await browser.close();
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
