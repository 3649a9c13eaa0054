// live.js - keeps a view up to date: one request that waits until something changes.
// SPDX-License-Identifier: Apache-2.0
import { Failure, poll } from "./api.js";
import { byId } from "./dom.js";

const WAIT_S = 25;
const REST_MS = 1000; // a run that fills quickly is drawn once a second
const REST_MOST_MS = 5000; // and a large one, which takes longer, less often
const RETRY_MS = 4000;

export function pause(ms, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener(
            "abort",
            () => {
                clearTimeout(timer);
                resolve();
            },
            { once: true },
        );
    });
}

function whenSeen(signal) {
    if (!document.hidden) return Promise.resolve();
    show("paused", "paused");
    return new Promise((resolve) => {
        const look = () => {
            if (!document.hidden || signal.aborted) done();
        };
        const done = () => {
            document.removeEventListener("visibilitychange", look);
            resolve();
        };
        document.addEventListener("visibilitychange", look);
        signal.addEventListener("abort", done, { once: true });
    });
}

export function show(state, text) {
    const light = byId("live");
    light.dataset.state = state;
    light.textContent = text;
}

// Calls draw(json) with each new answer until the signal is aborted. `waits`: the path takes wait;
// else it is asked again every few seconds, which costs the daemon as little while nothing changes.
export async function follow(path, signal, draw, { waits = true } = {}) {
    let first = true;
    while (!signal.aborted) {
        try {
            await whenSeen(signal);
            const { json, fresh } = await poll(path, waits && !first ? WAIT_S : 0, signal);
            const begun = performance.now();
            if (signal.aborted) return;
            if (fresh || first) await draw(json);
            show("on", "live");
            first = false;
            const rest = Math.min(REST_MOST_MS, Math.max(REST_MS, 2 * (performance.now() - begun)));
            await pause(fresh || waits ? rest : RETRY_MS, signal);
        } catch (fault) {
            if (signal.aborted) return;
            // What a person must mend is told to who called; what passes by itself is tried again.
            const passes =
                fault instanceof Failure &&
                (fault.status === 0 || fault.status === 429 || fault.status >= 500);
            if (first || !passes) throw fault;
            show("lost", "connection lost, trying again");
            await pause(RETRY_MS, signal);
        }
    }
}
