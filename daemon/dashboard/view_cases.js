// view_cases.js - the cases of a run, worst first, a page at a time.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, refill } from "./dom.js";
import { METRICS, METRIC_NAMES, STATE_NAMES } from "./format.js";
import { className, classKey, plural, score, when } from "./format.js";
import { numeric, table } from "./table.js";

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
    const link = ({ case: name }) =>
        el("a", { href: context.link(["runs", run, "cases", name]), key: "case-" + name }, name);
    const aside = (id, title, cell, more = {}) => ({ id, title, sortable: false, cell, ...more });
    const tags = (one) => one.tags.map((tag) => el("span", { class: "tag" }, tag));
    const kept = (one) => el("time", { datetime: one.kept }, when(one.kept));
    return [
        { id: "name", title: "Case", head: true, cell: link },
        ...METRICS.map((metric) =>
            numeric(metric, METRIC_NAMES[metric], (one) => valueOf(one, metric, key)),
        ),
        ...(key ? [aside("state", "State", (one) => stateOf(one, key))] : []),
        aside("group", "Group", (one) => one.group ?? "–", { text: true }),
        aside("tags", "Tags", tags, { text: true }),
        { id: "kept", title: "Kept", cell: kept },
    ];
}

// A card that asks for its own pages.
export class CaseList {
    classes = [];
    loaded = [];
    next = null;
    n = 0;
    tools = el("div", { class: "tools" });
    list = el("div");

    // metric(): what the cases are sorted by unless they are told otherwise.
    constructor(context, run, metric) {
        Object.assign(this, { context, run, metric, parameters: context.parameters });
        this.node = card("Cases", this.tools, this.list);
    }

    get sort() {
        const { sort, order } = this.parameters;
        return { id: sort ?? this.metric(), desc: order === "desc" };
    }

    get key() {
        const wanted = this.parameters.class;
        return this.classes.some((one) => classKey(one) === wanted) ? wanted : "";
    }

    path(cursor, limit) {
        const [kind, ...rest] = this.key.split(":");
        return query(runPath(this.run, "cases"), {
            sort: this.sort.id,
            order: this.sort.desc ? "desc" : "asc",
            metrics: METRICS.join(","),
            limit,
            cursor,
            [kind || "label"]: rest.join(":"),
        });
    }

    // What comes after another choice was made is thrown away.
    async ask(cursor, limit, before) {
        const asked = this.path(cursor, limit);
        const page = await get(asked, this.context.signal);
        if (this.context.signal.aborted || asked !== this.path(cursor, limit)) return;
        this.loaded = [...before, ...page.cases];
        this.next = page.next;
        this.n = page.n;
        this.draw();
    }

    load(classes = this.classes) {
        this.classes = classes;
        return this.ask(null, Math.min(MOST, Math.max(PAGE, this.loaded.length)), []);
    }

    set(changes) {
        Object.assign(this.parameters, changes);
        this.context.put(this.parameters);
        this.loaded = [];
        return this.load();
    }

    drawTools() {
        const all = this.classes.map((one) => [classKey(one), className(one)]);
        const choose = (value) => this.set({ class: value });
        const save = () => saveTable(this.path(null, MOST), this.run + "-cases");
        refill(
            this.tools,
            choice("Class", [["", "mean of all"], ...all], this.key, choose, "class"),
            button("Save as CSV", "csv-cases", save),
        );
    }

    draw() {
        const more = () => this.ask(this.next, PAGE, this.loaded);
        this.drawTools();
        refill(
            this.list,
            table({
                key: "cases",
                caption: "Cases",
                columns: columns(this.context, this.run, this.key),
                rows: this.loaded,
                sort: this.sort,
                sortsItself: false,
                onSort: (id, desc) => this.set({ sort: id, order: desc ? "desc" : "asc" }),
            }),
            el(
                "p",
                { class: "pages" },
                el("span", {}, this.loaded.length + " of " + plural(this.n, "case", "cases")),
                this.next ? button("More cases", "more", more) : null,
            ),
        );
    }
}
