// view_cases.js - the cases of a run, worst first, a page at a time.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, refill } from "./dom.js";
import {
    METRICS,
    METRIC_NAMES,
    STATE_NAMES,
    className,
    classKey,
    plural,
    score,
    when,
} from "./format.js";
import { table } from "./table.js";

const PAGE = 20;
const MOST = 1000; // of one answer

// The selected class's value, or the mean over the case's classes that have one.
function valueOf(one, metric, key) {
    const items = key
        ? [...one.classes, ...one.regions].filter((item) => classKey(item) === key)
        : one.classes;
    const values = items.map((item) => item[metric]).filter((value) => typeof value === "number");
    return values.length === 0
        ? null
        : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function stateOf(one, key) {
    const item = [...one.classes, ...one.regions].find((other) => classKey(other) === key);
    return item ? (STATE_NAMES[item.state] ?? item.state) : "–";
}

function columns(context, run, key) {
    return [
        {
            id: "name",
            title: "Case",
            head: true,
            cell: (one) =>
                el(
                    "a",
                    {
                        href: context.link(["runs", run, "cases", one.case]),
                        key: "case-" + one.case,
                    },
                    one.case,
                ),
        },
        ...METRICS.map((metric) => ({
            id: metric,
            title: METRIC_NAMES[metric],
            number: true,
            cell: (one) => score(valueOf(one, metric, key)),
        })),
        key
            ? { id: "state", title: "State", sortable: false, cell: (one) => stateOf(one, key) }
            : null,
        {
            id: "group",
            title: "Group",
            sortable: false,
            text: true,
            cell: (one) => one.group ?? "–",
        },
        {
            id: "tags",
            title: "Tags",
            sortable: false,
            text: true,
            cell: (one) => one.tags.map((tag) => el("span", { class: "tag" }, tag)),
        },
        {
            id: "kept",
            title: "Kept",
            cell: (one) => el("time", { datetime: one.kept }, when(one.kept)),
        },
    ].filter((column) => column !== null);
}

// {node, load(classes)}: a card that asks for its own pages.
export function caseList(context, run, metric) {
    const { parameters, signal } = context;
    const tools = el("div", { class: "tools" });
    const list = el("div");
    let classes = [];
    let loaded = [];
    let next = null;
    let n = 0;

    const sort = () => ({ id: parameters.sort ?? metric(), desc: parameters.order === "desc" });
    const key = () =>
        classes.some((one) => classKey(one) === parameters.class) ? parameters.class : "";

    function path(cursor, limit) {
        const [kind, ...rest] = key().split(":");
        return query(runPath(run, "cases"), {
            sort: sort().id,
            order: sort().desc ? "desc" : "asc",
            metrics: METRICS.join(","),
            limit,
            cursor,
            [kind || "label"]: rest.join(":"),
        });
    }

    async function reload() {
        const page = await get(path(null, Math.min(MOST, Math.max(PAGE, loaded.length))), signal);
        if (signal.aborted) return;
        ({ cases: loaded, next, n } = page);
        redraw();
    }

    async function more() {
        const page = await get(path(next, PAGE), signal);
        if (signal.aborted) return;
        loaded = [...loaded, ...page.cases];
        ({ next, n } = page);
        redraw();
    }

    function set(changes) {
        Object.assign(parameters, changes);
        context.put(parameters);
        loaded = [];
        return reload();
    }

    function redraw() {
        refill(
            tools,
            choice(
                "Class",
                [["", "mean of all"], ...classes.map((one) => [classKey(one), className(one)])],
                key(),
                (value) => set({ class: value }),
                "class",
            ),
            button("Save as CSV", "csv-cases", () => saveTable(path(null, MOST), run + "-cases")),
        );
        refill(
            list,
            table({
                key: "cases",
                caption: "Cases",
                columns: columns(context, run, key()),
                rows: loaded,
                sort: sort(),
                sortsItself: false,
                onSort: (id, desc) => set({ sort: id, order: desc ? "desc" : "asc" }),
            }),
            el(
                "p",
                { class: "pages" },
                el("span", {}, loaded.length + " of " + plural(n, "case", "cases")),
                next ? button("More cases", "more", more) : null,
            ),
        );
    }

    return {
        node: card("Cases", tools, list),
        load(known) {
            classes = known;
            return reload();
        },
    };
}
