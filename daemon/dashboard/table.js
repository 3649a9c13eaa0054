// table.js - tables whose headers sort, by keyboard too.
// SPDX-License-Identifier: Apache-2.0
import { el } from "./dom.js";
import { className, score } from "./format.js";

// columns: {id, title, cell(row), value(row)?, number?, text?, head?, sortable?}. Sorted by `value`
// here, or by who asked where `sortsItself` is false. sort: {id, desc}; onSort(id, desc).
export function table({ key, caption, columns, rows, sort, onSort, sortsItself = true }) {
    const column = columns.find((one) => one.id === sort?.id);
    const shown = sortsItself && column?.value ? ordered(rows, column.value, sort.desc) : rows;
    return el(
        "div",
        {
            class: "scroll",
            key: key + "-scroll",
            tabindex: "0",
            role: "region",
            "aria-label": caption,
        },
        el(
            "table",
            {},
            el("caption", { class: "unseen" }, caption),
            el(
                "thead",
                {},
                el(
                    "tr",
                    {},
                    columns.map((one) => heading(one, key, sort, onSort)),
                ),
            ),
            el(
                "tbody",
                {},
                shown.map((row) =>
                    el(
                        "tr",
                        {},
                        columns.map((one) => field(one, row)),
                    ),
                ),
            ),
        ),
    );
}

function heading(column, key, sort, onSort) {
    const kind = column.number ? "number" : null;
    if (!onSort || column.sortable === false)
        return el("th", { scope: "col", class: kind }, column.title);
    const sorted = sort?.id === column.id;
    const next = sorted ? !sort.desc : false;
    return el(
        "th",
        {
            scope: "col",
            class: kind,
            "aria-sort": sorted ? (sort.desc ? "descending" : "ascending") : null,
        },
        el(
            "button",
            {
                type: "button",
                class: "sort",
                key: key + "-" + column.id,
                on: { click: () => onSort(column.id, next) },
            },
            column.title,
            el(
                "span",
                { class: "arrow", "aria-hidden": "true" },
                sorted ? (sort.desc ? "▾" : "▴") : "",
            ),
        ),
    );
}

function field(column, row) {
    const tag = column.head ? "th" : "td";
    return el(
        tag,
        {
            scope: column.head ? "row" : null,
            class: column.number ? "number" : column.text ? "text" : null,
        },
        column.cell(row),
    );
}

// What has no value comes last either way.
function ordered(rows, value, desc) {
    const none = (one) => one === null || one === undefined;
    return [...rows].sort((a, b) => {
        const x = value(a);
        const y = value(b);
        if (none(x) || none(y)) return Number(none(x)) - Number(none(y));
        const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
        return desc ? -order : order;
    });
}

// A column of numbers; `show` makes the text, or `cell` the whole field.
export function numeric(id, title, value, { show = score, cell = null, ...more } = {}) {
    return { id, title, number: true, value, cell: cell ?? ((row) => show(value(row))), ...more };
}

export function classColumn(cell = className) {
    return { id: "class", title: "Class", head: true, value: (row) => row.label ?? row.name, cell };
}
