// drive.js - uses the dashboard as people do, by mouse, keyboard, phone and ear; prints TAP.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const assert = require("assert");
const { launch, open } = require("./browser.js");
const { JOB } = require("./job.js");
const manners = require("./manners.js");
const numbers = require("./numbers.js");

let browser = null;
const results = [];

async function test(name, run, options = {}) {
    const begun = Date.now();
    let done = null;
    try {
        done = await open(browser, options.at ?? JOB.url + (options.hash ?? ""), options);
        await run(done.page, done);
        assert.deepStrictEqual(done.faults, []);
        const strange = done.asked.filter(
            (url) =>
                ![JOB.url, JOB.guarded, JOB.proxied].some(
                    (home) =>
                        url.replace("blob:", "").startsWith(home ?? "-") || url === "about:blank",
                ),
        );
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

async function main() {
    browser = await launch();
    await test(
        "the list of runs says what the API says, sorts and filters, and its URL brings it back",
        numbers.listOfRuns,
    );
    await test("a run's tables say what the API says", numbers.oneRun, { hash: "#/runs/res-2" });
    await test(
        "a run's chart has a point for each case and the trivial score",
        numbers.chartHasInk,
        {
            hash: "#/runs/res-2",
        },
    );
    await test(
        "the cases of a run come worst first, by class and metric, a page at a time",
        numbers.worstCases,
        { hash: "#/runs/res-2" },
    );
    await test("links lead to a run and a case, and the way back leads back", numbers.thereAndBack);
    await test("a case's tags are shown, and its image as a link", numbers.extras, {
        hash: "#/runs/res-2/cases/case-extra",
    });
    await test("two ticked runs are compared, with the numbers of the API", numbers.compare);
    await test(
        "a case that is kept appears without a reload, is said, and leaves the focus where it was",
        manners.live,
        { hash: "#/runs/mr-2" },
    );
    await test("all of it can be had by keyboard, and focus can be seen", manners.keyboard);
    await test("scripts in names and metadata are texts", manners.scriptsAreTexts);
    await test("a daemon with tokens is asked with one, kept in the tab alone", manners.tokens, {
        at: JOB.guarded + "#/runs/x",
    });
    await test("it works under a path of a proxy", manners.underAPath, { at: "about:blank" });
    await test("an overlay is shown with its slices", manners.overlay, { at: "about:blank" });
    await test(
        "in no view axe finds anything serious, light or dark, nor does it scroll sidewards on a phone",
        manners.looks,
        { at: "about:blank" },
    );
    await browser.close();
    console.log("1..%d", results.length);
    process.exitCode = results.every(Boolean) ? 0 : 1;
}

main().catch((fault) => {
    console.log("Bail out! " + fault.stack);
    process.exit(1);
});
