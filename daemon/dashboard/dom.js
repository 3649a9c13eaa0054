// dom.js - elements, made so that every text stays a text.
// SPDX-License-Identifier: Apache-2.0

import { METRICS, METRIC_NAMES } from "./format.js";

// el("a", {href, class, dataset, on: {click}}, child...): children are nodes, texts, lists or null.
export function el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === null || value === undefined || value === false) continue;
        if (name === "on") {
            for (const [event, handler] of Object.entries(value))
                node.addEventListener(event, handler);
        } else if (name === "key") {
            node.dataset.key = value;
        } else {
            node.setAttribute(name, value === true ? "" : value);
        }
    }
    append(node, children);
    return node;
}

function append(node, children) {
    for (const child of children.flat(9)) {
        if (child === null || child === undefined || child === false) continue;
        node.append(child instanceof Node ? child : String(child));
    }
}

// Puts other children into a node. Focus, what is ticked and how far tables are scrolled stay where
// the same data-key is there again: a run that fills must not take the page from under its reader.
export function refill(node, ...children) {
    const active = node.contains(document.activeElement) ? document.activeElement : null;
    const key = active && active.dataset.key;
    const scrolled = new Map();
    for (const box of node.querySelectorAll(".scroll[data-key]"))
        scrolled.set(box.dataset.key, box.scrollLeft);
    node.replaceChildren();
    append(node, children);
    for (const box of node.querySelectorAll(".scroll[data-key]"))
        box.scrollLeft = scrolled.get(box.dataset.key) || 0;
    if (key) {
        for (const again of node.querySelectorAll("[data-key]"))
            if (again.dataset.key === key) again.focus({ preventScroll: true });
    }
}

export function byId(id) {
    return document.getElementById(id);
}

let saidAt = 0;

// For who listens; a run that fills quickly is not read out case by case.
export function say(text, { often = true } = {}) {
    const now = Date.now();
    if (!often && now - saidAt < 5000) return;
    saidAt = now;
    byId("said").textContent = text;
}

// A labelled select of [[value, text]...].
export function choice(label, options, chosen, onChange, key) {
    const id = "choice-" + key;
    const select = el(
        "select",
        { id, key, on: { change: () => onChange(select.value) } },
        options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
    );
    return el("div", { class: "choice" }, el("label", { for: id }, label), select);
}

export function metricChoice(metric, onChange) {
    const all = METRICS.map((one) => [one, METRIC_NAMES[one]]);
    return choice("Metric", all, metric, onChange, "metric");
}

export function button(text, key, click) {
    return el("button", { type: "button", key, on: { click } }, text);
}

// Names and what they are, as a list.
export function facts(pairs) {
    const shown = pairs.filter(
        ([, value]) => value !== null && value !== undefined && value !== "",
    );
    return el(
        "dl",
        { class: "facts" },
        shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    );
}

export function tile(name, value, note) {
    return el(
        "div",
        { class: "tile" },
        el("dt", {}, name),
        el("dd", {}, el("b", {}, value), note ? el("span", {}, note) : null),
    );
}

export function card(title, ...children) {
    const id = "card-" + title.toLowerCase().replace(/[^a-z]+/g, "-");
    return el(
        "section",
        { class: "card", "aria-labelledby": id },
        el("h2", { id }, title),
        ...children,
    );
}
