// format.js - numbers, times and names as people read them.
// SPDX-License-Identifier: Apache-2.0

export const METRICS = ["dice", "iou", "recall", "precision"];

export const METRIC_NAMES = { dice: "Dice", iou: "IoU", recall: "Recall", precision: "Precision" };

export const STATES = ["ok", "both_empty", "reference_empty", "prediction_empty"];

export const STATE_NAMES = {
    ok: "Both there",
    both_empty: "Both empty",
    reference_empty: "Reference empty",
    prediction_empty: "Prediction empty",
};

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const DATE = new Intl.DateTimeFormat("sv", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
});

export function score(value, digits = 3) {
    return typeof value === "number" ? value.toFixed(digits) : "–";
}

export function signed(value, digits = 3) {
    if (typeof value !== "number") return "–";
    const text = Math.abs(value).toFixed(digits);
    if (Number(text) === 0) return text;
    return (value < 0 ? "−" : "+") + text;
}

export function count(value) {
    return typeof value === "number" ? GROUPED.format(value) : "–";
}

export function interval(pair, show = score) {
    return Array.isArray(pair) ? show(pair[0]) + " to " + show(pair[1]) : null;
}

export function pValue(p) {
    if (typeof p !== "number") return "–";
    return p < 0.001 ? p.toExponential(1) : p.toFixed(3);
}

export function when(text) {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? "–" : DATE.format(date);
}

export function className(item) {
    if (item.label === undefined) return item.name;
    return item.name === null ? "Class " + item.label : item.name + " (" + item.label + ")";
}

// What stands for a class or region in a URL.
export function classKey(item) {
    return item.label === undefined ? "region:" + item.name : "label:" + item.label;
}

export function plural(n, one, many) {
    return count(n) + " " + (n === 1 ? one : many);
}

// A member of a run's info that is a text or number; the client may have sent anything.
export function told(info, name) {
    const value = info && Object.prototype.hasOwnProperty.call(info, name) ? info[name] : null;
    return value === null ? null : String(value);
}

// An address that a link may have: of the web, and nothing that a browser would run.
export function webAddress(text) {
    try {
        const url = new URL(text, document.baseURI);
        return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
    } catch {
        return null;
    }
}
