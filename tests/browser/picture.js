// picture.js - takes docs/dashboard.png into the folder that is named.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const path = require("path");
const { launch, open, settled } = require("./browser.js");

const JOB = JSON.parse(process.env.JOB);

async function main() {
    const browser = await launch();
    const { page } = await open(browser, JOB.url + "#/runs/res-2", {
        viewport: { width: 1120, height: 1080 },
    });
    await settled(page, "res-2");
    await page.getByRole("link", { name: "case-021" }).last().waitFor();
    await page.screenshot({ path: path.join(JOB.folder, "dashboard.png") });
    await browser.close();
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
