// api.js - asks the daemon; remembers answers by their tags, and the token in this tab alone.
// SPDX-License-Identifier: Apache-2.0

const TOKEN = "overlapd-token";
const kept = new Map(); // path -> {etag, json}
const KEPT_MOST = 200;

export class Failure extends Error {
    constructor(status, code, detail) {
        super(detail);
        this.status = status;
        this.code = code;
    }
}

export function token() {
    return sessionStorage.getItem(TOKEN);
}

export function setToken(text) {
    kept.clear();
    if (text) sessionStorage.setItem(TOKEN, text);
    else sessionStorage.removeItem(TOKEN);
}

async function failure(response) {
    try {
        const problem = await response.json();
        return new Failure(response.status, problem.code, problem.detail || problem.title);
    } catch {
        return new Failure(response.status, "", "The daemon answered " + response.status + ".");
    }
}

// The network may fail before the answer and in the middle of it.
function orLost(promise) {
    return promise.catch((fault) => {
        throw fault.name === "AbortError"
            ? fault
            : new Failure(0, "lost", "The daemon does not answer.");
    });
}

async function ask(path, headers, signal) {
    const held = token();
    if (held) headers.Authorization = "Bearer " + held;
    const response = await orLost(
        fetch(path, { headers, signal, cache: "no-store", credentials: "same-origin" }),
    );
    if (!response.ok && response.status !== 304) throw await failure(response);
    return response;
}

// The answer, and whether it is another than the one before.
async function exchange(key, path, signal) {
    const before = kept.get(key);
    const headers = { Accept: "application/json" };
    if (before) headers["If-None-Match"] = before.etag;
    const response = await ask(path, headers, signal);
    if (response.status === 304 && before) return { json: before.json, fresh: false };
    const json = await orLost(response.json());
    const etag = response.headers.get("ETag");
    kept.delete(key);
    if (etag) kept.set(key, { etag, json });
    if (kept.size > KEPT_MOST) kept.delete(kept.keys().next().value);
    return { json, fresh: true };
}

export async function get(path, signal) {
    return (await exchange(path, path, signal)).json;
}

// As get, but an answer that is not new comes only after `seconds`.
export function poll(path, seconds, signal) {
    const wait = seconds > 0 ? (path.includes("?") ? "&" : "?") + "wait=" + seconds : "";
    return exchange(path, path + wait, signal);
}

export async function getImage(path, signal) {
    return orLost((await ask(path, { Accept: "image/png" }, signal)).blob());
}

// Hands a table to the browser as a file.
export async function saveTable(path, name) {
    const blob = await orLost((await ask(path, { Accept: "text/csv" })).blob());
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// runPath("a", "cases", "b") is v1/runs/a/cases/b, whatever the names hold.
export function runPath(...names) {
    return ["v1/runs", ...names.map(encodeURIComponent)].join("/");
}

export function query(path, parameters) {
    const text = new URLSearchParams(
        Object.entries(parameters).filter(
            ([, value]) => value !== null && value !== undefined && value !== "",
        ),
    );
    return text.size > 0 || text.toString() ? path + "?" + text : path;
}
