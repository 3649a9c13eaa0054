// app.js - the page's frame: which view a URL means, the way to it, and the token.
// SPDX-License-Identifier: Apache-2.0
import { Failure, setToken, token } from "./api.js";
import { byId, el, refill, say } from "./dom.js";
import { show } from "./live.js";
import { viewCase } from "./view_case.js";
import { viewCompare } from "./view_compare.js";
import { viewRun } from "./view_run.js";
import { viewRuns } from "./view_runs.js";

let leave = new AbortController();
let first = true;

export function link(parts, parameters = {}) {
    const text = new URLSearchParams(
        Object.entries(parameters).filter(([, value]) => value),
    ).toString();
    return "#/" + parts.map(encodeURIComponent).join("/") + (text ? "?" + text : "");
}

// {parts, parameters} of a hash; null where it is not one of ours.
function read(hash) {
    if (hash === "" || hash === "#") return { parts: [], parameters: {} };
    if (!hash.startsWith("#/")) return null;
    const [path, text = ""] = hash.slice(2).split("?", 2);
    try {
        return {
            parts: path
                .split("/")
                .filter((one) => one !== "")
                .map(decodeURIComponent),
            parameters: Object.fromEntries(new URLSearchParams(text)),
        };
    } catch {
        return { parts: ["?"], parameters: {} };
    }
}

function find(parts) {
    const [kind, a, word, b] = parts;
    if (parts.length === 0) return { view: viewRuns, title: "Runs", crumbs: [] };
    if (kind === "runs" && parts.length === 2)
        return { view: viewRun, title: a, crumbs: [[a, parts]] };
    if (kind === "runs" && parts.length === 4 && word === "cases")
        return {
            view: viewCase,
            title: b + " of " + a,
            crumbs: [
                [a, ["runs", a]],
                [b, parts],
            ],
        };
    if (kind === "compare" && parts.length === 3)
        return {
            view: viewCompare,
            title: a + " and " + word,
            crumbs: [
                [a, ["runs", a]],
                ["compared with " + word, parts],
            ],
        };
    return null;
}

function drawCrumbs(crumbs) {
    const last = crumbs.length - 1;
    refill(
        byId("crumbs"),
        crumbs.map(([text, parts], i) =>
            el(
                "li",
                {},
                el("a", { href: link(parts), "aria-current": i === last ? "page" : null }, text),
            ),
        ),
    );
}

// ---- what goes wrong ----------------------------------------------------------------------------

function askForToken(fault) {
    const field = el("input", {
        id: "token",
        type: "password",
        autocomplete: "off",
        spellcheck: "false",
        required: true,
        "aria-describedby": "token-why",
    });
    const keep = (event) => {
        event.preventDefault();
        setToken(field.value.trim());
        route();
    };
    const why =
        fault.status === 403
            ? fault.message
            : token()
              ? "The daemon does not know this token."
              : "The daemon wants a token with the scope read.";
    refill(
        byId("main"),
        el(
            "form",
            { class: "card token", on: { submit: keep } },
            el("h1", {}, "A token, please"),
            el(
                "p",
                { id: "token-why" },
                why,
                " It stays in this tab and is gone when the tab is closed.",
            ),
            el("label", { for: "token" }, "Token"),
            field,
            el("button", { type: "submit", class: "main" }, "Show the runs"),
        ),
    );
    field.focus();
    say(why);
}

function drawFault(fault) {
    const titles = { "no-store": "Nothing is kept here", lost: "No connection" };
    const title = titles[fault.code] ?? "This cannot be shown";
    const text =
        fault.code === "no-store"
            ? "The daemon keeps runs once its configuration names a file: store.path."
            : fault.message;
    refill(
        byId("main"),
        el(
            "div",
            { class: "card fault" },
            el("h1", {}, title),
            el("p", {}, text),
            el(
                "p",
                {},
                el("button", { type: "button", class: "main", on: { click: route } }, "Try again"),
                " ",
                el("a", { href: "#/" }, "All runs"),
            ),
        ),
    );
    say(title + ". " + text);
    if (!(fault instanceof Failure)) console.error(fault);
}

// ---- from view to view --------------------------------------------------------------------------

// Another choice within a view changes its URL, not the way back.
function put(parts, parameters) {
    history.replaceState(null, "", link(parts, parameters));
}

async function route() {
    const place = read(location.hash);
    if (place === null) return;
    leave.abort();
    leave = new AbortController();
    const signal = leave.signal;
    const found = find(place.parts);
    show("off", "loading");
    byId("forget").hidden = token() === null;
    document.title = (found ? found.title : "Not found") + " – overlapd";
    drawCrumbs(found ? found.crumbs : []);
    if (!first) scrollTo(0, 0);
    try {
        if (!found) throw new Failure(404, "not-found", "The dashboard has no such page.");
        await found.view({
            main: byId("main"),
            names: place.parts
                .filter((_, i) => i % 2 === 1 || place.parts[0] === "compare")
                .filter((one) => one !== "compare"),
            parameters: place.parameters,
            signal,
            link,
            put: (parameters) => put(place.parts, parameters),
            ready: arrived,
        });
    } catch (fault) {
        if (signal.aborted) return;
        leave.abort();
        show("off", "not connected");
        if (fault.status === 401 || (fault.status === 403 && fault.code === "forbidden"))
            askForToken(fault);
        else drawFault(fault);
    }
}

// Once a view has something to show; who reads by ear hears where they are.
function arrived() {
    if (!first) byId("main").focus({ preventScroll: true });
    first = false;
}

// What a button or a choice began and what then failed; a view that was left has failed nothing.
addEventListener("unhandledrejection", (event) => {
    const fault = event.reason;
    if (fault instanceof Failure) show("lost", fault.message);
    if (fault instanceof Failure || fault.name === "AbortError") event.preventDefault();
});
byId("forget").addEventListener("click", () => {
    setToken(null);
    route();
});
document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
});
addEventListener("hashchange", route);
route();
