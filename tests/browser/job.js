// job.js - what the tests of the dashboard share: the daemon, its API, and tables as they are read.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const assert = require("assert");
const fs = require("fs");

// {url, guarded, token, body, type, script}: the daemon, one that wants a token, a case to be kept
// (a file and its type), and the text that is a script.
const JOB = JSON.parse(process.env.JOB);
const region = (page, name) => page.getByRole("region", { name, exact: true });
const column = (page, name, n) =>
    region(page, name)
        .locator("tbody tr > :nth-child(" + n + ")")
        .allInnerTexts();

async function numbers(page, name, n) {
    return (await column(page, name, n)).map(parseFloat);
}

const ascending = (list) => list.every((value, i) => i === 0 || list[i - 1] <= value);
const descending = (list) => ascending([...list].reverse());

function api(path) {
    return fetch(JOB.url + path).then((response) => response.json());
}

async function keep(run, name) {
    const response = await fetch(JOB.url + "v1/runs/" + run + "/cases/" + name, {
        method: "PUT",
        headers: { "Content-Type": JOB.type },
        body: fs.readFileSync(JOB.body),
    });
    assert.strictEqual(response.status, 201);
}

module.exports = { JOB, region, column, numbers, ascending, descending, api, keep };
